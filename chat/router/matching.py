"""Finds the prepared questions that a customer's question comes nearest to."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chat.router.learned import Learned
from knowledge.embedding import NO_TOKENS, TokenVectors
from knowledge.embedding.late_interaction import likeness as late_likeness
from knowledge.embedding.late_interaction import unpack

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
class Match:
    """An entry (FAQ or action, by its number) that may be meant, with its nearest text.

    `closeness` is the mean of the cosine plus the share of words over the entry's best phrasings; `answer` the same for
    the question together with its answer; `score` what matches are ranked by. `late` is the likeness by late
    interaction to the entry's best phrasing, and to the question together with its answer; NaN without token vectors.
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
    late: tuple[float, float]


def match(
    learned: Learned,
    vector: NDArray[np.float32],
    terms: Collection[str],
    without: Sequence[int] = (),
    tokens: TokenVectors = NO_TOKENS,
) -> list[Match]:
    """The FAQs and actions that come nearest to a question's vector and terms, best first, at most MATCHES.

    `without` are the numbers of texts that are to be overlooked, and so is an entry that has no others; `tokens` are
    the question's token vectors.
    """
    texts = learned.texts
    if not len(texts.owners):
        return []
    cosines = texts.vectors @ vector
    likeness = learned.words.likeness(terms)
    kept = np.ones(len(texts.owners), bool)
    kept[list(without)] = False
    cosines[~kept], likeness[~kept] = -1, 0
    near = cosines + WORD_SHARE * likeness
    closeness = _mean_of_best(near, texts.owners, learned.entries)
    there = np.bincount(texts.owners[kept], minlength=learned.entries) > 0
    logs = _logs(learned, vector, float(closeness.max()), there)
    answer = learned.answers.closeness(vector, terms, closeness)
    scores = (closeness + ANSWER_SHARE * answer) / (1 + ANSWER_SHARE) + CLASS_SHARE * np.maximum(logs, -20)
    nearest = int(np.argmax(cosines))
    if cosines[nearest] >= VERBATIM_FROM:
        scores[texts.owners[nearest]] += 1
    found = []
    scores[~there] = -np.inf  # overlooked, or its texts are still to be embedded
    entries = np.argsort(-scores)[: min(COMPARED, int(there.sum()))].tolist()
    nearest_of = [_nearest(np.flatnonzero((texts.owners == entry) & kept), near) for entry in entries]
    late = _late(learned, entries, nearest_of, tokens)
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
    _, read = found.late
    return -found.score - (LATE_SHARE * read if read == read else 0.0)


def _nearest(rows: NDArray[np.int64], near: NDArray[np.float32]) -> list[int]:
    """Those of some texts that come nearest, best first."""
    return [int(row) for row in rows[np.argsort(-near[rows], kind="stable")[:PHRASINGS_COMPARED]]]


def _late(
    learned: Learned, entries: Sequence[int], rows: Sequence[Sequence[int]], tokens: TokenVectors
) -> list[tuple[float, float]]:
    """For each entry by its nearest texts, whose `rows` are given, and by what it says; what has no token vectors yet
    is taken to be as like as the other."""
    if not len(tokens):
        return [(math.nan, math.nan)] * len(entries)
    told = [
        [*(learned.texts.texts[row] for row in own), learned.answers.said.get(entry, "")]
        for entry, own in zip(entries, rows, strict=True)
    ]
    packed = [learned.snapshot.tokens.get(text, b"") for texts in told for text in texts]
    values = iter(late_likeness(tokens, [unpack(each) for each in packed]).tolist())
    found = []
    for texts in told:
        *phrased, read = [next(values) for _ in texts]
        best = float(np.fmax.reduce(phrased))
        found.append((best if best == best else read, read if read == read else best))
    return found


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
