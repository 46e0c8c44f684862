"""Texts that say the same, word for word or nearly: found by hashes, then compared by the runs of words they share.

Each passage has three hashes, each of four minima over its runs of three words (MinHash, after Broder 1997). Of
passages that share nine tenths of their runs, 96 in 100 have a hash in common; of those that share half, 18.
"""

import hashlib
import re
from collections.abc import Iterable
from typing import Protocol, TypeVar
from zlib import crc32

import numpy as np

from knowledge.lexical import words

RUN = 3
BANDS, ROWS = 3, 4
NEARLY_THE_SAME, SAME_WORDS = 0.9, 0.75
_FIGURE = re.compile(r"\d")
_random = np.random.default_rng(2026)
_FACTORS = _random.integers(0, 2**31, (BANDS * ROWS, 1), dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_OFFSETS = _random.integers(0, 2**32, (BANDS * ROWS, 1), dtype=np.uint64)


class HasText(Protocol):
    @property
    def text(self) -> str: ...


T = TypeVar("T", bound=HasText)


def bands(text: str) -> dict[str, int]:
    """The hashes of a passage, by the names of their columns."""
    hashes = np.array([[crc32(run.encode()) for run in runs(text)]], dtype=np.uint64)
    mixed = ((hashes * _FACTORS + _OFFSETS) >> np.uint64(16)) & np.uint64(0xFFFFFFFF)
    minima = mixed.min(axis=1).astype(np.uint32).reshape(BANDS, ROWS)
    digests = (hashlib.blake2b(row.tobytes(), digest_size=8).digest() for row in minima)
    return {f"band_{number}": int.from_bytes(digest, "big", signed=True) for number, digest in enumerate(digests, 1)}


def likeness(one: str, other: str) -> float:
    """The share of their runs of words that two texts have in common."""
    if one == other:
        return 1.0
    first, second = runs(one), runs(other)
    return len(first & second) / len(first | second)


def distinct(passages: Iterable[T]) -> list[T]:
    """Those that say nothing that one before them says already. Other figures are another statement."""
    kept: list[tuple[T, frozenset[str]]] = []
    for passage in passages:
        pieces = frozenset(passage.text.split())
        if not any(_may_repeat(pieces, theirs) and _repeats(passage.text, other.text) for other, theirs in kept):
            kept.append((passage, pieces))
    return [passage for passage, _ in kept]


def runs(text: str) -> frozenset[str]:
    found = words(text)
    return frozenset(" ".join(found[start : start + RUN]) for start in range(max(1, len(found) - RUN + 1)))


def _may_repeat(one: frozenset[str], other: frozenset[str]) -> bool:
    """Quick to see, and enough for most pairs: texts that share their runs of words share their words."""
    return len(one & other) >= SAME_WORDS * max(len(one), len(other))


def _repeats(one: str, other: str) -> bool:
    return likeness(one, other) >= NEARLY_THE_SAME and _figures(one) == _figures(other)


def _figures(text: str) -> list[str]:
    return [word for word in words(text) if _FIGURE.search(word)]
