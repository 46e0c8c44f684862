"""Which embedding model is wanted: everything that its vectors depend on, and nothing secret."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class ModelChoice:
    """`model` is '' for the bundled one, a local folder or a name on the hub; with `base_url`, the endpoint's own name.

    A prompt of None is the one in the model's own configuration. `dimensions` asks an endpoint for shortened vectors,
    `max_tokens` says how much of a text it can read; 0 leaves both to the endpoint.
    """

    model: str = ""
    base_url: str = ""
    query_prompt: str | None = None
    passage_prompt: str | None = None
    dimensions: int = 0
    max_tokens: int = 0

    @property
    def title(self) -> str:
        """What people call it."""
        return f"{self.model} at {self.base_url}" if self.base_url else self.model or "bundled model"

    def as_json(self) -> dict[str, Any]:
        """Only what differs from the bundled model, so that what is stored outlives new fields."""
        return {name: value for name, value in asdict(self).items() if value != getattr(BUNDLED, name)}

    def digest(self) -> str:
        """Tells apart what may give different vectors."""
        return hashlib.sha256(json.dumps(self.as_json(), sort_keys=True).encode()).hexdigest()


BUNDLED = ModelChoice()


def from_json(stored: dict[str, Any]) -> ModelChoice:
    return ModelChoice(**stored)
