"""How likely each candidate is to answer a question: a conditional logit, with weights fitted once for all bots.

What evidence is worth depends on how many phrasings the bot was given: among many, the nearest one tells most; where
there are few, the answers' own words do. There is one set of weights for either end; bots in between have a mixture.
McFadden, "Conditional logit analysis of qualitative choice behavior" (1974). `benchmarks/fit_answerability.py` fits
and writes the weights, and says on what.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

WEIGHTS = Path(__file__).with_name("answerability.json")

Kind = Literal["entry", "passage"]
End = Literal["few", "many"]
ENDS: tuple[End, End] = ("few", "many")


@dataclass(frozen=True)
class Seen:
    """One candidate's evidence, as `evidence.of_entry` or `evidence.of_passage` gives it; `variety` is its bot's, as
    `Learned` gives it."""

    kind: Kind
    evidence: NDArray[np.float64]
    variety: float


def probabilities(candidates: Sequence[Seen]) -> NDArray[np.float64]:
    """One for each candidate; what is missing to one is that nothing answers."""
    if not candidates:
        return np.zeros(0)
    # Each utility is relative to that of answering nothing.
    utilities = np.array([0.0, *(_utility(candidate) for candidate in candidates)])
    shares = np.exp(utilities - utilities.max())
    found: NDArray[np.float64] = (shares / shares.sum())[1:]
    return found


def utility(kind: Kind, end: End, evidence: NDArray[np.float64]) -> float:
    """What the evidence is worth at one end."""
    weights, offset = _weights()[end, kind]
    return float(evidence @ weights + offset)


def _utility(candidate: Seen) -> float:
    few, many = (utility(candidate.kind, end, candidate.evidence) for end in ENDS)
    return (1 - candidate.variety) * few + candidate.variety * many


@cache
def _weights() -> dict[tuple[End, Kind], tuple[NDArray[np.float64], float]]:
    stored = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    return {
        (end, kind): (np.array(entry["weights"]), float(entry["offset"]))
        for end in ENDS
        for kind, entry in stored[end].items()
    }
