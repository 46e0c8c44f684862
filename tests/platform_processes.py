"""The whole platform as bin/demo starts it, demo businesses included: real processes on real ports."""

import os
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from redis import Redis
from switchboard.embedded import commands, processes
from switchboard.embedded.commands import ROOT, Places
from switchboard.embedded.demo import environment
from switchboard.embedded.supervisor import Command

from tests.embedded_services import SERVICES

READY_S = 120.0
EMBEDDING_KEY = "sk-a-key-that-must-never-be-shown"
# What the operator has set up beside the bundled model; a test that wants it starts its server.
EMBEDDING_MODELS = """[words]
model = "words-96"
base_url = "http://127.0.0.1:{port}/v1"
api_key_env = "WORDS_API_KEY"
"""


@dataclass(frozen=True)
class Platform:
    """Where the running platform and the demo businesses are."""

    places: Places
    embedding_port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.places.port}"

    @property
    def meridian(self) -> str:
        return f"http://127.0.0.1:{self.places.port + 1}"

    @property
    def meridian_sign_in(self) -> str:
        return f"http://127.0.0.1:{self.places.port + 3}"

    @property
    def harbor(self) -> str:
        return f"http://127.0.0.1:{self.places.port + 2}"

    def kill(self, name: str) -> None:
        """End one process as the kernel would; the supervisor starts it again."""
        os.kill(SERVICES.supervisor.pid_of(name), signal.SIGKILL)

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_S
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                pass
            if time.monotonic() > deadline:
                raise TimeoutError("The platform is not ready.")
            time.sleep(0.2)


def start() -> Platform:
    """Start web, worker, beat and the demo businesses on free ports, and fill in the demo."""
    places = Places(_four_free_ports(), SERVICES.supervisor.folder.path)
    embedding_port = processes.free_port()
    models = SERVICES.supervisor.folder.path / "embedding_models.toml"
    models.write_text(EMBEDDING_MODELS.format(port=embedding_port))
    env = {
        **environment(SERVICES, places),
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "ALLOW_PRIVATE_ADDRESSES": "127.0.0.1",
        "EMBEDDING_MODELS": str(models),
        "WORDS_API_KEY": EMBEDDING_KEY,
        "DOCUMENT_SECONDS": "2",
    }
    for name, words in commands.LONG_RUNNING.items():
        SERVICES.supervisor.start(Command(name, (sys.executable, *places.fill(words)), env=env, cwd=ROOT))
    SERVICES.supervisor.run(Command("seed", (sys.executable, *places.fill(commands.SEED)), env=env, cwd=ROOT))
    platform = Platform(places, embedding_port)
    platform.wait_until_ready()
    threading.Thread(target=SERVICES.supervisor.watch, daemon=True).start()
    return platform


@contextmanager
def without_schedule() -> Iterator[None]:
    """A running platform's workers have nothing to do, and its beat stands still: they share the tests' database, and
    would do there what a test in this process is about to do itself."""
    try:
        beat = SERVICES.supervisor.pid_of("beat")
    except KeyError:  # no test has wanted the platform yet
        yield
        return
    os.kill(beat, signal.SIGSTOP)
    try:
        _wait_until_idle()
        yield
    finally:
        os.kill(beat, signal.SIGCONT)


def _wait_until_idle() -> None:
    deadline = time.monotonic() + READY_S
    with Redis.from_url(SERVICES.redis_url) as broker:
        # A task is among those not acknowledged from when a worker takes it until it is worked off, or, if that worker
        # was killed, for much longer.
        while broker.llen("celery") or broker.zcount("unacked_index", time.time() - READY_S / 2, "+inf"):
            if time.monotonic() > deadline:
                raise TimeoutError("The platform's workers are busy.")
            time.sleep(0.05)


def _four_free_ports() -> int:
    while True:
        port = processes.free_port()
        if port < 65532 and all(processes.port_is_free(port + extra) for extra in range(4)):
            return port
