"""The child of `parse_in_process`: one file in on stdin, one JSON answer out on stdout, under limits it cannot lift."""

from __future__ import annotations

import json
import logging
import math
import os
import resource
import signal
import sys
import traceback

from knowledge.parsing.blocks import to_wire
from knowledge.parsing.errors import Limits, ParseError
from knowledge.parsing.reader import parse


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace")
    os.dup2(2, 1)  # a library that prints must not spoil the answer
    logging.disable(logging.CRITICAL)
    request = json.loads(sys.stdin.buffer.readline())
    limits = Limits(**request["limits"])
    _confine(limits)
    try:
        answer = {"document": to_wire(parse(sys.stdin.buffer.read(), request["filename"], limits))}
        text = json.dumps(answer)
    except ParseError as error:
        if error.__cause__ is not None:
            traceback.print_exception(error.__cause__)
        text = json.dumps({"code": error.code, "message": error.message})
    except MemoryError:
        text = json.dumps({"code": "memory", "message": ""})
    answers.write(text)
    answers.flush()


def _confine(limits: Limits) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    seconds = math.ceil(limits.seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds + 1, seconds + 2))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.alarm(seconds + 5)  # ends this process even if its parent was killed and waits no more


if __name__ == "__main__":
    main()
