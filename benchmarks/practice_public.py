"""Practice bots made from public questions: some intents are FAQs, others are asked about in vain."""

import csv
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.practice import Practice, PreparedFaq, Vectors, make

# (collection, phrasings of each FAQ, FAQs): small bots and large.
SAMPLED = [
    ("banking77", 3, 40), ("banking77", 8, 40), ("banking77", 40, 50),
    ("bitext", 4, 16), ("bitext", 12, 16),
    ("clinc150", 5, 60), ("clinc150", 15, 40), ("clinc150", 80, 100), ("clinc150", 10, 12),
]  # fmt: skip
ASKED_EACH = 6
MOST_QUESTIONS = 300


@dataclass(frozen=True)
class Collection:
    """Questions by intent; `outside` belong to none."""

    intents: dict[str, list[str]]
    outside: tuple[str, ...] = ()


def sampled_bots(data: Path, vectors: Vectors, rng: random.Random) -> Iterator[Practice]:
    """`data` holds banking77, bitext and clinc150 in their published form."""
    collections = _read(data)
    outside = collections["clinc150"].outside
    for name, phrasings, faqs in SAMPLED:
        yield _sampled(name, collections[name], phrasings, faqs, outside, vectors, rng)


def _sampled(
    name: str,
    collection: Collection,
    phrasings: int,
    faqs: int,
    outside: Sequence[str],
    vectors: Vectors,
    rng: random.Random,
) -> Practice:
    """Half as many intents again as there are FAQs are asked about in vain."""
    intents = rng.sample(sorted(collection.intents), min(faqs + faqs // 2, len(collection.intents)))
    prepared, questions = [], []
    for number, intent in enumerate(intents):
        texts = rng.sample(collection.intents[intent], min(phrasings + ASKED_EACH, len(collection.intents[intent])))
        if number < faqs:
            prepared.append(PreparedFaq(intent, tuple(texts[:phrasings])))
        questions += [(text, intent) for text in texts[phrasings:]]
    questions = rng.sample(questions, min(MOST_QUESTIONS, len(questions)))
    questions += [(text, "") for text in rng.sample(list(outside), len(questions) // 4)]
    return make(f"{name}, {phrasings} phrasings", prepared, (), questions, vectors)


def _read(data: Path) -> dict[str, Collection]:
    banking = csv.DictReader((data / "banking77" / "train.csv").open(encoding="utf-8"))
    bitext = csv.DictReader((data / "bitext" / "train.csv").open(encoding="utf-8"))
    clinc = json.loads((data / "clinc150" / "train_val.json").read_text(encoding="utf-8"))
    asked = [(row["utterance"], row["intent"]) for row in bitext if not row["intent"].startswith("contact_")]
    return {
        "banking77": Collection(_by_intent([(row["text"], row["category"]) for row in banking])),
        "bitext": Collection(_by_intent(asked)),
        "clinc150": Collection(_by_intent(clinc["train"]), tuple(text for text, _ in clinc["oos_train"])),
    }


def _by_intent(pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for text, intent in pairs:
        found.setdefault(intent, []).append(text)
    return found
