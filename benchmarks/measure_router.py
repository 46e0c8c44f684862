"""Measures the router on practice businesses that the embedding model does not know: figures to develop with.

    PYTHONPATH=platform:. python benchmarks/measure_router.py

The held-out questions of tests/questions are for reporting; whoever changes the router looks here first. The router's
weights were fitted on those "kept apart", and on nothing of the others: "harder" ones of thirty FAQs in clusters of
near siblings, whose customers tell what happened to them and seldom use a word of the answer, and "fuller" ones with
fifteen phrasings a FAQ and actions.
"""

import os
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import django
import numpy as np

SEED = 20
REFUSED = 0.8


def main() -> None:
    """Prints a line for each set and kind of bot."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "switchboard.settings")
    django.setup()
    from benchmarks.practice import Vectors
    from benchmarks.practice_businesses import FOLDER, KEPT_APART, for_measuring
    from knowledge.embedding import get_embedder

    vectors = Vectors(get_embedder())
    sets = {
        "kept apart": [FOLDER / f"{name}.json" for name in sorted(KEPT_APART)],
        "harder": [path for path in for_measuring() if path.parent.name == "harder"],
        "fuller": [path for path in for_measuring() if path.parent.name == "fuller"],
    }
    print("set, bots: right first | right where 80% of the rest are refused | at the threshold: right, refused")
    for name, paths in sets.items():
        for kind, asked in _asked(paths, vectors).items():
            print(f"{name}, {kind}: {_figures(asked)}", flush=True)


def _asked(paths: Sequence[Path], vectors: Any) -> dict[str, list[tuple[float, bool, bool, bool]]]:
    """By kind of bot, for each question: the likelihood that something answers, whether it passes the threshold,
    whether the likeliest candidate is the right one, and whether there is a right one."""
    from benchmarks.practice_businesses import bots, other_pages, read

    found: dict[str, list[tuple[float, bool, bool, bool]]] = {}
    others = other_pages()
    for path in paths:
        for practice in bots(read(path), others, vectors, random.Random(SEED)):
            found.setdefault(practice.name.rpartition(", ")[2], []).extend(map(_judge(practice), practice.questions))
    return found


def _judge(practice: Any) -> Any:
    from chat.router import spelling
    from chat.router.asked import read
    from chat.router.calibration import answered_from
    from chat.router.candidates import gather, judged
    from chat.router.learned import learn
    from knowledge.embedding import get_embedder

    embedder = get_embedder()
    learned = learn(practice.snapshot, embedder)
    threshold = answered_from(learned, embedder)

    def judge(question: Any) -> tuple[float, bool, bool, bool]:
        text = spelling.corrected(question.text, learned.spellings, embedder)
        vector = question.vector if text == question.text else embedder.embed_queries([text])[0]
        asked = read(learned, text, embedder.token_vectors(text), embedder.token_words(text))
        found = judged(gather(learned, asked, vector, question.passages))
        likelihood = sum(each.probability for each in found)
        best = max(found, key=lambda each: each.probability, default=None)
        place = practice.id_of(best) if best else ""
        return (
            likelihood,
            likelihood >= threshold,
            place == question.answer,
            bool(question.answer),
        )

    return judge


def _figures(asked: Sequence[tuple[float, bool, bool, bool]]) -> str:
    likelihood, passes, right, answerable = (np.array(column) for column in zip(*asked, strict=True))
    refusing = np.quantile(likelihood[~answerable], REFUSED)
    shares = (
        right[answerable].mean(),
        (right & (likelihood >= refusing))[answerable].mean(),
        (right & passes)[answerable].mean(),
        (~passes)[~answerable].mean(),
    )
    first, at_refusal, answered, refused = (f"{share:.1%}" for share in shares)
    return f"{first} | {at_refusal} | {answered}, {refused} ({answerable.sum()} answerable, {(~answerable).sum()} not)"


if __name__ == "__main__":
    main()
