"""Chooses the line that takes a question: `choose(question, snapshots, passages, embedder, dialogue) -> Decision`."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from chat.exchange import Decision, Question, Route
from chat.router import person, small_talk, spelling
from chat.router.business_line import decide_among
from chat.router.clauses import two_questions
from chat.router.learned import learn
from knowledge import lexical
from knowledge.embedding import Embedder, EndpointError
from knowledge.search import Passage
from knowledge.snapshot import Snapshot

__all__ = ["choose", "corrected", "prepare", "vocabulary"]

logger = logging.getLogger(__name__)

# A business may prepare its own answer to "thank you".
PREPARED_SMALL_TALK_FROM = 0.9
# "Can you help me? My transfer is pending" sounds like asking for a person, but is answered.
SURELY_ANSWERED = 0.8
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
    if not lexical.words(question.text):
        return Decision("unknown", 1.0, "The message has no words.", home)
    kind = small_talk.kind_of(question.text)
    if kind:
        prepared = decide_among(snapshots, question.understood, question.vector, [], embedder)
        if prepared.faq and prepared.confidence >= PREPARED_SMALL_TALK_FROM:
            return prepared
        return Decision("faq", 1.0, "The message is small talk.", home, small_talk=kind)
    separators = [learn(snapshot, embedder).person for snapshot in snapshots]
    wish = person.wish(question.text, _own_vector(question, embedder), embedder, separators)
    if wish and wish.plain:
        return _person(wish, home)
    text = corrected(question.understood, snapshots, embedder)
    vector = question.vector if text == question.understood else embedder.embed_queries([text])[0]
    whole = decide_among(snapshots, text, vector, passages, embedder)
    if wish and not (whole.route in ("faq", "dynamic") and whole.confidence >= SURELY_ANSWERED):
        return _person(wish, home)
    parts = two_questions(text)
    return _decide_parts(parts, whole, snapshots, passages, embedder) if parts else whole


def prepare(embedders: Sequence[Embedder]) -> None:
    """Embed the built-in examples, a second's work for each space, before the first question needs them."""
    for embedder in embedders:
        try:
            person.prepare(embedder)
        except EndpointError as problem:
            logger.warning("The router's examples are embedded with the first question: %s", problem)


def corrected(text: str, snapshots: Sequence[Snapshot], embedder: Embedder) -> str:
    """The question with slips of the keyboard corrected to the bots' own words; the very same text without slips."""
    for snapshot in snapshots:
        text = spelling.corrected(text, learn(snapshot, embedder).spellings, embedder)
    return text


def vocabulary(snapshots: Sequence[Snapshot], embedder: Embedder) -> frozenset[str]:
    """Every term that the bots have heard: of their FAQs, actions and documents."""
    return frozenset().union(*(learn(snapshot, embedder).known for snapshot in snapshots))


def _own_vector(question: Question, embedder: Embedder) -> NDArray[np.float32]:
    if question.text == question.understood:
        return question.vector
    vector: NDArray[np.float32] = embedder.embed_queries([question.text])[0]
    return vector


def _person(wish: person.PersonWish, group_id: UUID) -> Decision:
    reason = f"The customer asks for a person, as in “{wish.example}”."
    return Decision("human", wish.confidence, reason, group_id)


def _decide_parts(
    parts: tuple[str, str],
    whole: Decision,
    snapshots: Sequence[Snapshot],
    passages: Sequence[Passage],
    embedder: Embedder,
) -> Decision:
    """Both decisions where the parts need different answers, the riskier first; else that for the whole message.

    "My card was stolen. What do I do?" is one question to one line, so two parts must be surer than their whole.
    """
    vectors = embedder.embed_queries(list(parts))
    first, second = (
        decide_among(snapshots, part, vector, passages, embedder) for part, vector in zip(parts, vectors, strict=True)
    )
    known = [decision for decision in (first, second) if decision.route != "unknown"]
    if len(known) < 2:
        return known[0] if known and whole.route == "unknown" else whole
    if _same(first, second):
        return whole if whole.route != "unknown" else first
    if first.route == second.route and min(first.confidence, second.confidence) <= whole.confidence:
        return whole
    main, also = (first, second) if _RISK[first.route] >= _RISK[second.route] else (second, first)
    return replace(main, also=replace(also, also=None, rivals=()), rivals=())


def _same(first: Decision, second: Decision) -> bool:
    if first.route != second.route:
        return False
    return first.route == "document" or (first.faq, first.action) == (second.faq, second.action)
