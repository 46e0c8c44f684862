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
KINDS: tuple[Kind, Kind] = ("entry", "passage")
# Whether the candidates were compared with the question token by token as well.
Compared = Literal["late", "plain"]
End = Literal["few", "many"]
ENDS: tuple[End, End] = ("few", "many")


@dataclass(frozen=True)
class Seen:
    """One candidate's evidence, as `evidence.of_entry` or `evidence.of_passage` gives it; `variety` is its bot's, as
    `Learned` gives it, and `surprise` that of the question, as `evidence.surprise` gives it: it speaks against every
    candidate alike."""

    kind: Kind
    evidence: NDArray[np.float64]
    variety: float
    surprise: float


def probabilities(candidates: Sequence[Seen]) -> NDArray[np.float64]:
    """One for each candidate; what is missing to one is that nothing answers."""
    if not candidates:
        return np.zeros(0)
    evidence_of_all = [candidate.evidence for candidate in candidates]
    compared: Compared = "plain" if any(np.isnan(each).any() for each in evidence_of_all) else "late"
    # Each utility is relative to that of answering nothing.
    utilities = np.array([0.0, *(_utility(candidate, compared) for candidate in candidates)])
    shares = np.exp(utilities - utilities.max())
    found: NDArray[np.float64] = (shares / shares.sum())[1:]
    return found


def utility(candidate: Seen, end: End, compared: Compared) -> float:
    """What the evidence is worth at one end; of what was not compared token by token, the first numbers only."""
    weights = _weights()[compared, end, candidate.kind]
    of_evidence = candidate.evidence[: len(weights.of_evidence)] @ weights.of_evidence
    return float(of_evidence) + candidate.surprise * weights.of_surprise + weights.offset


def _utility(candidate: Seen, compared: Compared) -> float:
    few, many = (utility(candidate, end, compared) for end in ENDS)
    return (1 - candidate.variety) * few + candidate.variety * many


@dataclass(frozen=True)
class _Weights:
    of_evidence: NDArray[np.float64]
    of_surprise: float
    offset: float


@cache
def _weights() -> dict[tuple[Compared, End, Kind], _Weights]:
    stored = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    return {
        (compared, end, kind): _Weights(np.array(own["weights"]), float(ends[end]["surprise"]), float(own["offset"]))
        for compared, ends in stored.items()
        for end in ENDS
        for kind in KINDS
        for own in [ends[end][kind]]
    }
