"""A running embeddings server (see embedding_server), and how a test speaks to it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from switchboard.embedded import processes
from switchboard.embedded.commands import ROOT

from tests.over_http import until
from tests.platform_processes import EMBEDDING_KEY as KEY


@dataclass(frozen=True)
class Endpoint:
    port: int
    api_key: str = KEY

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def plan(self, *plans: dict[str, Any]) -> None:
        """What it is to do with the next requests, one for each, before it answers properly again."""
        httpx.post(f"http://127.0.0.1:{self.port}/next", json=plans).raise_for_status()

    def asked(self) -> list[dict[str, Any]]:
        """The requests since the last plan."""
        asked: list[dict[str, Any]] = httpx.get(f"http://127.0.0.1:{self.port}/asked").json()["asked"]
        return asked


@contextmanager
def running_endpoint(port: int = 0) -> Iterator[Endpoint]:
    port = port or processes.free_port()
    words = [sys.executable, "-m", "tests.embedding_server", str(port), KEY]
    server = subprocess.Popen(words, cwd=ROOT)
    try:
        until(lambda: not processes.port_is_free(port), "the embeddings server listens")
        yield Endpoint(port)
    finally:
        server.kill()
        server.wait()
