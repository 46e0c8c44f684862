"""Fits the weights by which the router judges whether a candidate answers a question, and writes them into the router.

    PYTHONPATH=platform:. python benchmarks/fit_answerability.py --data FOLDER

FOLDER holds banking77, bitext and clinc150 in their published form. Deterministic; takes some minutes.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import django
import numpy as np
from numpy.typing import NDArray

SEED = 20
PENALTY, STEPS = 1e-3, 800
# (collection, phrasings of each FAQ, FAQs): small bots and large, tidy and not.
SAMPLED = [
    ("banking77", 3, 40), ("banking77", 6, 40), ("banking77", 12, 50), ("banking77", 40, 50),
    ("bitext", 4, 16), ("bitext", 12, 16),
    ("clinc150", 5, 60), ("clinc150", 15, 40), ("clinc150", 90, 100), ("clinc150", 90, 100), ("clinc150", 10, 12),
]  # fmt: skip
REPEATS = 2
# Of the questions that customers ask, those that FAQs and actions answer; of the others, those that documents answer.
# The fit itself weighs answerable and unanswerable questions the same.
ANSWERABLE, ANSWERABLE_BY_PASSAGE = 0.64, 0.45


def main() -> None:
    """Reads, fits, writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True, help="the folder with the public data")
    data: Path = parser.parse_args().data
    django.setup()
    from benchmarks.practice_bots import read_collections
    from chat.router import evidence
    from chat.router.answerability import WEIGHTS
    from knowledge.embedding import get_embedder

    embedder = get_embedder()
    collections = read_collections(data, embedder)
    rng = np.random.default_rng(SEED)
    fitted = {
        "entry": fit(list(entry_examples(collections, embedder, rng)), evidence.ENTRY_SIGNS, ANSWERABLE),
        "passage": fit(
            list(passage_examples(collections, embedder, rng)), evidence.PASSAGE_SIGNS, ANSWERABLE_BY_PASSAGE
        ),
    }
    WEIGHTS.write_text(json.dumps(fitted, indent=1) + "\n", encoding="utf-8")


Examples = tuple[str, NDArray[np.float64], NDArray[np.bool_]]


def entry_examples(collections, embedder, rng: np.random.Generator) -> Iterator[Examples]:  # type: ignore[no-untyped-def]
    """For each practice bot the evidence for its best entry, and whether that answers."""
    from benchmarks.practice_bots import sampled_bots, written_bots
    from benchmarks.strange_names import with_strange_names

    named = {collection.name: collection for collection in collections}
    for collection in collections:
        if collection.answers:
            for practice in written_bots(collection, rng):
                yield _of_practice(with_strange_names(practice, embedder, rng), embedder)
    for name, phrasings, faqs in SAMPLED * REPEATS:
        practice = sampled_bots(named[name], named["outside"], phrasings, faqs, rng)
        yield _of_practice(with_strange_names(practice, embedder, rng), embedder)


def _of_practice(practice, embedder) -> Examples:  # type: ignore[no-untyped-def]
    from chat.router import evidence, spelling
    from chat.router.learned import learn
    from chat.router.matching import match

    learned = learn(practice.snapshot, embedder)
    rows, right = [], []
    for text, vector, intent in practice.questions:
        better = spelling.corrected(text, learned.spellings, embedder)
        if better != text:
            text, vector = better, embedder.embed_queries([better])[0]
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
        others = [other for other in collections if other.name in ("outside", "clinc150")]
        for snapshot, found in readings(collection, others, embedder, rng):
            learned = learn(snapshot, embedder)
            rows = [evidence.of_passages(learned, evidence.read(learned, r.text), r.passages) for r in found]
            yield collection.name, np.array(rows), np.array([r.answered for r in found])


def fit(examples: list[Examples], signs: Sequence[int], answerable: float) -> dict[str, object]:
    """Logistic regression in which evidence may only speak the way its sign says.

    Every bot counts the same, and right and wrong the same within it.
    """
    rows = np.concatenate([found for _, found, _ in examples])
    right = np.concatenate([wanted for _, _, wanted in examples]).astype(float)
    weight = np.concatenate([np.where(w, 0.5 / max(w.sum(), 1), 0.5 / max((~w).sum(), 1)) for _, _, w in examples])
    weight /= weight.sum()
    centre, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-9
    inputs = np.hstack([(rows - centre) / spread, np.ones((len(rows), 1))])
    lowest = np.array([0.0 if sign > 0 else -np.inf for sign in (*signs, 0)])
    highest = np.array([0.0 if sign < 0 else np.inf for sign in (*signs, 0)])
    step = 1 / (0.25 * np.linalg.eigvalsh((inputs * weight[:, np.newaxis]).T @ inputs)[-1] + PENALTY)
    weights = ahead = np.zeros(inputs.shape[1])
    for number in range(STEPS):
        likely = 1 / (1 + np.exp(-inputs @ ahead))
        slope = inputs.T @ (weight * (likely - right)) + PENALTY * ahead
        following = np.clip(ahead - step * slope, lowest, highest)
        ahead = following + number / (number + 3) * (following - weights)
        weights = following
    plain = weights[:-1] / spread
    return {
        "weights": [round(float(value), 4) for value in plain],
        "offset": round(float(weights[-1] - plain @ centre + np.log(answerable / (1 - answerable))), 4),
    }


if __name__ == "__main__":
    main()
