"""Fits the weights by which the router judges what answers a question, and which tokens of it matter, and writes both
into the router.

    PYTHONPATH=platform:. python benchmarks/fit_answerability.py --data FOLDER [--plain]

FOLDER holds banking77, bitext and clinc150 in their published form. Deterministic; takes long, since every bot is asked
every question. Fitted are the weights of both ends at once, for few phrasings and for many: each bot lies somewhere
between. With --plain those for embedding models without token vectors.
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
from sklearn.linear_model import LogisticRegression

SEED = 20
PENALTY = 1e-3
# By half of what a question's look says of whether it is asked in vain, it counts less or more where is learnt what
# matters.
EVENED, MOST_EVENED, LOOKS_TRUSTED = 0.5, 5.0, 0.01
# Public questions are real ones.
PUBLIC_COUNTS = 20
# So are large libraries, and fuller businesses are most like them.
LARGE_COUNTS, FULLER_COUNTS = 3, 3
# Of the questions that customers ask, those that the bot's knowledge answers.
ANSWERABLE = 0.6
# A wrong answer costs a business as much as so many honest refusals.
WRONG_COSTS = 3.5
KINDS: tuple[Any, ...] = ("entry", "passage")
# The place of that number in the evidence of an entry.
IS_ACTION = 16
NOTHING = np.zeros((2, 0), np.float32)
# By kind of candidate, and of surprise.
Weights = dict[str, Any]


@dataclass(frozen=True)
class Example:
    """A question's candidates, and the place of the right one; -1 where none of them answers.

    `tokens` are the question's token vectors, `rarity` their words' (tokens,), and `best` for each candidate their best
    cosines in it (2, tokens), NaN for those that need not be found.
    """

    seen: tuple[Any, ...]
    right: int
    weight: float
    tokens: NDArray[np.float16]
    rarity: NDArray[np.float32]
    best: tuple[NDArray[np.float32], ...]

    @property
    def answered_by(self) -> str:
        return str(self.seen[self.right].kind) if self.right >= 0 else ""


def main() -> None:
    """Reads, fits, writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True, help="the folder with the public data")
    parser.add_argument("--plain", action="store_true", help="without token vectors")
    options = parser.parse_args()
    data: Path = options.data
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "switchboard.settings")
    django.setup()
    from benchmarks import fit_salience
    from benchmarks.practice import Vectors
    from benchmarks.practice_businesses import LARGE, bots, for_fitting, other_pages, read
    from benchmarks.practice_public import sampled_bots
    from chat.router import salience
    from chat.router.answerability import WEIGHTS
    from knowledge.embedding import get_embedder

    vectors = Vectors(get_embedder(), with_tokens=not options.plain)

    def gathered() -> list[Example]:
        rng, others = random.Random(SEED), other_pages()
        found = examples(list(sampled_bots(data, vectors, rng)), vectors, PUBLIC_COUNTS)
        for path in for_fitting():
            usual = FULLER_COUNTS if path.parent.name == "fuller" else 1
            for practice in bots(read(path), others, vectors, rng):
                found += examples([practice], vectors, LARGE_COUNTS if LARGE in practice.name else usual)
        return found

    found = gathered()
    if not options.plain:
        salience.WEIGHTS.write_text(json.dumps(fit_salience.fit(evened(found))) + "\n", encoding="utf-8")
        salience.forget()
        # What matters is part of the evidence.
        found = gathered()
    stored = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    stored["plain" if options.plain else "late"] = fit(found, compared=not options.plain)
    WEIGHTS.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")


def examples(practices: Sequence[Any], vectors: Any, count: float) -> list[Example]:
    """Every question of every bot; each bot counts for as much as any other, times `count`."""
    found = [example for practice in practices for example in _of_practice(practice, vectors)]
    return [replace(example, weight=example.weight * count) for example in found]


