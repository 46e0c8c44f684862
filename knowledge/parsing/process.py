"""The nursery: files in on stdin, what came of them out on stdout, each read in a fork under limits it cannot lift."""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import math
import os
import resource
import selectors
import signal
import sys
import time
import traceback
from pathlib import PurePath

from knowledge.parsing.blocks import to_wire
from knowledge.parsing.errors import Limits, ParseError
from knowledge.parsing.formats import EXTENSIONS
from knowledge.parsing.reader import READERS, parse

START_UP_SECONDS = 2.0


def main() -> None:
    files, results = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a library that prints must not spoil the results
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends when whoever started it does
    logging.disable(logging.CRITICAL)
    while line := files.readline():
        request = json.loads(line)
        status, out, err = _read_apart(files.read(request["size"]), request["filename"], Limits(**request["limits"]))
        results.write(json.dumps({"status": status, "out": len(out), "err": len(err)}).encode() + b"\n" + out + err)
        results.flush()


def _read_apart(data: bytes, filename: str, limits: Limits) -> tuple[int, bytes, bytes]:
    """The exit status of a fork that reads the file, its answer, and what it complained of."""
    _import_reader(filename)
    out, answer = os.pipe()
    err, complaints = os.pipe()
    child = os.fork()
    if not child:
        _read(data, filename, limits, answer, complaints)
    os.close(answer)
    os.close(complaints)
    written, in_time = _collect(out, err, limits.patience + START_UP_SECONDS)
    if not in_time:
        os.kill(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return (status if in_time else -signal.SIGALRM), bytes(written[out]), bytes(written[err])


def _import_reader(filename: str) -> None:
    """Once here instead of in each fork. Chosen by the name alone: the content is the fork's business."""
    kind = EXTENSIONS.get(PurePath(filename).suffix.lstrip(".").lower())
    if kind:
        importlib.import_module(READERS[kind])


def _collect(out: int, err: int, seconds: float) -> tuple[dict[int, bytearray], bool]:
    """What is written until both ends are closed, and whether that was in time."""
    written = {out: bytearray(), err: bytearray()}
    deadline = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        for source in written:
            selector.register(source, selectors.EVENT_READ)
        while selector.get_map() and (left := deadline - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                received = os.read(key.fd, 1 << 20)
                written[key.fd] += received
                if not received:
                    selector.unregister(key.fd)
                    os.close(key.fd)
        late = [key.fd for key in selector.get_map().values()]
    for source in late:
        os.close(source)
    return written, not late


def _read(data: bytes, filename: str, limits: Limits, answer: int, complaints: int) -> None:
    """The fork: it never returns, and holds neither the files of others nor the way to answer for them."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(complaints, 1)
    os.dup2(complaints, 2)
    os.dup2(answer, 3)
    os.closerange(4, 256)
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        _confine(limits)
        with os.fdopen(3, "w", encoding="utf-8", errors="replace") as answers:
            answers.write(_answer(data, filename, limits))
    except BaseException:
        with contextlib.suppress(BaseException):
            traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _answer(data: bytes, filename: str, limits: Limits) -> str:
    try:
        return json.dumps({"document": to_wire(parse(data, filename, limits))})
    except ParseError as error:
        if error.__cause__ is not None:
            traceback.print_exception(error.__cause__)
        return json.dumps({"code": error.code, "message": error.message})
    except MemoryError:
        return json.dumps({"code": "memory", "message": ""})


def _confine(limits: Limits) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    seconds = math.ceil(limits.seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds + 1, seconds + 2))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.alarm(math.ceil(limits.patience) + 5)  # ends this process even if its parents were killed and wait no more


if __name__ == "__main__":
    main()
