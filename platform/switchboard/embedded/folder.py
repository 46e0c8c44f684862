"""The data folder: who is using it, the secrets and ports it keeps, and the addresses it publishes."""

import base64
import fcntl
import json
import os
import secrets
import signal
import time
from pathlib import Path
from typing import Any

from switchboard.embedded import EmbeddedError, processes

CLEANING_UP_S = 30.0


class DataFolder:
    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.logs = self.path / "logs"
        self.services_file = self.path / "services.json"
        self._secrets_file = self.path / "secrets.json"
        self._ports_file = self.path / "ports.json"
        self._lock_file = self.path / "lock"
        self._lock: int | None = None

    def take(self) -> int:
        """Lock the folder for this process and its guardian; returns the lock's file descriptor."""
        self.make()
        lock = os.open(self._lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + CLEANING_UP_S
        while not _locked_now(lock):
            holder = self.holder()
            if holder or time.monotonic() > deadline:
                os.close(lock)
                who = f"pid {holder}" if holder else "its last run has not finished stopping"
                raise EmbeddedError(f"{self.path} is in use: Switchboard is already running ({who}).")
            time.sleep(0.1)
        facts = processes.look(os.getpid())
        os.truncate(lock, 0)
        os.pwrite(lock, json.dumps({"pid": os.getpid(), "birth": facts.birth if facts else ""}).encode(), 0)
        self._lock = lock
        self._end_leftovers()
        return lock

    def leave(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def holder(self) -> int | None:
        """The living process that took the folder, if any."""
        claim = _read(self._lock_file)
        pid = claim.get("pid")
        return pid if pid and processes.same_process(pid, claim["birth"]) else None

    def is_free(self) -> bool:
        """Whether nothing uses the folder: neither a program nor the guardian that tidies up after one."""
        if not self._lock_file.exists():
            return True
        lock = os.open(self._lock_file, os.O_RDWR | os.O_CLOEXEC)
        try:
            return _locked_now(lock)
        finally:
            os.close(lock)

    def secret(self, name: str) -> str:
        """A secret that is made once and then kept."""
        kept = _read(self._secrets_file)
        if name not in kept:
            kept[name] = _new_secret(name)
            _write(self._secrets_file, kept)
        return str(kept[name])

    def port(self, name: str) -> int:
        """The port kept for a service, or a new one where there is none yet or another program has taken it."""
        kept = _read(self._ports_file)
        if name not in kept or not processes.port_is_free(kept[name]):
            kept[name] = processes.free_port()
            _write(self._ports_file, kept)
        return int(kept[name])

    def publish(self, facts: dict[str, Any]) -> None:
        _write(self.services_file, facts)

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def make(self) -> None:
        try:
            self.logs.mkdir(parents=True, exist_ok=True)
            self.path.chmod(0o700)
        except OSError as problem:
            raise EmbeddedError(f"The data folder {self.path} cannot be used: {problem.strerror}.") from problem

    def _end_leftovers(self) -> None:
        """End what an earlier run has left behind because its guardian was killed as well."""
        for name, child in _read(self.services_file).get("children", {}).items():
            # PostgreSQL is given time to write its files; see postgres.py.
            if name != "postgres" and processes.same_process(child["pid"], child["birth"]):
                os.killpg(child["pid"], signal.SIGKILL)
        self.services_file.unlink(missing_ok=True)


def _locked_now(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _new_secret(name: str) -> str:
    if name == "field_encryption_keys":
        return base64.urlsafe_b64encode(os.urandom(32)).decode()
    return secrets.token_hex(32)


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text()
    except FileNotFoundError:
        return {}
    try:
        content: dict[str, Any] = json.loads(text or "{}")
    except ValueError as problem:
        raise EmbeddedError(f"{path} is damaged ({problem}); restore it, or move the data folder away.") from problem
    return content


def _write(path: Path, content: dict[str, Any]) -> None:
    """Replace a file in one step, readable by its owner only, and survive a power cut."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(content, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
