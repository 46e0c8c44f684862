"""The embedding models that the operator has set up: the installation's own, and others that a bot may be moved to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .choice import ModelChoice

INSTALLATION = ""


@dataclass(frozen=True)
class Endpoint:
    """How an endpoint is reached. The key is looked up for each embedder, never stored and never shown."""

    timeout_s: float
    batch: int
    api_key: str = field(default="", repr=False)


def installed() -> ModelChoice:
    """The model that a bot answers from unless somebody has chosen another for it."""
    return ModelChoice(**_models()[INSTALLATION])


def named() -> dict[str, ModelChoice]:
    """The further models, by the names that the operator gave them."""
    return {name: ModelChoice(**fields) for name, fields in _models().items() if name != INSTALLATION}


def title_of(choice: ModelChoice) -> str:
    """The operator's name for a model, else what it is."""
    return next((name for name, each in named().items() if each == choice), choice.title)


def endpoint_of(choice: ModelChoice) -> Endpoint:
    settings = _settings()
    keys: Mapping[str, str] = settings.EMBEDDING_API_KEYS
    return Endpoint(settings.EMBEDDING_TIMEOUT_S, settings.EMBEDDING_BATCH, keys.get(choice.base_url, ""))


def _models() -> Mapping[str, dict[str, Any]]:
    models: Mapping[str, dict[str, Any]] = _settings().EMBEDDING_MODELS
    return models


def _settings() -> Any:
    """Imported late: what only runs a model needs no Django."""
    from django.conf import settings

    return settings
