"""Reads a file in a process of its own, so that no file can hang a worker or eat its memory."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

from knowledge.parsing.blocks import ParsedDocument, from_wire
from knowledge.parsing.errors import Limits, ParseError

ROOT = Path(__file__).resolve().parents[2]
START_UP_SECONDS = 2.0
OUT_OF_TIME = {signal.SIGXCPU, signal.SIGALRM}

log = logging.getLogger(__name__)


def parse_in_process(data: bytes, filename: str, limits: Limits = Limits()) -> ParsedDocument:
    limits.check_size(len(data))
    request = json.dumps({"filename": filename, "limits": dataclasses.asdict(limits)}).encode() + b"\n"
    # Secrets in the environment are no business of the process that meets strangers' files.
    environment = {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "PATH": os.environ.get("PATH", "")}
    with subprocess.Popen(
        [sys.executable, "-m", "knowledge.parsing.process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=environment,
    ) as child:
        try:
            out, err = child.communicate(request + data, timeout=limits.seconds + START_UP_SECONDS)
        except subprocess.TimeoutExpired:
            raise ParseError("too_slow") from None
        finally:
            child.kill()
    return _answer(child.returncode, out, err)


def _answer(status: int, out: bytes, err: bytes) -> ParsedDocument:
    try:
        answer = json.loads(out)
    except ValueError:
        raise ParseError(_cause_of_death(status, err)) from None
    if "document" in answer:
        return from_wire(answer["document"])
    if err:
        log.info("A file could not be read: %s", err[-2000:].decode("utf-8", errors="replace"))
    raise ParseError(answer["code"], answer["message"])


def _cause_of_death(status: int, err: bytes) -> str:
    log.warning("Reading a file ended with status %s: %s", status, err[-2000:].decode("utf-8", errors="replace"))
    if -status in OUT_OF_TIME:
        return "too_slow"
    if -status in (signal.SIGKILL, signal.SIGABRT) or b"MemoryError" in err or b"emory" in err[-500:]:
        return "memory"
    return "broken"
