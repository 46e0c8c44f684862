"""The guardian: a tiny process that stops every child once the supervisor is gone, however it went.

It reads lines from a pipe whose only writer is the supervisor: `add PID STAGE SIGNAL` and `drop PID`. The end of
the pipe, which comes also when the supervisor is killed, means: stop everything, later stages first.
"""

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from switchboard.embedded import processes

GRACE_S = {"0": 15.0, "1": 6.0}
TICK_S = 0.05


@dataclass(frozen=True)
class Child:
    pid: int
    stage: str
    stop_signal: int
    birth: str


def main(supervisor: int, services_file: Path) -> None:
    for terminal_signal in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(terminal_signal, signal.SIG_IGN)
    children = _listen(supervisor)
    for stage in sorted({child.stage for child in children.values()}, reverse=True):
        _stop([child for child in children.values() if child.stage == stage], GRACE_S[stage])
    services_file.unlink(missing_ok=True)


def _listen(supervisor: int) -> dict[int, Child]:
    """The children to stop, known when the supervisor has closed the pipe or has died."""
    children: dict[int, Child] = {}
    rest = b""
    while True:
        orphaned = os.getppid() != supervisor
        # A process that the supervisor forked may hold the pipe open after its death, hence the look at the parent.
        if not select.select([0], [], [], 1.0)[0]:
            if orphaned:
                return children
            continue
        received = os.read(0, 65536)
        if not received:
            return children
        *lines, rest = (rest + received).split(b"\n")
        for line in lines:
            _note(children, line.decode().split())


def _note(children: dict[int, Child], words: list[str]) -> None:
    pid = int(words[1])
    if words[0] == "drop":
        children.pop(pid, None)
        return
    facts = processes.look(pid)
    children[pid] = Child(pid, words[2], int(words[3]), facts.birth if facts else "")


def _stop(children: list[Child], grace_s: float) -> None:
    for child in children:
        if processes.same_process(child.pid, child.birth):
            _send(os.kill, child.pid, child.stop_signal)
    deadline = time.monotonic() + grace_s
    left = children
    while left and time.monotonic() < deadline:
        left = [child for child in left if _still_runs(child)]
        time.sleep(TICK_S if left else 0)
    for child in left:
        _send(os.killpg, child.pid, signal.SIGKILL)
    while any(processes.group_lives(child.pid) for child in left):
        time.sleep(TICK_S)


def _still_runs(child: Child) -> bool:
    """Whether the group has a member; what a leader has left behind when it ended is killed at once."""
    if not processes.group_lives(child.pid):
        return False
    if not processes.same_process(child.pid, child.birth):
        _send(os.killpg, child.pid, signal.SIGKILL)
    return True


def _send(how: Callable[[int, int], None], to: int, what: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        how(to, what)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
