"""Bots of skewed sizes: passages recombined from the demo businesses' sentences, with vectors to match.

MiniLM's vector of a text is near the mean of its sentences' vectors, so the sentences alone go through the model; noise
keeps passages that share sentences apart.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from knowledge import lexical
from knowledge.embedding import Embedder
from knowledge.sentences import sentences

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "deploy" / "demo"
SENTENCES_EACH, NEIGHBOURS = 5, 40
NOISE = 0.35
SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvw" for vowel in "aeiou"]


@dataclass(frozen=True)
class Base:
    """Sentences and questions of the demo businesses with their vectors, and each sentence's nearest neighbours."""

    sentences: tuple[str, ...]
    stems: tuple[tuple[str, ...], ...]
    vectors: NDArray[np.float32]
    neighbours: NDArray[np.int64]
    questions: tuple[str, ...]
    question_vectors: NDArray[np.float32]


@dataclass(frozen=True)
class SyntheticBot:
    """One bot's passages; the n-th passage's id is `chunk_ids[n]`."""

    group_id: UUID
    tenant_id: UUID
    document_id: UUID
    chunk_ids: tuple[UUID, ...]
    texts: tuple[str, ...]
    weights: tuple[dict[str, float], ...]
    vectors: NDArray[np.float32]


def base(embedder: Embedder, questions: int) -> Base:
    said = _sentences()
    asked = _questions()[: questions * 7 : 7]
    vectors = embedder.embed_passages(said)
    cosines = vectors @ vectors.T
    return Base(
        tuple(said),
        tuple(tuple(lexical.terms(text)) for text in said),
        vectors,
        np.argsort(-cosines, axis=1)[:, :NEIGHBOURS],
        tuple(asked),
        embedder.embed_queries(asked),
    )


def sizes(bots: int, passages: int, largest: int) -> list[int]:
    """Sizes after Zipf, the largest first: `largest / rank ** s`, with s such that they add up to about `passages`."""
    ranks = np.arange(1, bots + 1)
    low, high = 0.0, 4.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (middle, high) if (largest / ranks**middle).sum() > passages else (low, middle)
    return [max(1, round(size)) for size in largest / ranks**high]


def make(source: Base, sizes: list[int], seed: int = 1) -> Iterator[SyntheticBot]:
    """The bots one by one; the same seed gives the same ones."""
    for number, size in enumerate(sizes):
        rng = np.random.default_rng([seed, number])
        topics = rng.integers(0, len(source.sentences), size)
        near = rng.integers(0, NEIGHBOURS, (size, SENTENCES_EACH - 1))
        rows = np.concatenate([topics[:, np.newaxis], source.neighbours[topics[:, np.newaxis], near]], axis=1)
        names = [_name(rng) for _ in range(3 + size // 20)]
        vectors = source.vectors[rows].mean(axis=1)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors += rng.normal(0, NOISE / np.sqrt(vectors.shape[1]), vectors.shape)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        texts, weights = [], []
        for chosen in rows.tolist():
            name = names[int(rng.integers(len(names)))]
            texts.append(f"{name}: " + " ".join(source.sentences[row] for row in chosen))
            weights.append(lexical.term_weights([name, *(stem for row in chosen for stem in source.stems[row])]))
        yield SyntheticBot(
            *(_uuid(rng) for _ in range(3)),
            tuple(_uuid(rng) for _ in range(size)),
            tuple(texts),
            tuple(weights),
            vectors.astype(np.float32),
        )


def _sentences() -> list[str]:
    found: dict[str, None] = {}
    for path in sorted(DEMO.rglob("*.md")):
        for line in path.read_text("utf-8").splitlines():
            if line and line[0] not in "#|-" and ":" not in line[:20]:
                found.update(dict.fromkeys(sentences(line)))
    for answer in _column("answer"):
        found.update(dict.fromkeys(sentences(answer)))
    return [text.strip() for text in found if 30 < len(text) < 300]


def _questions() -> list[str]:
    return [asked for row in _column("alternates") for asked in row.split("|")]


def _column(name: str) -> list[str]:
    rows: list[str] = []
    for path in sorted(DEMO.rglob("faqs.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows += [row[name] for row in csv.DictReader(file)]
    return rows


def _name(rng: np.random.Generator) -> str:
    return "".join(rng.choice(SYLLABLES, 4))


def _uuid(rng: np.random.Generator) -> UUID:
    return UUID(bytes=rng.bytes(16), version=4)
