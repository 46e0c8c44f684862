"""Finds the prepared questions that a customer's question comes nearest to."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chat.router.learned import Learned

# Each measured on half of the BANKING77 training questions against the other half.
WORD_SHARE = 0.15
CLASS_SHARE = 0.05
# Measured on the demo businesses, one phrasing of each FAQ left out: 0.59 right without the answers, 0.65 with them.
ANSWER_SHARE = 0.6
PHRASINGS_ASKED = 2
# A question that the bot was given word for word, but for a letter or a comma.
VERBATIM_FROM = 0.985
MATCHES = 4


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


def match(
    learned: Learned, vector: NDArray[np.float32], terms: Collection[str], without: Sequence[int] = ()
) -> list[Match]:
    """The FAQs and actions that come nearest to a question's vector and terms, best first, at most MATCHES.

    `without` are the numbers of texts that are to be overlooked, and so is an entry that has no others.
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
    for entry in np.argsort(-scores)[: min(MATCHES, int(there.sum()))].tolist():
        own = np.flatnonzero(texts.owners == entry)
        text = int(own[np.argmax(near[own])])
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
            )
        )
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
