"""Fits the weights by which the router judges what answers a question, and writes them into the router.

    PYTHONPATH=platform:. python benchmarks/fit_answerability.py --data FOLDER

FOLDER holds banking77, bitext and clinc150 in their published form. Deterministic; takes some minutes. Fitted are the
weights for bots with few phrasings. Those for many stay as they are: fitted on these bots too, they find more FAQs and
fewer of the pages of the demo businesses, whose documents are longer than those of practice.
"""

import argparse
import json
import os
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import django
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

FITTED_OF_THE_HARDER = "d-*.json"
SEED = 20
PENALTY = 1e-3
# Public questions are real ones.
PUBLIC_COUNTS = 2
# Of the questions that customers ask, those that the bot's knowledge answers.
ANSWERABLE = 0.6
# A wrong answer costs a business as much as so many honest refusals.
WRONG_COSTS = 3.5
KINDS: tuple[Any, ...] = ("entry", "passage")
# By kind of candidate.
Weights = dict[str, Any]


@dataclass(frozen=True)
class Example:
    """A question's candidates, and the place of the right one; -1 where none of them answers."""

    seen: tuple[Any, ...]
    right: int
    weight: float


@dataclass(frozen=True)
class _Found:
    """The same without a weight."""

    seen: tuple[Any, ...]
    right: int

    @property
    def answered_by(self) -> str:
        return str(self.seen[self.right].kind) if self.right >= 0 else ""


def main() -> None:
    """Reads, fits, writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True, help="the folder with the public data")
    data: Path = parser.parse_args().data
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "switchboard.settings")
    django.setup()
    from benchmarks.practice import Vectors
    from benchmarks.practice_businesses import FOLDER, bots, read, read_businesses
    from benchmarks.practice_public import sampled_bots
    from chat.router.answerability import WEIGHTS
    from knowledge.embedding import get_embedder

    vectors, rng = Vectors(get_embedder()), random.Random(SEED)
    public = list(sampled_bots(data, vectors, rng))
    # Not those that the embedding model was tuned on: it knows these too well.
    businesses = read_businesses()[1]
    for path in sorted((FOLDER / "harder").glob(FITTED_OF_THE_HARDER)):
        businesses.append(read(json.loads(path.read_text(encoding="utf-8"))))
    imaginary = [practice for business in businesses for practice in bots(business, vectors, rng)]
    found = examples(public, PUBLIC_COUNTS) + examples(imaginary, 1)
    many = json.loads(WEIGHTS.read_text(encoding="utf-8"))["many"]
    few = fit([each for each in found if each.seen[0].variety < 1], many)
    WEIGHTS.write_text(json.dumps({"few": few, "many": many}, indent=1) + "\n", encoding="utf-8")


def examples(practices: Sequence[Any], count: float) -> list[Example]:
    """Every question of every bot; each bot counts for as much as any other, times `count`."""
    found = [example for practice in practices for example in _of_practice(practice)]
    return [replace(example, weight=example.weight * count) for example in found]


def _of_practice(practice: Any) -> list[Example]:
    from chat.router import evidence, spelling
    from chat.router.candidates import gather
    from chat.router.learned import learn
    from knowledge.embedding import get_embedder

    embedder = get_embedder()
    learned = learn(practice.snapshot, embedder)
    found = []
    for question in practice.questions:
        text = spelling.corrected(question.text, learned.spellings, embedder)
        vector = question.vector if text == question.text else embedder.embed_queries([text])[0]
        candidates = gather(learned, evidence.read(learned, text), vector, question.passages)
        if not candidates:
            continue
        ids = [_id(practice.snapshot, each) for each in candidates]
        right = ids.index(question.answer) if question.answer in ids else -1
        found.append(_Found(tuple(each.seen for each in candidates), right))
    return _weighted(found)


def _weighted(found: list[_Found]) -> list[Example]:
    """A bot's FAQs and its pages count the same, however many questions there are about either."""
    counts = Counter(each.answered_by for each in found)
    shares = {kind: ANSWERABLE / len(counts.keys() & set(KINDS)) for kind in KINDS}
    shares[""] = WRONG_COSTS * (1 - ANSWERABLE)
    return [Example(each.seen, each.right, shares[each.answered_by] / counts[each.answered_by]) for each in found]


