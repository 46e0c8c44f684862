"""Finds the prepared questions that a customer's question comes nearest to."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from chat.router.asked import Asked
from chat.router.learned import Learned
from knowledge.embedding.late_interaction import best_cosines, unpack_all

# Each measured on half of the BANKING77 training questions against the other half.
WORD_SHARE = 0.15
CLASS_SHARE = 0.05
# Measured on the demo businesses, one phrasing of each FAQ left out: 0.59 right without the answers, 0.65 with them.
ANSWER_SHARE = 0.6
PHRASINGS_ASKED = 2
# A question that the bot was given word for word, but for a letter or a comma.
VERBATIM_FROM = 0.985
MATCHES = 4
# So many are compared token by token, and what that counts beside the score: of the practice businesses' questions the
# right one is then among MATCHES in 0.74 instead of 0.69 (the harder ones), or 0.97 instead of 0.95.
COMPARED = 12
LATE_SHARE = 1.0
PHRASINGS_COMPARED = 4


@dataclass(frozen=True)
class Late:
    """How like an entry is by late interaction: its best phrasing, and the question together with its answer; `salient`
    is the same of the best phrasing where each token counts by what it tells, and `salient_of_all` where each may be
    found in any of these texts; `by_token` are the best cosines in the former and in the latter, (2, the question's
    tokens). All are NaN, and these none, without token vectors."""

    phrased: float
    read: float
    salient: float
    salient_of_all: float
    by_token: NDArray[np.float32] = field(compare=False)

    @property
    def best(self) -> float:
        return max(self.phrased, self.read)


NOT_COMPARED = Late(math.nan, math.nan, math.nan, math.nan, np.zeros((2, 0), np.float32))


@dataclass(frozen=True)
class Match:
    """An entry (FAQ or action, by its number) that may be meant, with its nearest text.

    `closeness` is the mean of the cosine plus the share of words over the entry's best phrasings; `answer` the same for
    the question together with its answer; `score` what matches are ranked by.
    """

    entry: int
    text: int
    cosine: float
    closeness: float
    likeness: float
    answer: float
    probability: float
    score: float
    verbatim: bool
    late: Late


def match(learned: Learned, asked: Asked, vector: NDArray[np.float32], without: Sequence[int] = ()) -> list[Match]:
    """The FAQs and actions that come nearest to a question and its vector, best first, at most MATCHES.

    `without` are the numbers of texts that are to be overlooked, and so is an entry that has no others.
    """
    texts = learned.texts
    if not len(texts.owners):
        return []
    cosines = texts.vectors @ vector
    likeness = learned.words.likeness(asked.terms)
    kept = np.ones(len(texts.owners), bool)
    kept[list(without)] = False
    cosines[~kept], likeness[~kept] = -1, 0
    near = cosines + WORD_SHARE * likeness
    closeness = _mean_of_best(near, texts.owners, learned.entries)
    there = np.bincount(texts.owners[kept], minlength=learned.entries) > 0
    logs = _logs(learned, vector, float(closeness.max()), there)
    answer = learned.answers.closeness(vector, asked.terms, closeness)
    scores = (closeness + ANSWER_SHARE * answer) / (1 + ANSWER_SHARE) + CLASS_SHARE * np.maximum(logs, -20)
    nearest = int(np.argmax(cosines))
    if cosines[nearest] >= VERBATIM_FROM:
        scores[texts.owners[nearest]] += 1
    found = []
    scores[~there] = -np.inf  # overlooked, or its texts are still to be embedded
    entries = np.argsort(-scores)[: min(COMPARED, int(there.sum()))].tolist()
    nearest_of = [_nearest(np.flatnonzero((texts.owners == entry) & kept), near) for entry in entries]
    late = _late(learned, asked, entries, nearest_of)
    for entry, own, compared in zip(entries, nearest_of, late, strict=True):
        text = own[0]
        found.append(
            Match(
                entry=entry,
                text=text,
                cosine=float(cosines[text]),
                closeness=float(closeness[entry]),
                likeness=float(likeness[text]),
                answer=float(answer[entry]),
                probability=float(np.exp(logs[entry])),
                score=min(float(scores[entry]), 1.0),
                verbatim=bool(cosines[text] >= VERBATIM_FROM),
                late=compared,
            )
        )
    return sorted(found, key=_rank)[:MATCHES]


def _rank(found: Match) -> float:
    """The best first; by late interaction with what an entry says, too, where there is any."""
    return -found.score - (0.0 if math.isnan(found.late.read) else LATE_SHARE * found.late.read)


def _nearest(rows: NDArray[np.int64], near: NDArray[np.float32]) -> list[int]:
    """Those of some texts that come nearest, best first."""
    return [int(row) for row in rows[np.argsort(-near[rows], kind="stable")[:PHRASINGS_COMPARED]]]


def _late(learned: Learned, asked: Asked, entries: Sequence[int], rows: Sequence[Sequence[int]]) -> list[Late]:
    """For each entry, by its nearest texts, whose `rows` are given, and by what it says; what has no token vectors yet
    is taken to be as like as the other."""
    if not entries or not len(asked.tokens):
        return [NOT_COMPARED] * len(entries)
    told = [
        [*(learned.texts.texts[row] for row in own), learned.answers.said.get(entry, "")]
        for entry, own in zip(entries, rows, strict=True)
    ]
    packed = [learned.snapshot.tokens.get(text, b"") for texts in told for text in texts]
    cosines = best_cosines(asked.tokens, *unpack_all(packed))
    of_entries = np.split(cosines, np.cumsum([len(texts) for texts in told])[:-1])
    faqs = len(learned.snapshot.faqs)
    return [
        _of_entry(of_entry, asked.weights if entry < faqs else asked.weights_of_actions)
        for entry, of_entry in zip(entries, of_entries, strict=True)
    ]


def _of_entry(cosines: NDArray[np.float32], weights: NDArray[np.float32]) -> Late:
    """From the best cosines (texts, tokens) in each of its phrasings and, the last, in what it says."""
    there = ~np.isnan(cosines[:, 0])
    if not there.any():
        return NOT_COMPARED
    every = cosines[there]
    phrasings = cosines[:-1][there[:-1]] if there[:-1].any() else every
    said = cosines[-1:] if there[-1] else phrasings
    by_token = np.stack([phrasings[phrasings.mean(axis=1).argmax()], every.max(axis=0)])
    return Late(
        phrased=float(phrasings.mean(axis=1).max()),
        read=float(said.mean(axis=1).max()),
        salient=float((phrasings @ weights).max()),
        salient_of_all=float(by_token[1] @ weights),
        by_token=by_token,
    )


def _logs(
    learned: Learned, vector: NDArray[np.float32], closest: float, there: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """The logarithm of each entry's probability among those that are there; where there is nothing to tell it from, how
    near it is must do."""
    if learned.classifier:
        logs = learned.classifier.log_probabilities(vector)
        shared: NDArray[np.float32] = logs - np.log(np.exp(logs[there]).sum())
        return shared
    return np.full(learned.entries, np.log(np.clip(learned.nearness.place(closest), 0.01, 1)), np.float32)


def _mean_of_best(near: NDArray[np.float32], owners: NDArray[np.int64], entries: int) -> NDArray[np.float32]:
    """The mean over each entry's nearest texts, up to PHRASINGS_ASKED of them; -1 for an entry without texts."""
    order = np.lexsort((-near, owners))
    sorted_owners = owners[order]
    starts = np.searchsorted(sorted_owners, np.arange(entries))
    rank = np.arange(len(order)) - starts[sorted_owners]
    kept = rank < PHRASINGS_ASKED
    sums = np.bincount(sorted_owners[kept], weights=near[order[kept]], minlength=entries)
    counts = np.bincount(sorted_owners[kept], minlength=entries)
    means: NDArray[np.float32] = np.where(counts > 0, sums / np.maximum(counts, 1), -1)
    return means
