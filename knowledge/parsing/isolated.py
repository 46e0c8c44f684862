"""Reads each file in a process of its own, so that no file can hang a worker or eat its memory."""

from __future__ import annotations

import dataclasses
import json
import logging
import signal

from knowledge.parsing.blocks import ParsedDocument, from_wire
from knowledge.parsing.errors import Limits, ParseError
from knowledge.parsing.nursery import Ended, read_apart

OUT_OF_TIME = {signal.SIGXCPU, signal.SIGALRM}

log = logging.getLogger(__name__)


def parse_in_process(data: bytes, filename: str, limits: Limits = Limits()) -> ParsedDocument:
    limits.check_size(len(data))
    try:
        ended = read_apart(data, {"filename": filename, "limits": dataclasses.asdict(limits)}, limits.patience)
    except TimeoutError:
        raise ParseError("too_slow") from None
    return _answer(ended)


def _answer(ended: Ended) -> ParsedDocument:
    try:
        answer = json.loads(ended.out)
    except ValueError:
        raise ParseError(_cause_of_death(ended.status, ended.err)) from None
    if "document" in answer:
        return from_wire(answer["document"])
    if ended.err:
        log.info("A file could not be read: %s", ended.err[-2000:].decode("utf-8", errors="replace"))
    raise ParseError(answer["code"], answer["message"])


def _cause_of_death(status: int, err: bytes) -> str:
    log.warning("Reading a file ended with status %s: %s", status, err[-2000:].decode("utf-8", errors="replace"))
    if -status in OUT_OF_TIME:
        return "too_slow"
    if -status in (signal.SIGKILL, signal.SIGABRT) or b"MemoryError" in err or b"emory" in err[-500:]:
        return "memory"
    return "broken"
