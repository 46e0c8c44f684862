"""For a bot that fronts others: decides by the same evidence which of them answers."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from chat.exchange import Decision
from chat.router.line import RIVALS, decide
from chat.router.prototypes import Prototypes
from knowledge.embedding import Embedder
from knowledge.search import Passage
from knowledge.snapshot import Snapshot

# How much a bot's description weighs beside what it knows: enough to decide between two that know equally much.
DESCRIPTION_SHARE = 0.3


def decide_among(
    snapshots: Sequence[Snapshot],
    text: str,
    vector: NDArray[np.float32],
    passages: Sequence[Passage],
    embedder: Embedder,
) -> Decision:
    """The best decision of all bots; of bots that do not know, the one whose business the question is."""
    found = []
    for snapshot in snapshots:
        own = [passage for passage in passages if passage.group_id == snapshot.group_id]
        found.append(decide(snapshot, text, vector, own, embedder))
    if len(found) == 1:
        return found[0]
    fits = [DESCRIPTION_SHARE * _fit(snapshot, vector, embedder) for snapshot in snapshots]
    best = found[max(range(len(found)), key=lambda number: _rank(found[number]) + fits[number])]
    return replace(best, rivals=_rivals(best, found)) if best.rivals else best


def _rivals(best: Decision, found: Sequence[Decision]) -> tuple[Decision, ...]:
    """Those of the best bot and of the others, a bot that is sure of its answer with that."""
    others = [each for each in found if each is not best]
    known = [each for each in others if not each.rivals and each.route != "unknown"]
    further = [rival for each in (best, *others) for rival in each.rivals]
    ranked = sorted([*known, *further], key=lambda each: -each.confidence)
    return tuple(ranked[:RIVALS])


def _rank(decision: Decision) -> float:
    return decision.confidence + 1 if decision.route != "unknown" else 1 - decision.confidence


def _fit(snapshot: Snapshot, vector: NDArray[np.float32], embedder: Embedder) -> float:
    return _described(f"{snapshot.name}. {snapshot.description}").nearest(vector, embedder)[0]


@lru_cache(maxsize=500)
def _described(text: str) -> Prototypes:
    return Prototypes((text,))
