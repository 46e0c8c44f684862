"""Practice documents: vetted answers as if they were pages, some of them taken away, and the questions they answer."""

import math
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.practice_bots import FOLDS, NO_TEXTS, Collection
from benchmarks.strange_names import NAMES, THINGS, replaced
from knowledge import lexical
from knowledge.embedding import Embedder
from knowledge.search import LEXICAL_SHARE, Passage
from knowledge.snapshot import Snapshot

# Answers on one page: a page is rarely about one thing.
ANSWERS_ON_A_PAGE = (1, 3)
FOUND, READ = 8, 3
STRANGE_QUESTIONS = 20
STRANGE_EACH = 3
STRANGE = f"{NAMES} {THINGS}".split()


@dataclass(frozen=True)
class Page:
    text: str
    intents: frozenset[str]
    vector: NDArray[np.float32]
    weights: dict[str, float]


@dataclass(frozen=True)
class Reading:
    """A question, the passages found for it, and whether one of the first READ answers it."""

    text: str
    passages: tuple[Passage, ...]
    answered: bool


def readings(
    collection: Collection, others: Sequence[Collection], embedder: Embedder, rng: np.random.Generator
) -> Iterator[tuple[Snapshot, list[Reading]]]:
    """Bots with documents only; each fold takes away a sixth of the answers. `others` are asked about in vain."""
    intents = list(collection.answers)
    for size in ANSWERS_ON_A_PAGE:
        gone_order = rng.permutation(intents)
        for fold in range(FOLDS):
            gone = set(gone_order[fold::FOLDS].tolist())
            pages = _pages([intent for intent in intents if intent not in gone], collection.answers, size, embedder)
            asked = rng.permutation(len(collection.questions))[:: len(collection.questions) // 150 + 1]
            rows = [*np.flatnonzero(np.isin(collection.intents, list(gone))), *asked]
            frequency = Counter(term for page in pages for term in page.weights)
            snapshot = Snapshot(
                uuid.uuid4(), "", "", "", 1, "", (), NO_TEXTS, (), NO_TEXTS, dict(frequency), len(pages)
            )
            found = [_read(collection, int(row), pages, frequency) for row in rows]
            for row in asked[::STRANGE_EACH].tolist():
                strange = replaced(collection.questions[row], set(frequency), str(rng.choice(STRANGE)))
                found.append(_read_text(strange, embedder.embed_queries([strange])[0], "", pages, frequency))
            for other in others:
                strange = rng.permutation(len(other.questions))[:STRANGE_QUESTIONS].tolist()
                found += [_read(other, row, pages, frequency) for row in strange]
            yield snapshot, found


def _pages(intents: list[str], answers: dict[str, str], size: int, embedder: Embedder) -> list[Page]:
    groups = [intents[start : start + size] for start in range(0, len(intents), size)]
    texts = [" ".join(answers[intent] for intent in group) for group in groups]
    vectors = embedder.embed_passages(texts)
    return [
        Page(text, frozenset(group), vector, lexical.weights(text))
        for text, group, vector in zip(texts, groups, vectors, strict=True)
    ]


def _read(collection: Collection, row: int, pages: list[Page], frequency: Counter[str]) -> Reading:
    intent = str(collection.intents[row])
    return _read_text(collection.questions[row], collection.vectors[row], intent, pages, frequency)


def _read_text(
    question: str, vector: NDArray[np.float32], intent: str, pages: list[Page], frequency: Counter[str]
) -> Reading:
    rarity = {term: lexical.idf(len(pages), frequency[term]) for term in set(lexical.terms(question))}
    mass = math.sqrt(max(sum(rarity.values()), 1e-6))
    scored = []
    for page in pages:
        cosine = float(page.vector @ vector)
        worded = sum(page.weights.get(term, 0.0) * idf for term, idf in rarity.items()) / mass
        scored.append((cosine + LEXICAL_SHARE * worded, cosine, worded, page))
    scored.sort(key=lambda entry: -entry[0])
    passages = tuple(_passage(*entry) for entry in scored[:FOUND])
    answered = any(intent in page.intents for *_, page in scored[:READ])
    return Reading(question, passages, answered)


def _passage(score: float, cosine: float, worded: float, page: Page) -> Passage:
    group, chunk, document = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    return Passage(
        group, chunk, document, "", "", "", None, 1, None, (), "text", page.text, score, cosine, worded
    )  # fmt: skip
