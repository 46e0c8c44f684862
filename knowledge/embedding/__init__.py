"""Text embedding: `get_embedder()` gives the process its embedder, `prepare()` does the slow part before the start."""

import threading
from functools import cache
from pathlib import Path

from .load import load_embedder, prepare_model
from .source import ModelNotFound
from .space import Embedder, Space

__all__ = ["Embedder", "ModelNotFound", "Space", "get_embedder", "load_embedder", "prepare", "prepare_model"]

_loading = threading.Lock()


def get_embedder() -> Embedder:
    """The embedder of this process, loaded on first use (a fifth of a second once the model is exported)."""
    with _loading:
        return _embedder(*_settings())


def prepare() -> None:
    """To be called once before web and worker start; later calls find everything done and return at once."""
    prepare_model(*_settings())


@cache
def _embedder(model: str, data_folder: Path, device: str) -> Embedder:
    return load_embedder(model, data_folder, device)


def _settings() -> tuple[str, Path, str]:
    from django.conf import settings

    return settings.EMBEDDING_MODEL, Path(settings.DATA_DIR), getattr(settings, "EMBEDDING_DEVICE", "")
