"""Fits the weights by which the router judges whether a candidate answers a question, and writes them into the router.

    PYTHONPATH=platform:. python benchmarks/fit_answerability.py --data FOLDER

FOLDER holds banking77, bitext and clinc150 in their published form. Deterministic; takes some minutes.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import django
import numpy as np
from numpy.typing import NDArray

SEED = 20
PENALTY, STEPS = 1e-3, 60
# (collection, phrasings of each FAQ, FAQs): small bots and large, tidy and not.
SAMPLED = [
    ("banking77", 3, 40), ("banking77", 6, 40), ("banking77", 12, 50), ("banking77", 40, 50),
    ("bitext", 4, 16), ("bitext", 12, 16),
    ("clinc150", 5, 60), ("clinc150", 15, 40), ("clinc150", 50, 100), ("clinc150", 10, 12),
]  # fmt: skip
REPEATS = 2


def main() -> None:
    """Reads, fits, writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True, help="the folder with the public data")
    data: Path = parser.parse_args().data
    django.setup()
    from benchmarks.practice_bots import read_collections
    from chat.router.answerability import WEIGHTS
    from knowledge.embedding import get_embedder

    embedder = get_embedder()
    collections = read_collections(data, embedder)
    rng = np.random.default_rng(SEED)
    fitted = {
        "entry": fit(list(entry_examples(collections, embedder, rng))),
        "passage": fit(list(passage_examples(collections, embedder, rng))),
    }
    WEIGHTS.write_text(json.dumps(fitted, indent=1) + "\n", encoding="utf-8")


Examples = tuple[str, NDArray[np.float64], NDArray[np.bool_]]


def entry_examples(collections, embedder, rng: np.random.Generator) -> Iterator[Examples]:  # type: ignore[no-untyped-def]
    """For each practice bot the evidence for its best entry, and whether that answers."""
    from benchmarks.practice_bots import sampled_bots, written_bots

    named = {collection.name: collection for collection in collections}
    for collection in collections:
        if collection.answers:
            for practice in written_bots(collection, rng):
                yield _of_practice(practice, embedder)
    for name, phrasings, faqs in SAMPLED * REPEATS:
        yield _of_practice(sampled_bots(named[name], named["outside"], phrasings, faqs, rng), embedder)


def _of_practice(practice, embedder) -> Examples:  # type: ignore[no-untyped-def]
    from chat.router import evidence
    from chat.router.learned import learn
    from chat.router.matching import match

    learned = learn(practice.snapshot, embedder)
    rows, right = [], []
    for text, vector, intent in practice.questions:
        asked = evidence.read(learned, text)
        found = match(learned, vector, asked.terms)
        rows.append(evidence.of_entry(learned, asked, found))
        right.append(practice.snapshot.faqs[found.entry].external_id == intent)
    return practice.name, np.array(rows), np.array(right)


def passage_examples(collections, embedder, rng: np.random.Generator) -> Iterator[Examples]:  # type: ignore[no-untyped-def]
    """The same for the best passages of practice documents."""
    from benchmarks.practice_documents import readings
    from chat.router import evidence
    from chat.router.learned import learn

    for collection in collections:
        if not collection.answers:
            continue
        for snapshot, found in readings(collection, embedder, rng):
            learned = learn(snapshot, embedder)
            rows = [evidence.of_passage(learned, evidence.read(learned, r.text), r.passages) for r in found]
            yield collection.name, np.array(rows), np.array([r.answered for r in found])


def fit(examples: list[Examples]) -> dict[str, object]:
    """Logistic regression by Newton's method; every bot counts the same, and right and wrong the same within it."""
    rows = np.concatenate([found for _, found, _ in examples])
    right = np.concatenate([wanted for _, _, wanted in examples]).astype(float)
    weight = np.concatenate([np.where(w, 0.5 / max(w.sum(), 1), 0.5 / max((~w).sum(), 1)) for _, _, w in examples])
    centre, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-9
    inputs = np.hstack([(rows - centre) / spread, np.ones((len(rows), 1))])
    weights = np.zeros(inputs.shape[1])
    for _ in range(STEPS):
        likely = 1 / (1 + np.exp(-inputs @ weights))
        slope = inputs.T @ (weight * (likely - right)) / weight.sum() + PENALTY * weights
        curve = (inputs.T * (weight * likely * (1 - likely))) @ inputs / weight.sum() + PENALTY * np.eye(len(weights))
        weights -= np.linalg.solve(curve, slope)
    plain = weights[:-1] / spread
    return {
        "weights": [round(float(value), 4) for value in plain],
        "offset": round(float(weights[-1] - plain @ centre), 4),
    }


if __name__ == "__main__":
    main()
