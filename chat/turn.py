"""One turn from question to answer, detached from the request that started it, under a lease, in order."""

import asyncio
import logging
import time
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection

from chat import answering, confirming, context, events, metrics, store
from chat.context import TurnContext
from chat.exchange import Answer, Decision
from chat.voice import Voice
from tenants import resolve
from tenants.database import in_database
from tenants.scope import Scope

logger = logging.getLogger(__name__)
RENEW_EVERY_S = 4.0
_detached: set["asyncio.Task[None]"] = set()


def start(group_id: UUID, conversation_id: UUID, scope: Scope) -> None:
    """Work off the conversation's questions in the background, in its scope; the caller may go away."""
    task = asyncio.get_running_loop().create_task(work_off(group_id, conversation_id, scope))
    _detached.add(task)
    task.add_done_callback(_detached.discard)


async def work_off(group_id: UUID, conversation_id: UUID, scope: Scope | None = None) -> None:
    """Answer the conversation's open questions, one at a time and in order, until none is left for us."""
    scope = scope or await in_database(resolve.group_scope, group_id, scope=None)
    if scope is None:
        return
    more = True
    while more:
        steps = Steps()
        begun = await _begin(group_id, conversation_id, scope)
        if begun is None:
            return
        steps.mark("load")
        more = await _run(group_id, conversation_id, *begun, steps, scope)


async def _begin(
    group_id: UUID, conversation_id: UUID, scope: Scope
) -> tuple[store.ClaimedTurn, TurnContext | None] | None:
    """Claim the next turn with what it needs; alone, where that cannot be read: the attempt must be counted."""
    try:
        return await in_database(context.begin, group_id, conversation_id, scope=scope)
    except Exception:
        logger.exception("What a turn of conversation %s needs could not be read.", conversation_id)
        turn = await in_database(store.claim_turn, group_id, conversation_id, scope=scope)
        return (turn, None) if turn else None


def unfinished(most: int = 200) -> list[tuple[UUID, UUID]]:
    """(group, conversation) of turns that nobody works on, of all tenants: ids only."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT group_id, conversation_id FROM unfinished_turns(%s)", [most])
        return cursor.fetchall()


@dataclass
class Steps:
    """The time of each step, in milliseconds."""

    taken: dict[str, float] = field(default_factory=dict)
    _last: float = field(default_factory=time.perf_counter)

    def mark(self, name: str) -> None:
        now = time.perf_counter()
        self.taken[name] = round((now - self._last) * 1000, 2)
        self._last = now


async def _run(
    group_id: UUID,
    conversation_id: UUID,
    turn: store.ClaimedTurn,
    loaded: TurnContext | None,
    steps: Steps,
    scope: Scope,
) -> bool:
    """Work off a turn; whether there may be another."""
    renewal = asyncio.get_running_loop().create_task(_keep_lease(group_id, turn, scope))
    try:
        if turn.attempts > store.MOST_ATTEMPTS:
            await in_database(store.give_up_turn, group_id, conversation_id, turn, scope=scope)
            return True
        with metrics.TURN_SECONDS.time():
            if loaded is None:
                loaded = await in_database(context.load_context, group_id, conversation_id, turn, scope=scope)
            outcome = await _answer(loaded, steps, scope)
            more = await in_database(store.save_interaction, group_id, conversation_id, turn, outcome, scope=scope)
        metrics.TURNS.labels(outcome.answer.route).inc()
        return more
    except Exception:
        metrics.FAILED_TURNS.inc()
        logger.exception("A turn of conversation %s failed (attempt %s).", conversation_id, turn.attempts)
        if turn.attempts >= store.MOST_ATTEMPTS:
            await in_database(store.give_up_turn, group_id, conversation_id, turn, scope=scope)
        else:
            await in_database(store.release_lease, group_id, turn, scope=scope)
        return True
    finally:
        renewal.cancel()


async def _answer(loaded: TurnContext, steps: Steps, scope: Scope) -> store.Outcome:
    turn, group_id, conversation_id = loaded.turn, loaded.asker.group_id, loaded.asker.conversation_id
    # What is only shown live must not be shown either once a person has taken over; save_interaction has the last word.
    voice = Voice(
        partial(_publish, conversation_id, turn),
        partial(in_database, store.may_speak, group_id, conversation_id, turn, scope=scope),
    )
    loaded = replace(loaded, voice=voice)
    if loaded.identity_required and loaded.asker.customer is None:
        return await _ask_to_sign_in(loaded, steps)
    decided_on = confirming.call_of(turn.choice)
    if decided_on:
        routed, answer = await answering.settle(loaded, decided_on)
    else:
        routed = await answering.route(loaded, steps.mark)
        routed, answer = await answering.answer(loaded, routed)
    steps.mark("answer")
    await _finish(voice, answer)
    return store.Outcome(
        decision=routed.decision,
        answer=answer,
        understood=routed.question.understood,
        retrieved=answering.as_retrieved(routed, answer),
        versions=loaded.versions() | {"router": routed.decision.decided_by or "light"},
        steps=steps.taken,
    )


async def _ask_to_sign_in(loaded: TurnContext, steps: Steps) -> store.Outcome:
    """All that a bot for signed-in customers says to anybody else; signing in then asks the question again."""
    turn, asker = loaded.turn, loaded.asker
    reason = "This bot answers signed-in customers only."
    answer = Answer(
        "Please sign in first, and I will go on from here.",
        "dynamic",
        1.0,
        sign_in={"methods": list(loaded.sign_in_methods)},
        dialogue={"question": turn.text},
    )
    await _finish(loaded.voice, answer)
    decision = Decision("dynamic", 1.0, reason, asker.group_id)
    return store.Outcome(decision, answer, turn.text, [], loaded.versions(), steps.taken)


async def _finish(voice: Voice, answer: Answer) -> None:
    """Say what has not been said yet: all of it, unless a model has spoken."""
    voice.take(answer.route, answer.confidence)
    choices = answer.choices.as_json() if answer.choices else None
    confirm = answer.confirm.as_json() if answer.confirm else None
    await voice.finish(answer.text, ("choices", choices), ("confirm", confirm), ("sign_in", answer.sign_in))


async def _publish(conversation_id: UUID, turn: store.ClaimedTurn, *said: tuple[str, dict[str, Any]]) -> None:
    await events.publish(*(events.Live(conversation_id, type, data, str(turn.message_id)) for type, data in said))


async def _keep_lease(group_id: UUID, turn: store.ClaimedTurn, scope: Scope) -> None:
    while True:
        await asyncio.sleep(RENEW_EVERY_S)
        await in_database(store.renew_lease, group_id, turn, scope=scope)
