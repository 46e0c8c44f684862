"""Text embedding: `get_embedder()` gives the process the embedder of a model, or the one of a space."""

import threading
from pathlib import Path

from . import catalogue
from .choice import ModelChoice, from_json
from .late_interaction import NO_TOKENS, TokenVectors
from .load import load_embedder, load_for_space, prepare_model, reach_endpoint
from .source import EndpointError, ModelNotFound, identity_of
from .space import Embedder, Encoded, Space

__all__ = [
    "NO_TOKENS", "Embedder", "Encoded", "EndpointError", "ModelChoice", "ModelNotFound", "Space", "TokenVectors",
    "catalogue", "from_json", "get_embedder", "identity_of", "load_embedder", "prepare_model",
]  # fmt: skip

_loaded: dict[tuple[ModelChoice, Space | None], Embedder] = {}
_loading: dict[ModelChoice, threading.Lock] = {}


def get_embedder(choice: ModelChoice | None = None, space: Space | None = None) -> Embedder:
    """The process's embedder of a model (None: the installation's), loaded on first use (a fifth of a second once the
    model is exported). With `space`: exactly the one that this space's vectors were made by."""
    choice = catalogue.installed() if choice is None else choice
    found = _loaded.get((choice, space))
    if found is None:
        # Each model has a lock of its own: while one is being exported, the others answer.
        with _loading.setdefault(choice, threading.Lock()):
            found = _loaded.get((choice, space)) or _load(choice, space)
            _loaded[choice, space] = found
    return found


def _load(choice: ModelChoice, space: Space | None) -> Embedder:
    if choice.base_url:
        return reach_endpoint(choice, catalogue.endpoint_of(choice), space.dimension if space else 0)
    revision = space.revision if space else identity_of(choice)[1]
    for (of_model, _), embedder in list(_loaded.items()):
        if of_model == choice and embedder.space.revision == revision:
            return embedder
    return load_for_space(space, choice, *_place()) if space else load_embedder(choice, *_place())


def _place() -> tuple[Path, str]:
    from django.conf import settings

    return Path(settings.DATA_DIR), settings.EMBEDDING_DEVICE