def _id(snapshot: Any, candidate: Any) -> str:
    if candidate.match:
        return str(snapshot.faqs[candidate.match.entry].external_id)
    return str(candidate.passage.external_id)


def fit(found: list[Example], many: Weights) -> Weights:
    """Conditional logit in which evidence may only speak the way its sign says. Each bot is between the ends: what
    evidence is worth at that of many phrasings is given."""
    from chat.router.evidence import ENTRY_SIGNS, PASSAGE_SIGNS

    signs = {"entry": ENTRY_SIGNS, "passage": PASSAGE_SIGNS}
    table = _Table(found, {kind: len(signs[kind]) for kind in KINDS}, many)
    bounds = [(0 if s > 0 else None, 0 if s < 0 else None) for kind in KINDS for s in (*signs[kind], 0)]
    result = minimize(table.loss, np.zeros(len(bounds)), jac=True, bounds=bounds, method="L-BFGS-B")
    return table.plain(result.x)


class _Table:
    """All candidates of all examples, one a row; a kind's evidence stands in its own columns, standardised."""

    def __init__(self, found: list[Example], widths: dict[str, int], many: Weights) -> None:
        self.widths = widths
        self.owner = np.concatenate([np.full(len(each.seen), number) for number, each in enumerate(found)])
        self.weight = np.array([each.weight for each in found])
        self.weight /= self.weight.sum()
        self.right = np.concatenate([np.arange(len(each.seen)) == each.right for each in found])
        seen = [one for each in found for one in each.seen]
        kinds = np.array([one.kind for one in seen])
        variety = np.array([one.variety for one in seen])
        few = 1 - variety
        columns = sum(widths.values()) + len(widths)
        self.rows, self.given = np.zeros((len(seen), columns)), np.zeros(len(seen))
        self.places: dict[str, tuple[int, NDArray[np.float64], NDArray[np.float64]]] = {}
        start = 0
        for kind, width in widths.items():
            own, end = np.flatnonzero(kinds == kind), start + width
            values = np.array([seen[row].evidence for row in own])
            centre, spread = values.mean(axis=0), values.std(axis=0) + 1e-9
            self.rows[own, start:end] = (values - centre) / spread * few[own, np.newaxis]
            self.rows[own, end] = few[own]
            self.given[own] = variety[own] * (values @ np.array(many[kind]["weights"]) + many[kind]["offset"])
            self.places[kind] = (start, centre, spread)
            start = end + 1

    def loss(self, weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        utilities = np.clip(self.rows @ weights + self.given, -30, 30)
        shares = np.exp(utilities)
        total = 1 + np.bincount(self.owner, shares, minlength=len(self.weight))
        chosen = np.bincount(self.owner, utilities * self.right, minlength=len(self.weight))
        value = float((self.weight * (np.log(total) - chosen)).sum())
        value += PENALTY / 2 * float(weights @ weights)
        surplus = (shares / total[self.owner] - self.right) * self.weight[self.owner]
        return value, self.rows.T @ surplus + PENALTY * weights

    def plain(self, weights: NDArray[np.float64]) -> Weights:
        """The weights for evidence that is not standardised."""
        found = {}
        for kind, (start, centre, spread) in self.places.items():
            width = self.widths[kind]
            plain = weights[start : start + width] / spread
            offset = weights[start + width] - plain @ centre
            found[kind] = {"weights": [round(float(value), 4) for value in plain], "offset": round(float(offset), 4)}
        return found


if __name__ == "__main__":
    main()
