"""Finds the prepared question that a customer's question comes nearest to."""

from collections.abc import Collection
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


@dataclass(frozen=True)
class Match:
    """The best entry (FAQ or action, by its number), its nearest text, and how it stands against the runner-up.

    `closeness` is the mean of the cosine plus the share of words over the entry's best phrasings; `answer` the same for
    the question together with its answer. `votes` say whether the nearest single phrasing, the classifier and the
    answers alone would have chosen the same.
    """

    entry: int
    text: int
    cosine: float
    closeness: float
    likeness: float
    answer: float
    probability: float
    margin: float
    votes: tuple[bool, bool, bool]
    answer_margin: float
    verbatim: bool
    ranking: tuple[int, ...]
    scores: tuple[float, ...]


def match(learned: Learned, vector: NDArray[np.float32], terms: Collection[str]) -> Match | None:
    """The FAQs and actions of a bot against a question's vector and terms; nothing where the bot has none."""
    texts = learned.texts
    if not len(texts.owners):
        return None
    cosines = texts.vectors @ vector
    likeness = learned.words.likeness(terms)
    near = cosines + WORD_SHARE * likeness
    closeness = _mean_of_best(near, texts.owners, learned.entries)
    logs = _logs(learned, vector, float(closeness.max()))
    answer = learned.answers.closeness(vector, terms, closeness)
    scores = (closeness + ANSWER_SHARE * answer) / (1 + ANSWER_SHARE) + CLASS_SHARE * np.maximum(logs, -20)
    nearest = int(np.argmax(cosines))
    if cosines[nearest] >= VERBATIM_FROM:
        scores[texts.owners[nearest]] += 1
    order = np.argsort(-scores)[:4]
    best = int(order[0])
    own = np.flatnonzero(texts.owners == best)
    text = int(own[np.argmax(near[own])])
    return Match(
        entry=best,
        text=text,
        cosine=float(cosines[text]),
        closeness=float(closeness[best]),
        likeness=float(likeness[text]),
        answer=float(answer[best]),
        probability=float(np.exp(logs[best])),
        margin=float(scores[best] - (scores[order[1]] if len(order) > 1 else learned.nearness.other)),
        votes=(int(texts.owners[nearest]) == best, int(np.argmax(logs)) == best, int(np.argmax(answer)) == best),
        answer_margin=float(
            answer[best] - (np.delete(answer, best).max() if len(order) > 1 else learned.nearness.other)
        ),
        verbatim=bool(cosines[text] >= VERBATIM_FROM),
        ranking=tuple(int(number) for number in order),
        scores=tuple(min(float(scores[number]), 1.0) for number in order),
    )


def _logs(learned: Learned, vector: NDArray[np.float32], closest: float) -> NDArray[np.float32]:
    """The logarithm of each entry's probability; where there is nothing to tell it from, how near it is must do."""
    if learned.classifier:
        return learned.classifier.log_probabilities(vector)
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
