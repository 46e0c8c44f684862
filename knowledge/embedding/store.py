"""Keeps exported models under the data folder: exported once, by one process, and never seen half written."""

import fcntl
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from .source import ModelSource
from .space import folder_name

logger = logging.getLogger(__name__)

# Raise it when the exported files change their meaning: older exports are then made anew.
FORMAT = 1
MANIFEST = "manifest.json"
EXPORT_TIMEOUT_SECONDS = 900
PROJECT_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Manifest:
    """What an exported model needs to be run, or why it may not be (`rejected`, '' when it may)."""

    model: str
    revision: str
    dimension: int = 0
    token_limit: int = 0
    pooling: str = ""
    query_prompt: str = ""
    passage_prompt: str = ""
    lowest_cosine: float = 0.0
    rejected: str = ""
    format: int = FORMAT


def ensure_exported(source: ModelSource, models_folder: Path) -> Path | None:
    """The folder of the exported model, exporting it first where needed; None if only PyTorch can run this model."""
    folder = models_folder / folder_name(source.name, source.revision)
    try:
        manifest = read_manifest(folder) or _export_alone(source, folder)
    except (OSError, subprocess.SubprocessError) as error:
        logger.warning("The embedding model %s runs in PyTorch: its export failed: %s", source.name, error)
        return None
    if manifest.rejected:
        logger.warning("The embedding model %s runs in PyTorch: %s", source.name, manifest.rejected)
        return None
    return folder


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a finished export, or None if there is none that this version understands."""
    try:
        manifest = Manifest(**json.loads((folder / MANIFEST).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return manifest if manifest.format == FORMAT else None


def write_manifest(folder: Path, manifest: Manifest) -> None:
    (folder / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1), "utf-8")


def _export_alone(source: ModelSource, folder: Path) -> Manifest:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.with_name(f".{folder.name}.lock")):
        manifest = read_manifest(folder)
        if manifest:
            return manifest  # another process exported it while we waited
        partial = folder.with_name(f".{folder.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)  # left by an export that was killed
        partial.mkdir()
        try:
            logger.info("Exporting the embedding model %s; this happens once.", source.name)
            _export_in_child(source, partial)
            manifest = read_manifest(partial)
            if manifest is None:
                raise OSError("the export ended without a result")
            shutil.rmtree(folder, ignore_errors=True)
            partial.rename(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return manifest


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _export_in_child(source: ModelSource, partial: Path) -> None:
    """Exports in a process of its own, so that PyTorch never loads into the one that only wants the result."""
    search_path = os.pathsep.join(filter(None, [str(PROJECT_ROOT), os.environ.get("PYTHONPATH", "")]))
    environment = os.environ | {"PYTHONPATH": search_path, "CUDA_VISIBLE_DEVICES": "", "HF_HUB_OFFLINE": "1"}
    arguments = [json.dumps(asdict(source), default=str), str(partial)]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "knowledge.embedding.export", *arguments],
            stdin=subprocess.PIPE,  # closes when this process dies, which ends the child too
            stdout=output,
            stderr=output,
            env=environment,
        )
        try:
            code = process.wait(timeout=EXPORT_TIMEOUT_SECONDS)
        finally:
            process.kill()
            process.communicate()
        if code:
            output.seek(0)
            lines = output.read().decode("utf-8", "replace").strip().splitlines() or [f"exit code {code}"]
            raise OSError(lines[-1])
