"""Folders that take minutes to make: made once, and kept between runs until what they are made from changes."""

import fcntl
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

CACHE = Path(__file__).parents[1] / ".data" / "tests"


def place(name: str, mark: str) -> Path:
    """Where the folder is, if it has been made. `mark` tells what it is made from: a digest of files and texts."""
    return CACHE / f"{name}-{mark}"


def folder(name: str, mark: str, make: Callable[[Path], None]) -> Path:
    """The folder, made by `make` in an empty draft if there is none; others wait for the one maker.
    Those of other marks are thrown away."""
    kept = place(name, mark)
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.is_dir():
            for old in CACHE.glob(f"{name}-*"):
                shutil.rmtree(old)
            draft = Path(tempfile.mkdtemp(prefix=f"{name}-draft-", dir=CACHE))
            try:
                make(draft)
                draft.rename(kept)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
    return kept
