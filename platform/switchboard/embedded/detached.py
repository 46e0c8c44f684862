"""The demo in the background: started, followed until it is ready, and stopped again."""

import os
import signal
import subprocess
import sys
import time
from typing import TextIO

from switchboard.embedded import EmbeddedError, processes
from switchboard.embedded.folder import DataFolder
from switchboard.embedded.supervisor import PLATFORM

STOP_S = 45.0


def start(folder: DataFolder, port: int, model: str | None) -> int:
    """Start the demo in a session of its own and show what it says until it is ready; returns an exit status."""
    if holder := folder.holder():
        raise EmbeddedError(f"{folder.path} is in use: Switchboard is already running (pid {holder}).")
    folder.make()
    log = folder.log("demo")
    words = [sys.executable, "-P", "-m", "switchboard.embedded.demo", "--port", str(port), "--data", str(folder.path)]
    words += ["--llm", model] if model else []
    with log.open("wb") as output:
        program = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(PLATFORM)},
            start_new_session=True,
        )
    try:
        with log.open() as lines:
            return _follow(program, lines)
    except KeyboardInterrupt:
        program.send_signal(signal.SIGTERM)
        program.wait()
        raise


def stop(folder: DataFolder) -> int:
    """Stop the demo that runs on this folder and wait until nothing of it is left; returns an exit status."""
    holder = folder.holder()
    if holder is None and folder.is_free():
        print(f"Nothing is running on {folder.path}.")
        return 0
    if holder:
        print(f"stopping pid {holder}", flush=True)
        os.kill(holder, signal.SIGTERM)
    deadline = time.monotonic() + STOP_S
    while not folder.is_free() or (holder and processes.look(holder)):
        if time.monotonic() > deadline:
            raise EmbeddedError(f"Switchboard (pid {holder}) has not stopped within {STOP_S:.0f} s.")
        time.sleep(0.1)
    print("stopped")
    return 0


def _follow(program: subprocess.Popen[bytes], lines: TextIO) -> int:
    while True:
        ended = program.poll() is not None
        while line := lines.readline():
            print(line, end="", flush=True)
            if line.startswith("ready "):
                return 0
        if ended:
            return program.returncode or 1
        time.sleep(0.1)
