"""Softmax regression on a bot's phrasing vectors, small enough to be trained anew with every version of its knowledge.

Full-batch descent with Nesterov's momentum; stopped early, which does as much against overfitting as the penalty.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STEPS = 40
# Vectors of length 1 are too close together for a softmax; this spreads them.
SPREAD = 20.0
EVENING = 3.0
PENALTY = 1.0
TRAINED_ON_AT_MOST = 6_000


@dataclass(frozen=True)
class Classifier:
    """Weights of shape (dimension, classes) for vectors from which `centre` is taken."""

    weights: NDArray[np.float32]
    centre: NDArray[np.float32]

    def log_probabilities(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """One for each class."""
        scores = (vector - self.centre) @ self.weights
        scores -= scores.max()
        logs: NDArray[np.float32] = scores - np.log(np.exp(scores).sum())
        return logs


def train(vectors: NDArray[np.float32], owners: NDArray[np.int64], classes: int) -> Classifier:
    """Learns to tell apart the classes 0 to `classes` - 1, each counting the same however many vectors it has."""
    vectors, owners = _sample(vectors, owners)
    share = (1 / np.bincount(owners, minlength=classes)[owners]).astype(np.float32)
    share /= share.sum()
    centre = vectors.mean(axis=0)
    spread, evened = _evened(vectors - centre, share)
    target = np.zeros((len(owners), classes), np.float32)
    target[np.arange(len(owners)), owners] = 1
    penalty = PENALTY / len(owners)
    step = 1 / (0.5 * float(np.linalg.eigvalsh((spread * share[:, np.newaxis]).T @ spread)[-1]) + penalty)
    weights = ahead = np.zeros((vectors.shape[1], classes), np.float32)
    for number in range(STEPS):
        wrong = (_softmax(spread @ ahead) - target) * share[:, np.newaxis]
        following = ahead - step * (spread.T @ wrong + penalty * ahead)
        ahead = following + number / (number + 3) * (following - weights)
        weights = following
    return Classifier((evened @ weights).astype(np.float32), centre)


def _evened(
    vectors: NDArray[np.float32], share: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The vectors with their longest directions shortened, which halves the steps needed, and what did it."""
    lengths, directions = np.linalg.eigh((vectors * share[:, np.newaxis]).T @ vectors)
    ordinary = float(lengths.mean())
    scale = SPREAD * np.sqrt(ordinary / (lengths.clip(0) + EVENING * ordinary))
    evened = (directions * scale).astype(np.float32)
    return (vectors @ evened).astype(np.float32), evened


def _sample(vectors: NDArray[np.float32], owners: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Every class keeps its share of the vectors that are trained on, and at least one."""
    if len(owners) <= TRAINED_ON_AT_MOST:
        return vectors, owners
    counts = np.bincount(owners)
    order = np.argsort(owners, kind="stable")
    rank = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)
    most = max(1, TRAINED_ON_AT_MOST // int(np.count_nonzero(counts)))
    kept = np.sort(order[rank < most])
    return vectors[kept], owners[kept]


def _softmax(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    scores = scores - scores.max(axis=1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=1, keepdims=True)
    return scores
