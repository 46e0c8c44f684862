"""An installation with the demo businesses in it: made once for the code as it is, and copied where a test run begins.

Without it, as when a few tests run after a change of the code, each process of the run fills in the demo by itself.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests import made_once

NAME = "demo"
ROOT = Path(__file__).parents[2]
# What fills it in, and all that decides how its texts are kept.
SOURCES = ("tenants", "knowledge", "chat", "worker", "platform", "deploy/demo", "tests/demo_installation")


def folder() -> Path:
    """Its data folder, made if there is none yet for the code as it is."""
    return made_once.folder(NAME, _mark(), _make)


def begin(data: Path) -> None:
    """Fill the empty data folder from it, where it has been made."""
    made = made_once.place(NAME, _mark())
    if made.is_dir():
        subprocess.run(["cp", "-a", f"{made}/.", str(data)], check=True)


def _mark() -> str:
    digest = hashlib.sha256((ROOT / "requirements.txt").read_bytes())
    for path in _files():
        digest.update(str(path).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _files() -> Iterator[Path]:
    for source in SOURCES:
        for path in sorted((ROOT / source).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


def _make(place: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "platform"), str(ROOT)])}
    subprocess.run([sys.executable, "-m", __name__, str(place)], cwd=ROOT, env=environment, check=True)
