"""From question to answer: understand, embed once, search, choose a line, and let its pipeline answer."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import numpy as np

from chat import confirming, grounding, rewriting, settling
from chat.context import TurnContext
from chat.exchange import Answer, Decision, Question
from chat.pipelines import PIPELINES, dynamic, live
from chat.router import arbiter, choose
from chat.router.follow_up import readings
from chat.router.learned import learn
from knowledge.search import Passage, search
from tenants.database import in_database

PASSAGES = 8


@dataclass(frozen=True)
class Routed:
    """`records` are those of the models that were asked about the route."""

    question: Question
    passages: tuple[Passage, ...]
    decision: Decision
    records: tuple[dict[str, Any], ...] = ()


async def route(context: TurnContext, mark: Callable[[str], None]) -> Routed:
    """What is asked, what may answer it, and which line it is put through to. `mark` is told of each step's end.

    A question that leans on the one before it may mean several things: the first that is known is taken to be meant.
    Where the light router is not sure, a model chooses, if one is there for it.
    """
    routed = await _likeliest(context, mark)
    if context.turn.choice or "action" in context.dialogue:
        # A button, or the reply to an open question.
        return routed
    decision, record = await arbiter.settled(routed.question, routed.decision, context.exchanges)
    if record is None:
        return routed
    mark("route_model")
    return replace(routed, decision=decision, records=(record,))


async def _likeliest(context: TurnContext, mark: Callable[[str], None]) -> Routed:
    first: Routed | None = None
    for meaning in await _meanings(context):
        routed = await _route(context, meaning, mark)
        if routed.decision.route != "unknown":
            return routed
        first = first or routed
    assert first is not None  # every question has a meaning
    return first


async def _route(context: TurnContext, meaning: str, mark: Callable[[str], None]) -> Routed:
    question = await asyncio.to_thread(_question, context, meaning)
    mark("embed")
    groups = [each.group_id for each in context.snapshots]
    languages = tuple(dict.fromkeys(language for each in context.snapshots for language in each.languages))
    passages = await in_database(
        search, question.understood, question.vector, groups, context.space.key, PASSAGES, languages, question.tokens,
        scope=context.asker.scope,
    )  # fmt: skip
    mark("search")
    embedder = context.space.embedder()
    decision = await asyncio.to_thread(choose, question, context.snapshots, passages, embedder, context.dialogue)
    mark("route")
    return Routed(question, tuple(passages), decision)


async def answer(context: TurnContext, routed: Routed) -> tuple[Routed, Answer]:
    """What the routed line says; or the action whose questions are still open, which then decided the route."""
    routed, said = await _answer(context, routed)
    return routed, _with_methods(context, replace(said, generations=routed.records + said.generations))


async def _answer(context: TurnContext, routed: Routed) -> tuple[Routed, Answer]:
    resumed = await dynamic.resume(context, routed)
    if resumed is not None:
        decision = _resuming(context, routed.decision, resumed)
        context.voice.take(decision.route, decision.confidence)
        told = await live.told(context, routed.question, decision, resumed)
        return replace(routed, decision=decision), told
    first = await _one_line(context, routed, routed.decision)
    if routed.decision.also is None:
        return routed, await dynamic.come_back(context, first)
    context.voice.begin_paragraph()
    second = await _one_line(context, routed, routed.decision.also)
    return routed, await dynamic.come_back(context, _joined(first, second))


def _with_methods(context: TurnContext, answer: Answer) -> Answer:
    """Where somebody is asked to sign in: how, at this bot."""
    return replace(answer, sign_in={"methods": list(context.sign_in_methods)}) if answer.sign_in else answer


async def settle(context: TurnContext, call_id: UUID) -> tuple[Routed, Answer]:
    """What comes of the customer's decision on something that changes something."""
    said = await settling.settle(context, call_id)
    text = context.turn.text
    question = Question(text, text, np.zeros(0, np.float32), context.turn.choice)
    decision = Decision(
        "dynamic", said.confidence, "The customer answered what they were asked to confirm.", context.asker.group_id
    )
    return Routed(question, (), decision), said


