"""What an embedder is, and the space that its vectors live in."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .late_interaction import TokenVectors


@dataclass(frozen=True)
class Space:
    """A model, its revision and its dimension. Vectors may be compared only within one space."""

    model: str
    revision: str
    dimension: int

    @property
    def key(self) -> str:
        """A short name that stays the same as long as the vectors do, such as `all-MiniLM-L6-v2-0a1b2c3d4e5f-384`."""
        return f"{folder_name(self.model, self.revision)}-{self.dimension}"


@dataclass(frozen=True)
class Encoded:
    """A text as a model sees it: one vector for all of it, (dimension,), of length 1, and one for each token."""

    vector: NDArray[np.float32]
    tokens: TokenVectors


class Embedder(Protocol):
    """Turns texts into unit vectors. One instance serves all threads of a process.

    Queries and passages are told apart because many models want a different prompt in front of each.
    """

    @property
    def space(self) -> Space: ...

    @property
    def max_tokens(self) -> int:
        """Tokens of a passage that are read, counted as `count_tokens` counts; what lies beyond is ignored."""

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, dimension), each row of length 1."""

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, dimension), each row of length 1."""

    def encode_queries(self, texts: Sequence[str]) -> list[Encoded]:
        """The same with their token vectors, which are empty where the model has none."""

    def encode_passages(self, texts: Sequence[str]) -> list[Encoded]:
        """The same with their token vectors, which are empty where the model has none."""

    def token_vectors(self, query: str) -> TokenVectors:
        """Those of one query; nothing is computed anew for a query that has just been embedded."""

    def token_words(self, query: str) -> list[str]:
        """For each of its token vectors the word of the query that it is a part of, '' for signs."""

    def count_tokens(self, text: str) -> int:
        """Tokens in the whole text, without prompt and special tokens."""


def normalised(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each vector (along the last axis) scaled to length 1."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: NDArray[np.float32] = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32, copy=False)
    return unit


def folder_name(model: str, revision: str) -> str:
    """A name for a model and its revision that is safe in a file system: the last part of the model's name."""
    last_part = model.rstrip("/\\").replace("\\", "/").rsplit("/", 1)[-1]
    return f"{re.sub(r'[^A-Za-z0-9._-]+', '_', last_part)[:60]}-{revision}"
