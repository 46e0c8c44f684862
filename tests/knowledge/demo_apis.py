"""The demo businesses' real services on a free port, and their actions as the seed files define them."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from knowledge.actions import ActionSpec
from knowledge.api_auth import ApiAuth
from knowledge.parameters import parse_parameters

ROOT = Path(__file__).parents[2]
START_S = 20


@contextmanager
def running_service(business: str) -> Iterator[str]:
    """The address of the business's site while it runs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", f"deploy.demo.{business}.service:app", "--port", str(port)]
    environment = {**os.environ, "MERIDIAN_TODAY": "2026-11-21"}
    process = subprocess.Popen([*command, "--log-level", "error"], cwd=ROOT, env=environment)
    try:
        _wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def specs_of(business: str, site: str) -> dict[str, ActionSpec]:
    """The business's actions by name, pointed at the site."""
    return {row["name"]: _spec(api, row, site) for api in tenant_of(business)["data_apis"] for row in api["actions"]}


def tenant_of(business: str) -> dict[str, Any]:
    """The business's seed file."""
    path = ROOT / "deploy" / "demo" / business / "tenant.json"
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _spec(api: dict[str, Any], row: dict[str, Any], site: str) -> ActionSpec:
    auth = api["auth"]
    return ActionSpec(
        uuid4(),
        uuid4(),
        row["name"],
        row["title"],
        row["method"],
        row["path"],
        parse_parameters(row["parameters"]),
        row["answer"],
        row["requires_verified"],
        api["base_url"].replace("{site}", site),
        tuple(api["allowed_hosts"]),
        5.0,
        ApiAuth(auth["type"], auth.get("name", ""), auth["value"]),
        row.get("only_reads", False),
        row.get("results", {}),
        row.get("confirmation", ""),
    )


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("The demo service did not start.")
