"""What the operating system says about processes and ports."""

import os
import socket
import subprocess
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")


class Facts(NamedTuple):
    """A process that has not ended: its group, and when it was born, which tells it from a later one with its id."""

    group: int
    birth: str


def look(pid: int) -> Facts | None:
    """The facts about a living process, or None when it has ended (a zombie has ended)."""
    return _look_in_proc(pid) if (PROC / "self" / "stat").exists() else _look_with_ps(pid)


def same_process(pid: int, birth: str) -> bool:
    facts = look(pid)
    return facts is not None and facts.birth == birth


def group_lives(group: int) -> bool:
    """Whether any process of the group is still running."""
    if not (PROC / "self" / "stat").exists():
        return _signal_reaches_group(group)
    pids = (int(entry) for entry in os.listdir(PROC) if entry.isdigit())
    return any(facts.group == group for facts in map(_look_in_proc, pids) if facts)


def command_line(pid: int) -> str:
    """The words a process was started with, or an empty text where they cannot be read."""
    try:
        return (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return _ps(pid, "command=")


def port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _look_in_proc(pid: int) -> Facts | None:
    try:
        text = (PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    # The second field is the program's name in brackets, and may itself hold blanks and brackets.
    fields = text[text.rindex(")") + 2 :].split()
    state, group, birth = fields[0], int(fields[2]), fields[19]
    return None if state in "ZX" else Facts(group, birth)


def _look_with_ps(pid: int) -> Facts | None:
    fields = _ps(pid, "stat=,pgid=,lstart=").split(maxsplit=2)
    if len(fields) < 3 or fields[0].startswith("Z"):
        return None
    return Facts(int(fields[1]), fields[2].strip())


def _ps(pid: int, columns: str) -> str:
    try:
        found = subprocess.run(["ps", "-o", columns, "-p", str(pid)], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return found.stdout.strip()


def _signal_reaches_group(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except OSError:
        return False
    return True
