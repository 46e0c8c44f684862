"""Passages with made-up words and vectors, placed where search finds them without a model."""

import uuid
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from knowledge import lexical, search_index
from knowledge.models import Chunk, Document, Vector
from knowledge.search import LEXICAL_SHARE
from knowledge.text_hash import text_hash
from tenants.scope import within
from tests.conftest import Business

SPACE, DIMENSION = "made-up-64", 64
WORDS = np.array([a + b + c for a in "bdfgklmn" for b in "aeiou" for c in ("rk", "st", "lm", "nd", "pt", "x")])
# Words are as frequent as Zipf says, or a search by words would be too easy.
FREQUENCY = (1 / np.arange(1, len(WORDS) + 1)) / (1 / np.arange(1, len(WORDS) + 1)).sum()


@dataclass
class Shelf:
    """The passages of one bot, as a test knows them: by chunk their text and their vector."""

    texts: dict[uuid.UUID, str] = field(default_factory=dict)
    weights: dict[uuid.UUID, dict[str, float]] = field(default_factory=dict)
    vectors: dict[uuid.UUID, NDArray[np.float32]] = field(default_factory=dict)

    def best(self, question: str, vector: NDArray[np.float32], k: int) -> list[uuid.UUID]:
        """The k best passages by the formula itself, worked out over all of them."""
        for chunk in self.texts.keys() - self.weights.keys():
            self.weights[chunk] = lexical.weights(self.texts[chunk])
        weights = {chunk: self.weights[chunk] for chunk in self.texts}
        asked = sorted(set(lexical.terms(question)))
        idf = {t: lexical.idf(len(weights), sum(t in found for found in weights.values())) for t in asked}
        root = max(sum(idf.values()), 1e-6) ** 0.5
        scores = {
            chunk: float(self.vectors[chunk] @ vector)
            + LEXICAL_SHARE * sum(found.get(term, 0) * idf[term] for term in asked) / root
            for chunk, found in weights.items()
        }
        return sorted(scores, key=lambda chunk: -scores[chunk])[:k]


def question(rng: np.random.Generator) -> tuple[str, NDArray[np.float32]]:
    return text(rng, 6), unit(rng.normal(size=DIMENSION))


def text(rng: np.random.Generator, words: int) -> str:
    return " ".join(rng.choice(WORDS, words, p=FREQUENCY))


def unit(vectors: NDArray[np.float64]) -> NDArray[np.float32]:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def add(business: Business, shelf: Shelf, count: int, rng: np.random.Generator) -> Document:
    """A new document with so many passages, stored and placed as indexing does it."""
    texts = [text(rng, 40) for _ in range(count)]
    vectors = unit(rng.normal(size=(count, DIMENSION)))
    group = business.bot.id
    with within(business.scope):
        document = Document.objects.create(group_id=group, title="Made up", revision=1, indexed_revision=1)
        Vector.objects.bulk_create(
            [
                Vector(group_id=group, space=SPACE, content_hash=text_hash(each), embedding=vector)
                for each, vector in zip(texts, vectors, strict=True)
            ]
        )
        chunks = Chunk.objects.bulk_create(
            [
                Chunk(
                    group_id=group, document=document, revision=1, position=n, text=each, content_hash=text_hash(each)
                )
                for n, each in enumerate(texts)
            ]
        )
        search_index.add(group, [(chunk.id, chunk.text, "en") for chunk in chunks])
    shelf.texts.update({chunk.id: each for chunk, each in zip(chunks, texts, strict=True)})
    shelf.vectors.update({chunk.id: vector for chunk, vector in zip(chunks, vectors, strict=True)})
    return document


def remove(business: Business, shelf: Shelf, document: Document) -> None:
    with within(business.scope):
        for chunk in Chunk.objects.filter(document=document).values_list("id", flat=True):
            del shelf.texts[chunk], shelf.vectors[chunk]
        document.delete()