def _of_practice(practice: Any, vectors: Any) -> list[Example]:
    from chat.router import spelling
    from chat.router.asked import rarity, read
    from chat.router.candidates import gather
    from chat.router.learned import learn
    from knowledge.embedding import get_embedder

    embedder = get_embedder()
    learned = learn(practice.snapshot, embedder)
    found = []
    for question in practice.questions:
        text = spelling.corrected(question.text, learned.spellings, embedder)
        vector = question.vector if text == question.text else embedder.embed_queries([text])[0]
        tokens, words = vectors.tokens([text])[0], embedder.token_words(text)
        asked = read(learned, text, tokens, words)
        candidates = gather(learned, asked, vector, question.passages)
        if not candidates:
            continue
        ids = [practice.id_of(each) for each in candidates]
        right = ids.index(question.answer) if question.answer in ids else -1
        seen, best = (each.seen for each in candidates), (_best(asked, each) for each in candidates)
        rare = rarity(learned, tokens, words)
        found.append(Example(tuple(seen), right, 1.0, tokens.astype(np.float16), rare, tuple(best)))
    return _weighted(found)


def _best(asked: Any, candidate: Any) -> NDArray[np.float32]:
    """(2, tokens): in the best phrasing or window, and anywhere."""
    from knowledge.embedding.late_interaction import best_in_windows, unpack

    if candidate.passage:
        tokens = unpack(candidate.passage.tokens)
        if not len(tokens) or not len(asked.tokens):
            return NOTHING
        places = best_in_windows(asked.tokens, tokens)
        return np.stack([places[places.mean(axis=1).argmax()], places.max(axis=0)])
    best: NDArray[np.float32] = candidate.match.late.by_token
    if not best.size or not candidate.seen.evidence[IS_ACTION]:
        return best
    return np.where(asked.needs_of_actions > 0, best, np.float32(np.nan))


def _weighted(found: list[Example]) -> list[Example]:
    """A bot's FAQs and its pages count the same, however many questions there are about either."""
    counts = Counter(each.answered_by for each in found)
    shares = {kind: ANSWERABLE / len(counts.keys() & set(KINDS)) for kind in KINDS}
    shares[""] = WRONG_COSTS * (1 - ANSWERABLE)
    return [replace(each, weight=shares[each.answered_by] / counts[each.answered_by]) for each in found]


def evened(found: list[Example]) -> list[Example]:
    """With weights by which it says less how a question looks whether it is asked in vain.

    Writers of practice businesses ask in vain whether something can be had, and how it is done where that is known.
    Customers do not keep to it. Each is weighted by its inverse propensity, halfway: Rosenbaum and Rubin, "The central
    role of the propensity score in observational studies for causal effects" (1983).
    """
    looks = np.array([_look(each) for each in found])
    vain, weights = np.array([each.right < 0 for each in found]), np.array([each.weight for each in found])
    model = LogisticRegression(C=LOOKS_TRUSTED, max_iter=1_000).fit(looks, vain, weights / weights.mean())
    vainly = model.predict_proba(looks)[:, 1]
    factors = np.clip(np.where(vain, 1 / vainly, 1 / (1 - vainly)) ** EVENED, 0, MOST_EVENED)
    for side in (vain, ~vain):
        factors[side] *= weights[side].sum() / (weights[side] * factors[side]).sum()
    return [replace(each, weight=each.weight * float(factor)) for each, factor in zip(found, factors, strict=True)]


def _look(example: Example) -> NDArray[np.float32]:
    """The mean of a question's token vectors, each number about 1, and its length."""
    tokens = example.tokens.astype(np.float32)
    mean = tokens.mean(axis=0) if len(tokens) else np.zeros(tokens.shape[1], np.float32)
    return np.append(mean * np.float32(tokens.shape[1] ** 0.5), np.float32(np.log(len(tokens) + 1)))


