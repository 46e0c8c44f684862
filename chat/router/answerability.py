"""How likely it is that a candidate answers a question: logistic regression with weights fitted once, for all bots.

`benchmarks/fit_answerability.py` fits and writes them, and says on what.
"""

import json
import math
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

WEIGHTS = Path(__file__).with_name("answerability.json")

Kind = Literal["entry", "passage"]


def probability(kind: Kind, evidence: NDArray[np.float64]) -> float:
    """Between 0 and 1; one half is where answering and refusing are equally right."""
    weights, offset = _weights()[kind]
    return 1 / (1 + math.exp(-float(np.clip(evidence @ weights + offset, -30, 30))))


@cache
def _weights() -> dict[str, tuple[NDArray[np.float64], float]]:
    stored = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    return {kind: (np.array(entry["weights"]), float(entry["offset"])) for kind, entry in stored.items()}
