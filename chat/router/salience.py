"""Which tokens of a question matter: what a text is compared by, and what it must speak of to answer.

"Does my debit card work with Garmin Pay?" is not answered by what is said of debit cards: whether something can be had
at all is answered by what speaks of that very thing alone, how something is done by what comes near it, too. How much a
token tells, and how much it must be found, is read from its vector, which knows its whole sentence. Learnt on practice
businesses (benchmarks/fit_salience.py), together with how much is missing in the texts that do answer and in those that
do not. Weighing terms by their vectors is an idea of Dai and Callan, "Context-aware term weighting for first stage
passage retrieval" (SIGIR 2020).
"""

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from knowledge.embedding import TokenVectors

WEIGHTS = Path(__file__).with_name("salience.json")
# A share of rarity, so that its logarithm is never endless.
LEAST_RARE = 0.02


@dataclass(frozen=True)
class _Weights:
    told: NDArray[np.float32]
    told_by_rarity: float
    needed: NDArray[np.float32]
    needed_offset: float


def importance(tokens: TokenVectors, rarity: NDArray[np.float32]) -> NDArray[np.float32]:
    """What each token of a question tells, together 1; `rarity` is its word's share of the question's. (tokens,)"""
    weights = _weights()
    logs = tokens @ weights.told + np.float32(weights.told_by_rarity) * np.log(rarity + np.float32(LEAST_RARE))
    shares = np.exp(logs - logs.max(initial=-np.inf))
    found: NDArray[np.float32] = shares / shares.sum()
    return found


def needs(tokens: TokenVectors) -> NDArray[np.float32]:
    """How much each token of a question must be found, 0 to 1."""
    weights = _weights()
    found: NDArray[np.float32] = 1 / (1 + np.exp(-(tokens @ weights.needed + np.float32(weights.needed_offset))))
    return found


def missing(needs: NDArray[np.float32], best: NDArray[np.float32]) -> float:
    """How much of what must be found is not there; `best` are the best cosines of the tokens in a text, (tokens,). NaN
    where the text was not compared."""
    if len(best) != len(needs) or not len(best):
        return math.nan
    return float(needs @ (1 - best))


@cache
def _weights() -> _Weights:
    stored = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    told, needed = stored["importance"], stored["needs"]
    return _Weights(
        told=np.array(told["weights"], np.float32),
        told_by_rarity=told["of_rarity"],
        needed=np.array(needed["weights"], np.float32),
        needed_offset=needed["offset"],
    )


def forget() -> None:
    """Read the weights anew when they are next asked for."""
    _weights.cache_clear()
