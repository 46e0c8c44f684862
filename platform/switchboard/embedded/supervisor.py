"""Starts the children, restarts those that crash, and hands each one to the guardian before it runs."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from switchboard.embedded import EmbeddedError, processes
from switchboard.embedded.folder import DataFolder

PLATFORM = Path(__file__).resolve().parents[2]
STORE, APP = 0, 1  # stages: programs are stopped before the stores that they use
BACKOFF_S = (0.5, 1, 2, 5, 10, 30)
CALM_S = 60.0
LARGEST_LOG = 10_000_000
# The child tells the guardian about itself before it becomes the program, so that no moment is left in which the
# supervisor could be killed and the program be forgotten. Its standard input is the guardian's pipe until then.
LAUNCH = 'echo "add $$ $0" >&0; exec "$@" </dev/null'


@dataclass(frozen=True)
class Command:
    name: str
    args: tuple[str, ...]
    stage: int = APP
    stop_signal: int = signal.SIGTERM
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None


@dataclass
class _Child:
    command: Command
    process: subprocess.Popen[bytes]
    started: float
    crashes: int = 0
    restart_at: float | None = None


class Supervisor:
    def __init__(self, folder: DataFolder, say: Callable[[str], None] = lambda line: None) -> None:
        self.folder = folder
        self._say = say
        self._children: dict[str, _Child] = {}
        self._facts: dict[str, Any] = {}
        self._stopping = False
        self._lock = folder.take()
        self._start_guardian()

    def start(self, command: Command) -> None:
        """Start a program that is meant to run until the end."""
        self._children[command.name] = _Child(command, self._spawn(command), time.monotonic())
        self._publish()

    def run(self, command: Command) -> str:
        """Run a program to its end and return what it printed; a failure is told with the last lines of its log."""
        process = self._spawn(command, stdout=subprocess.PIPE)
        output, _ = process.communicate()
        self._tell(f"drop {process.pid}")
        with self.folder.log(command.name).open("ab") as log:
            log.write(output)
        if process.returncode:
            raise EmbeddedError(self._failure(command.name, process.returncode))
        return output.decode(errors="replace")

    def wait_for(self, name: str, ready: Callable[[], bool], timeout_s: float) -> None:
        """Wait until a started program answers; every program must stay alive meanwhile."""
        deadline = time.monotonic() + timeout_s
        while not ready():
            self.check()
            if time.monotonic() > deadline:
                raise EmbeddedError(f"{name} did not answer within {timeout_s:.0f} s.{self._tail(name)}")
            time.sleep(0.05)

    def check(self) -> None:
        for child in self._children.values():
            if (code := child.process.poll()) is not None:
                raise EmbeddedError(self._failure(child.command.name, code))

    def runs(self, name: str) -> bool:
        return self._children[name].process.poll() is None

    def pid_of(self, name: str) -> int:
        return self._children[name].process.pid

    def forget(self, name: str) -> None:
        """Give up a program that has ended."""
        child = self._children.pop(name)
        self._tell(f"drop {child.process.pid}")

    def publish(self, facts: dict[str, Any]) -> None:
        """Write what other commands on this machine need in order to find these services."""
        self._facts |= facts
        self._publish()

    def watch(self) -> None:
        """Restart what crashes, for as long as this process lives."""
        while not self._stopping:
            if self._guardian.poll() is not None:
                self._replace_guardian()
            for child in list(self._children.values()):
                self._tend(child)
            time.sleep(0.25)

    def stop(self) -> None:
        """Stop everything, in order; returns when nothing is left."""
        self._stopping = True
        if self._guardian.poll() is not None:
            self._replace_guardian()
        os.close(self._pipe)
        while self._guardian.poll() is None:
            for child in self._children.values():
                child.process.poll()
            time.sleep(0.02)
        for child in self._children.values():
            child.process.wait()
        self.folder.leave()

    def _start_guardian(self) -> None:
        listening, self._pipe = os.pipe()
        self._guardian = subprocess.Popen(
            [sys.executable, "-P", "-S", "-m", "switchboard.embedded.guardian", str(os.getpid()),
             str(self.folder.services_file)],
            stdin=listening,
            stdout=subprocess.DEVNULL,
            stderr=self.folder.log("guardian").open("ab"),
            pass_fds=(self._lock,),
            env={**os.environ, "PYTHONPATH": str(PLATFORM)},
            cwd="/",
            start_new_session=True,
        )  # fmt: skip
        os.close(listening)

    def _replace_guardian(self) -> None:
        os.close(self._pipe)
        self._start_guardian()
        for child in self._children.values():
            if child.process.poll() is None:
                self._tell(f"add {child.process.pid} {_how_to_stop(child.command)}")
        self._publish()

    def _spawn(self, command: Command, stdout: int | None = None) -> subprocess.Popen[bytes]:
        log_file = self.folder.log(command.name)
        if log_file.exists() and log_file.stat().st_size > LARGEST_LOG:
            log_file.replace(log_file.with_suffix(".log.1"))
        with log_file.open("ab") as log:
            return subprocess.Popen(
                ["/bin/sh", "-c", LAUNCH, _how_to_stop(command), *command.args],
                stdin=self._pipe,
                stdout=log if stdout is None else stdout,
                stderr=log,
                env={**os.environ, **command.env},
                cwd=command.cwd or self.folder.path,
                start_new_session=True,
            )

    def _tend(self, child: _Child) -> None:
        now = time.monotonic()
        code = child.process.poll()
        if code is None:
            return
        if child.restart_at is None:
            child.crashes = 0 if now - child.started > CALM_S else child.crashes
            wait_s = BACKOFF_S[min(child.crashes, len(BACKOFF_S) - 1)]
            child.crashes, child.restart_at = child.crashes + 1, now + wait_s
            self._clear_group(child)
            self._say(f"{_how_ended(child.command.name, code)}; restarting it in {wait_s} s. "
                      f"Its log: {self.folder.log(child.command.name)}")  # fmt: skip
        elif now >= child.restart_at:
            child.process, child.started, child.restart_at = self._spawn(child.command), now, None
            self._publish()

    def _clear_group(self, child: _Child) -> None:
        """End what a crashed program has left behind."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.process.pid, signal.SIGKILL)
        self._tell(f"drop {child.process.pid}")

    def _tell(self, line: str) -> None:
        # A guardian that is gone is replaced by watch(), which tells the new one everything.
        with contextlib.suppress(BrokenPipeError):
            os.write(self._pipe, f"{line}\n".encode())

    def _publish(self) -> None:
        if self._facts:
            pids = {name: child.process.pid for name, child in self._children.items()}
            children = {
                name: {"pid": pid, "birth": facts.birth} for name, pid in pids.items() if (facts := processes.look(pid))
            }
            self.folder.publish(
                {**self._facts, "pid": os.getpid(), "guardian_pid": self._guardian.pid, "children": children}
            )

    def _failure(self, name: str, code: int) -> str:
        return f"{_how_ended(name, code)}.{self._tail(name)}"

    def _tail(self, name: str) -> str:
        log = self.folder.log(name)
        lines = log.read_text(errors="replace").splitlines()[-15:] if log.exists() else []
        return "".join(f"\n    {line}" for line in [f"The end of {log}:", *lines]) if lines else ""


def _how_to_stop(command: Command) -> str:
    return f"{command.stage} {int(command.stop_signal)}"


def _how_ended(name: str, code: int) -> str:
    return f"{name} was killed by {signal.Signals(-code).name}" if code < 0 else f"{name} ended with exit status {code}"
