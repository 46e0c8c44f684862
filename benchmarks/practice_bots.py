"""Practice bots made from public questions, each with some of its knowledge taken away.

A question whose FAQ was taken away is a plausible one about something that the business never mentions.
"""

import csv
import json
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from knowledge.embedding import Embedder
from knowledge.snapshot import FaqEntry, Snapshot, Texts

DEMO_FAQS = Path(__file__).parents[1] / "deploy" / "demo"
FOLDS = 6
NO_ANSWERS: dict[str, str] = {}
NO_TEXTS = Texts((), np.zeros(0, np.int64), np.zeros((0, 0), np.float32))


@dataclass(frozen=True)
class Collection:
    """Questions with their vectors, and the intent of each; answers by intent where there are any."""

    name: str
    questions: tuple[str, ...]
    intents: NDArray[np.str_]
    vectors: NDArray[np.float32]
    answers: dict[str, str]
    outside: tuple[int, ...] = ()


@dataclass(frozen=True)
class Practice:
    """A bot, and questions to it with the intent that answers each ('' where the bot must not know)."""

    name: str
    snapshot: Snapshot
    questions: tuple[tuple[str, NDArray[np.float32], str], ...]


def read_collections(data: Path, embedder: Embedder) -> list[Collection]:
    """The FAQs of the demo businesses, BANKING77, Bitext and CLINC150."""
    found = []
    for path in sorted(DEMO_FAQS.rglob("faqs.csv")):
        rows = list(csv.DictReader(path.open(encoding="utf-8")))
        pairs = [(text, row["id"]) for row in rows for text in (row["question"], *row["alternates"].split("|")) if text]
        answers = {row["id"]: row["answer"] for row in rows}
        found.append(_collection(path.parent.name, pairs, embedder, answers))
    banking = csv.DictReader((data / "banking77" / "train.csv").open(encoding="utf-8"))
    found.append(_collection("banking77", [(row["text"], row["category"]) for row in banking], embedder))
    bitext = csv.DictReader((data / "bitext" / "train.csv").open(encoding="utf-8"))
    pairs = [(row["utterance"], row["intent"]) for row in bitext if not row["intent"].startswith("contact_")]
    found.append(_collection("bitext", pairs, embedder))
    clinc = json.loads((data / "clinc150" / "train_val.json").read_text(encoding="utf-8"))
    found.append(_collection("clinc150", [(text, intent) for text, intent in clinc["train"]], embedder))
    outside = _collection("outside", [(text, "oos") for text, _ in clinc["oos_train"]], embedder)
    return [*found, outside]


def _collection(
    name: str, pairs: Sequence[tuple[str, str]], embedder: Embedder, answers: dict[str, str] = NO_ANSWERS
) -> Collection:
    questions = tuple(text for text, _ in pairs)
    return Collection(
        name, questions, np.array([intent for _, intent in pairs]), embedder.embed_queries(questions), answers
    )


def written_bots(collection: Collection, rng: np.random.Generator) -> Iterator[Practice]:
    """A business's own FAQs: each fold takes away a sixth of the FAQs, and one phrasing of each of the others."""
    intents = list(dict.fromkeys(collection.intents.tolist()))
    rng.shuffle(intents)
    order = _order_within(collection.intents)
    for fold in range(FOLDS):
        gone = np.isin(collection.intents, intents[fold::FOLDS])
        asked = order == fold + 1
        yield _practice(collection, np.flatnonzero(~gone & ~asked), np.flatnonzero(gone | asked), gone)


def sampled_bots(
    collection: Collection, outside: Collection, phrasings: int, faqs: int, rng: np.random.Generator
) -> Practice:
    """So many of a collection's intents with so many phrasings each; half as many intents are asked about in vain."""
    intents = rng.permutation(np.unique(collection.intents))[: faqs + faqs // 2]
    kept: list[int] = []
    asked: list[int] = []
    for number, intent in enumerate(intents):
        rows = rng.permutation(np.flatnonzero(collection.intents == intent))
        kept += rows[:phrasings].tolist() if number < faqs else []
        asked += rows[phrasings : phrasings + 8].tolist()
    gone = np.isin(collection.intents, intents[faqs:])
    practice = _practice(collection, np.array(kept), np.array(asked), gone)
    far = tuple((text, vector, "") for text, vector in zip(outside.questions, outside.vectors, strict=True))
    return Practice(f"{practice.name}, {phrasings}", practice.snapshot, practice.questions + far[: len(asked) // 4])


def _practice(
    collection: Collection, kept: NDArray[np.int64], asked: NDArray[np.int64], gone: NDArray[np.bool_]
) -> Practice:
    questions = tuple(
        (collection.questions[row], collection.vectors[row], "" if gone[row] else str(collection.intents[row]))
        for row in asked.tolist()
    )
    return Practice(collection.name, _snapshot(collection, kept), questions)


def _snapshot(collection: Collection, rows: NDArray[np.int64]) -> Snapshot:
    group = uuid.uuid4()
    intents = list(dict.fromkeys(collection.intents[rows].tolist()))
    first: dict[str, str] = {}
    for row in rows.tolist():
        first.setdefault(str(collection.intents[row]), collection.questions[row])
    number = {intent: place for place, intent in enumerate(intents)}
    texts = Texts(
        tuple(collection.questions[row] for row in rows),
        np.array([number[intent] for intent in collection.intents[rows]], np.int64),
        collection.vectors[rows],
    )
    faqs = tuple(
        FaqEntry(uuid.uuid4(), group, intent, first[intent], collection.answers.get(intent, ""), "", 1)
        for intent in intents
    )
    return Snapshot(group, "", "", "", 1, "", faqs, texts, (), NO_TEXTS, {}, 0)


def _order_within(intents: NDArray[np.str_]) -> NDArray[np.int64]:
    """For each question, how many of its intent come before it."""
    seen: Counter[str] = Counter()
    order = []
    for intent in intents.tolist():
        order.append(seen[intent])
        seen[intent] += 1
    return np.array(order)