def fit(found: list[Example], *, compared: bool) -> dict[str, Weights]:
    """Conditional logit in which evidence may only speak the way its sign says, by end. `compared`: with the evidence
    of token vectors, which is the last."""
    from chat.router.answerability import ENDS
    from chat.router.evidence import ENTRY_SIGNS, OF_TOKENS, PASSAGE_SIGNS

    left_out = 0 if compared else OF_TOKENS
    signs = {"entry": ENTRY_SIGNS, "passage": PASSAGE_SIGNS}
    used = {kind: signs[kind][: len(signs[kind]) - left_out] for kind in KINDS}
    table = _Table(found, {kind: len(used[kind]) for kind in KINDS}, ENDS)
    # After those of both kinds, that of surprise, which both share.
    of_end = [sign for kind in KINDS for sign in (*used[kind], 0)] + [-1]
    bounds = [(0 if sign > 0 else None, 0 if sign < 0 else None) for _ in ENDS for sign in of_end]
    result = minimize(table.loss, np.zeros(len(bounds)), jac=True, bounds=bounds, method="L-BFGS-B")
    return table.plain(result.x)


class _Table:
    """All candidates of all examples, one a row. The evidence of each kind is standardised, and stands once for each
    end, times the share that its bot has of that end; and so does surprise, as it is."""

    def __init__(self, found: list[Example], widths: dict[str, int], ends: Sequence[str]) -> None:
        self.widths = widths
        self.owner = np.concatenate([np.full(len(each.seen), number) for number, each in enumerate(found)])
        self.weight = np.array([each.weight for each in found])
        self.weight /= self.weight.sum()
        self.right = np.concatenate([np.arange(len(each.seen)) == each.right for each in found])
        seen = [one for each in found for one in each.seen]
        kinds = np.array([one.kind for one in seen])
        many = np.array([one.variety for one in seen])
        surprise = np.array([one.surprise for one in seen])
        self.rows = np.zeros((len(seen), len(ends) * (sum(widths.values()) + len(widths) + 1)))
        self.places: dict[tuple[str, str], tuple[int, NDArray[np.float64], NDArray[np.float64]]] = {}
        self.surprise: dict[str, int] = {}
        start = 0
        for end in ends:
            share = many if end == "many" else 1 - many
            for kind, width in widths.items():
                own = np.flatnonzero(kinds == kind)
                values = np.array([seen[row].evidence[:width] for row in own])
                centre, spread = values.mean(axis=0), values.std(axis=0) + 1e-9
                self.rows[own, start : start + width] = (values - centre) / spread * share[own, np.newaxis]
                self.rows[own, start + width] = share[own]
                self.places[end, kind] = (start, centre, spread)
                start += width + 1
            self.rows[:, start] = surprise * share
            self.surprise[end] = start
            start += 1

    def loss(self, weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        utilities = np.clip(self.rows @ weights, -30, 30)
        shares = np.exp(utilities)
        total = 1 + np.bincount(self.owner, shares, minlength=len(self.weight))
        chosen = np.bincount(self.owner, utilities * self.right, minlength=len(self.weight))
        value = float((self.weight * (np.log(total) - chosen)).sum())
        value += PENALTY / 2 * float(weights @ weights)
        surplus = (shares / total[self.owner] - self.right) * self.weight[self.owner]
        return value, self.rows.T @ surplus + PENALTY * weights

    def plain(self, weights: NDArray[np.float64]) -> dict[str, Weights]:
        """By end, the weights for evidence that is not standardised."""
        found: dict[str, Weights] = {}
        for (end, kind), (start, centre, spread) in self.places.items():
            width = self.widths[kind]
            plain = weights[start : start + width] / spread
            offset = weights[start + width] - plain @ centre
            rounded = {"weights": [round(float(value), 4) for value in plain], "offset": round(float(offset), 4)}
            found.setdefault(end, {})[kind] = rounded
        for end, place in self.surprise.items():
            found[end]["surprise"] = round(float(weights[place]), 4)
        return found


if __name__ == "__main__":
    main()
