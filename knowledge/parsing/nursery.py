"""This process's end of the nursery: a process that has Python and the readers in memory and forks one for each file.

To start a Python for every file takes some 200 ms, to fork one 10 ms. The nursery looks at no file's content itself.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# Beyond a file's own limit, which the nursery sees to: for one that is itself stuck.
PATIENCE_SECONDS = 10.0


@dataclass(frozen=True)
class Ended:
    """How the process of one file ended: its exit status (a signal's negative number), and what it wrote."""

    status: int
    out: bytes
    err: bytes


def read_apart(data: bytes, request: dict[str, Any], seconds: float) -> Ended:
    """Have a file read in a process of its own. TimeoutError when that does not end."""
    message = json.dumps({**request, "size": len(data)}).encode() + b"\n" + data
    with _lock:
        try:
            return _nursery().read(message, seconds)
        except BrokenPipeError:
            # It was ended from outside, perhaps long ago.
            _close()
            return _nursery().read(message, seconds)


class _Nursery:
    def __init__(self) -> None:
        # Secrets in the environment are no business of the processes that meet strangers' files.
        environment = {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "PATH": os.environ.get("PATH", "")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "knowledge.parsing.process"],
            stdin=subprocess.PIPE,  # closes when this process dies, which ends the nursery too
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=environment,
        )

    def read(self, message: bytes, seconds: float) -> Ended:
        given, received = self._process.stdin, self._process.stdout
        assert given
        assert received
        end = threading.Timer(seconds + PATIENCE_SECONDS, self._process.kill)
        end.start()
        began = time.monotonic()
        try:
            given.write(message)
            given.flush()
            head = json.loads(received.readline() or '{"out": 1}')
            out = received.read(head["out"])
            err = received.read(head.get("err", 0))
        finally:
            end.cancel()
        if len(out) == head["out"]:
            return Ended(head["status"], out, err)
        raise BrokenPipeError if time.monotonic() - began < seconds + PATIENCE_SECONDS else TimeoutError

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


_lock = threading.Lock()
_nurseries: list[_Nursery] = []


def _nursery() -> _Nursery:
    if not _nurseries:
        _nurseries.append(_Nursery())
    return _nurseries[0]


def _close() -> None:
    while _nurseries:
        _nurseries.pop().close()


def _forget() -> None:
    """A forked copy of this process must not talk to the original's nursery."""
    global _lock
    _lock = threading.Lock()
    _nurseries.clear()


atexit.register(_close)
os.register_at_fork(after_in_child=_forget)
