"""Chooses the line that takes a question: `choose(question, snapshots, passages, embedder, dialogue) -> Decision`."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chat.exchange import Decision, Question, Route
from chat.router import person, small_talk
from chat.router.business_line import decide_among
from chat.router.clauses import two_questions
from knowledge.embedding import Embedder
from knowledge.search import Passage
from knowledge.snapshot import Snapshot

__all__ = ["choose"]

_RISK: dict[Route, int] = {"human": 4, "dynamic": 3, "document": 2, "faq": 1, "unknown": 0}


def choose(
    question: Question,
    snapshots: Sequence[Snapshot],
    passages: Sequence[Passage],
    embedder: Embedder,
    dialogue: dict[str, Any],
) -> Decision:
    """Where a question goes, and why. `snapshots` are the bot's own or, of a front, those of the bots behind it.

    Needs no database; the first question after a change of knowledge waits until that is learned.
    """
    home = snapshots[0].group_id
    kind = small_talk.kind_of(question.text)
    if kind:
        return Decision("faq", 1.0, "The message is small talk.", home, small_talk=kind)
    wish = person.wish(question.text, _own_vector(question, embedder), embedder)
    if wish:
        reason = f"The customer asks for a person, as in “{wish.example}”."
        return Decision("human", wish.confidence, reason, home)
    parts = two_questions(question.understood)
    if parts:
        both = _decide_both(parts, snapshots, passages, embedder)
        if both:
            return both
    return decide_among(snapshots, question.understood, question.vector, passages, embedder)


def _own_vector(question: Question, embedder: Embedder) -> NDArray[np.float32]:
    if question.text == question.understood:
        return question.vector
    vector: NDArray[np.float32] = embedder.embed_queries([question.text])[0]
    return vector


def _decide_both(
    parts: tuple[str, str], snapshots: Sequence[Snapshot], passages: Sequence[Passage], embedder: Embedder
) -> Decision | None:
    """Both decisions where the parts need different answers, the riskier first; nothing where they do not."""
    vectors = embedder.embed_queries(list(parts))
    first, second = (
        decide_among(snapshots, part, vector, passages, embedder) for part, vector in zip(parts, vectors, strict=True)
    )
    if "unknown" in (first.route, second.route) or _same(first, second):
        return None
    main, also = (first, second) if _RISK[first.route] >= _RISK[second.route] else (second, first)
    return replace(main, also=replace(also, also=None))


def _same(first: Decision, second: Decision) -> bool:
    if first.route != second.route:
        return False
    return first.route == "document" or (first.faq, first.action) == (second.faq, second.action)
