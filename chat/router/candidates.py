"""What may answer a question: the nearest prepared answers and passages, with the evidence for each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from chat.router import answerability, evidence
from chat.router.answerability import Seen
from chat.router.asked import Asked
from chat.router.learned import Learned
from chat.router.matching import Match, match
from knowledge.search import Passage

PASSAGES = 4


@dataclass(frozen=True)
class Candidate:
    """A FAQ or action (`match`), or a passage; one of the two is given."""

    seen: Seen
    match: Match | None = None
    passage: Passage | None = None
    probability: float = 0.0


def gather(
    learned: Learned,
    asked: Asked,
    vector: NDArray[np.float32],
    passages: Sequence[Passage],
    without: Sequence[int] = (),
) -> list[Candidate]:
    """The candidates, not judged yet. `passages` are those of this bot, best first; for the rest see `match`."""
    prepared, written = match(learned, asked, vector, without), passages[:PASSAGES]
    found = []
    for each in prepared:
        seen = evidence.of_entry(learned, asked, each, prepared, alone=not written)
        against = evidence.surprise(learned, asked, of_action=each.entry >= len(learned.snapshot.faqs))
        found.append(Candidate(Seen("entry", seen, learned.variety, against), match=each))
    for passage in written:
        seen = evidence.of_passage(learned, asked, passage, passages, alone=not prepared)
        against = evidence.surprise(learned, asked)
        found.append(Candidate(Seen("passage", seen, learned.variety, against), passage=passage))
    return found


def judged(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates with the probability that each is the one that answers."""
    shares = answerability.probabilities([candidate.seen for candidate in candidates])
    return [replace(candidate, probability=float(share)) for candidate, share in zip(candidates, shares, strict=True)]
