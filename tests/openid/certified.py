"""npm's certified oidc-provider, installed once and started for a test run: a provider that is not the demo's."""

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from switchboard.embedded import processes

HERE = Path(__file__).parent
# Kept between runs, like the exported models.
CACHE = Path(os.environ.get("TEST_NPM", HERE.parents[1] / ".data" / "npm"))
START_S = 120.0
MISSING = (
    "These tests need Node.js and npm; bin/test installs them where it may (on Debian: apt-get install nodejs npm)."
)


@dataclass(frozen=True)
class Certified:
    """Where the provider runs."""

    issuer: str


@contextmanager
def running(clients: list[dict[str, Any]], accounts: dict[str, dict[str, Any]]) -> Iterator[Certified]:
    """A provider with these clients, and with accounts by their login names; any password will do."""
    folder = _installed()
    port = processes.free_port()
    words = ["node", str(HERE / "provider.mjs"), str(port), json.dumps(clients), json.dumps(accounts)]
    with subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout is not None
            assert any("listening" in line for line in server.stdout), "oidc-provider has not started"
            yield Certified(f"http://127.0.0.1:{port}")
        finally:
            server.terminate()


def _installed() -> Path:
    """The folder with the pinned package in it."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip(MISSING)
    wanted = (HERE / "package.json").read_text()
    done = CACHE / ".installed"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / ".lock").open("w") as lock:
        # Another process of the test run may be at it.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists() or done.read_text() != wanted:
            (CACHE / "package.json").write_text(wanted)
            words = ["npm", "install", "--no-audit", "--no-fund", "--silent"]
            result = subprocess.run(words, cwd=CACHE, capture_output=True, text=True, check=False)
            if result.returncode:
                pytest.skip(f"npm could not install oidc-provider: {result.stderr[-500:]}")
            done.write_text(wanted)
    return CACHE
