"""How likely each candidate is to answer a question: a conditional logit, with weights fitted once for all bots.

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


@dataclass(frozen=True)
class Seen:
    """One candidate's evidence, as `evidence.of_entry` or `evidence.of_passage` gives it."""

    kind: Kind
    evidence: NDArray[np.float64]


def probabilities(candidates: Sequence[Seen]) -> NDArray[np.float64]:
    """One for each candidate; what is missing to one is that nothing answers."""
    if not candidates:
        return np.zeros(0)
    # Each utility is relative to that of answering nothing.
    utilities = np.array([0.0, *(_utility(candidate) for candidate in candidates)])
    shares = np.exp(utilities - utilities.max())
    found: NDArray[np.float64] = (shares / shares.sum())[1:]
    return found


def _utility(candidate: Seen) -> float:
    weights, offset = _weights()[candidate.kind]
    return float(candidate.evidence @ weights + offset)


@cache
def _weights() -> dict[str, tuple[NDArray[np.float64], float]]:
    stored = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    return {kind: (np.array(entry["weights"]), float(entry["offset"])) for kind, entry in stored.items()}