def _resuming(context: TurnContext, decision: Decision, resumed: Answer) -> Decision:
    action = dynamic.open_action(context)
    assert action is not None  # it has just answered
    reason = f"The conversation is in the middle of “{action.title}”; by itself: {decision.reason}"
    return Decision("dynamic", resumed.confidence, reason, action.group_id, action=action)


async def _one_line(context: TurnContext, routed: Routed, decision: Decision) -> Answer:
    context.voice.take(decision.route, decision.confidence)
    said = await PIPELINES[decision.route](context, routed.question, decision)
    if decision.route == "dynamic":
        return grounding.check(await live.told(context, routed.question, decision, said), decision)
    # The customer changed the subject: what an action still waits for can be answered later.
    return grounding.check(said.with_dialogue(confirming.without_question(context.dialogue)), decision)


def _joined(first: Answer, second: Answer) -> Answer:
    """Both parts, each cited for itself. What is still open (choices, a sign-in) is the first's, the riskier line's."""
    if second.route == "unknown":
        return first
    texts = [second.text, first.text] if first.choices or first.confirm or first.sign_in else [first.text, second.text]
    return replace(
        first,
        text="\n\n".join(texts),
        citations=first.citations + second.citations,
        confidence=min(first.confidence, second.confidence),
        calls=first.calls + second.calls,
        handoff=first.handoff or second.handoff,
        generations=first.generations + second.generations,
    )


async def _meanings(context: TurnContext) -> list[str]:
    """What a question may mean, the likeliest first; where rules say that it leans, a small model is asked as well."""
    found = await asyncio.to_thread(_readings, context)
    if context.turn.choice or found == [context.turn.text]:
        return found
    rewritten = await rewriting.stand_alone(context.turn.text, context.exchanges, found[0])
    return list(dict.fromkeys([rewritten, *found]))


def _readings(context: TurnContext) -> list[str]:
    turn = context.turn
    if turn.choice:
        return [turn.choice.value if turn.choice.field == "question" else turn.text]
    if not context.previous:
        return [turn.text]
    embedder = context.space.embedder()
    known = frozenset().union(*(learn(each, embedder).known for each in context.snapshots))
    return readings(turn.text, context.previous, known)


def _question(context: TurnContext, meaning: str) -> Question:
    choice = context.turn.choice
    encoded = context.space.embedder().encode_queries([meaning])[0]
    if choice and choice.field == "question":
        return Question(meaning, meaning, encoded.vector, tokens=encoded.tokens)
    text = meaning if choice else context.turn.text
    return Question(text, meaning, encoded.vector, choice, tokens=encoded.tokens)


def as_retrieved(routed: Routed, said: Answer) -> list[dict[str, Any]]:
    """What the answer was chosen from, quoted as it is now: it must explain the answer when all has changed."""
    decisions = [each for each in (routed.decision, routed.decision.also) if each]
    quoted = [each for each in said.citations if each.kind == "document"]
    used = {
        passage.chunk_id
        for passage in routed.passages
        if any(each.id == str(passage.document_id) and grounding.stands(each.quote, passage.text) for each in quoted)
    }
    found: list[dict[str, Any]] = [
        {
            "kind": "faq",
            "id": str(each.faq.id),
            "external_id": each.faq.external_id,
            "title": each.faq.question,
            "quote": each.faq.answer,
            "revision": each.faq.revision,
            "used": each.route == "faq",
        }
        for each in decisions
        if each.faq
    ]
    found += [
        {
            "kind": "document",
            "id": str(passage.document_id),
            "external_id": passage.external_id,
            "title": passage.title,
            "heading": " › ".join(passage.heading_path),
            "page": passage.page,
            "revision": passage.revision,
            "score": round(passage.score, 4),
            "cosine": round(passage.cosine, 4),
            "lexical": round(passage.lexical, 4),
            "quote": passage.text[:1500],
            "used": passage.chunk_id in used,
        }
        for passage in routed.passages
    ]
    return sorted(found, key=lambda entry: not entry["used"])
