"""Carrying out what was confirmed, and saying what came of it: done, not done, or not known; and finding that out."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import connection
from django.utils import timezone

from chat import announcing
from chat.customer_token import token_of
from knowledge import actions, rendering, writes
from knowledge.action_spec import ActionResult, ActionSpec
from knowledge.models import Call
from knowledge.writes import SETTLED_AFTER, Task
from tenants import resolve
from tenants.database import in_database
from tenants.scope import Scope

logger = logging.getLogger(__name__)
After = Callable[[Call], None]

REPEATED_REFUSALS = frozenset({400, 404, 410, 422})
UNSURE = "I have sent this, but no clear answer has come back, so I do not know whether it was done."
FINDING_OUT = f"{UNSURE} I am finding out and will tell you right here. Please do not try it again meanwhile."
NOT_KNOWN = f"{UNSURE} A person will find out and answer you right here. Please do not try it again until then."
NOTHING_CHANGED = "Nothing was changed."
BY_STATE = {
    Call.State.DECLINED: f"All right. {NOTHING_CHANGED}",
    Call.State.REFUSED: f"A colleague has looked at this and could not approve it. {NOTHING_CHANGED}",
    Call.State.EXPIRED: f"Nobody could approve this in time. {NOTHING_CHANGED} Please ask for it again.",
    Call.State.WITHDRAWN: "What you were asked to confirm has changed meanwhile, so it was not done. "
    f"{NOTHING_CHANGED} Please ask for it again.",
    Call.State.AWAITING: "Thank you. A colleague has to approve this; I will tell you right here what comes of it.",
    Call.State.CONFIRMED: FINDING_OUT,
    Call.State.SENDING: FINDING_OUT,
    Call.State.UNKNOWN: NOT_KNOWN,
    Call.State.FAILED: f"This could not be done. {NOTHING_CHANGED}",
    Call.State.DONE: "This is done.",
}


@dataclass(frozen=True)
class Carried:
    """A call after something was done for it, and what its answer told by name."""

    call: Call
    values: Mapping[str, Any] = field(default_factory=dict)


async def carry_out(
    call_id: UUID, conversation_group_id: UUID, conversation_id: UUID, scope: Scope, after: After | None = None
) -> Carried | None:
    """Do what is due for a call, if anything is: send it, or ask what became of it.

    `after` sees the call in the transaction that keeps what came of it. Hold no scope or transaction around this.
    """
    task = await in_database(_begin, call_id, after, scope=scope)
    if not isinstance(task, Task):
        return Carried(task) if task else None
    token = token_of(conversation_group_id, conversation_id, scope)
    if task.kind == "send":
        result = await actions.send(task.spec, task.arguments, token=token, subject=task.subject, key=task.key)
        if not result.ok and not result.certain:
            result = await _asked(task, token, scope) or result
    else:
        result = await _asked(task, token, scope) or _nothing_learned(task)
    call = await in_database(_finish, task, result, after, scope=scope)
    return Carried(call, result.values) if call else None


def text_of(call: Call) -> str:
    """What the customer is told of a call as it stands."""
    return call.said or BY_STATE.get(Call.State(call.state), NOT_KNOWN)


def wants_person(call: Call) -> bool:
    """Whether only a person can find out what became of it."""
    return call.state == Call.State.UNKNOWN and call.due_at is None


async def look_after(group_id: UUID, call_id: UUID, conversation_group_id: UUID) -> None:
    """For a worker: go on with what was approved, was interrupted, or is not known; and say what came of it."""
    scope = await in_database(resolve.group_scope, conversation_group_id, scope=None)
    if scope is None or group_id not in scope.groups:
        return
    before = await in_database(_looked_at, call_id, scope=scope)
    if before is None or before.conversation_id is None or before.conversation_group_id is None:
        return

    def say(call: Call) -> None:
        if (call.said, call.state) != (before.said, before.state):
            announcing.announce(call, text_of(call), handoff=wants_person(call))

    await carry_out(call_id, before.conversation_group_id, before.conversation_id, scope, say)


def due(most: int = 100) -> list[tuple[UUID, UUID, UUID | None]]:
    """(group, call, conversation's group) of the calls that somebody must look after, of all tenants: ids only."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT group_id, id, conversation_group_id FROM due_calls(%s)", [most])
        return cursor.fetchall()


def told(task: Task, result: ActionResult) -> str:
    """The sentence for the customer."""
    if result.ok:
        return _done(task.spec, result, task.language)
    if result.certain:
        return f"{result.message} {NOTHING_CHANGED}".strip()
    return FINDING_OUT if writes.next_look(task) else NOT_KNOWN


def _done(spec: ActionSpec, result: ActionResult, language: str) -> str:
    try:
        return rendering.render(
            spec.answer,
            response=result.data,
            arguments=result.arguments,
            results=dict(result.values),
            language=language,
        )
    except rendering.RenderError as problem:
        logger.warning("answer template of %s in %s: %s", spec.name, spec.group_id, problem)
        return f"This is done: {spec.title}."


async def _asked(task: Task, token: Any, scope: Scope) -> ActionResult | None:
    """What the API says became of the call; None where it cannot say."""
    if task.spec.honours_keys:
        again = await actions.send(task.spec, task.arguments, token=token, subject=task.subject, key=task.key)
        # Only what can be the first attempt's own answer, repeated, says something about it.
        return again if again.ok or again.status in REPEATED_REFUSALS else None
    if task.spec.status_action_id is None:
        return None
    try:
        lookup = await in_database(actions.load_action, task.group_id, task.spec.status_action_id, scope=scope)
    except (ObjectDoesNotExist, ValidationError):
        return None
    arguments = {each.name: each.value if each.fixed else task.arguments.get(each.name) for each in lookup.parameters}
    known = {name: value for name, value in arguments.items() if value is not None}
    if lookup.writes or any(each.required and each.name not in known for each in lookup.parameters):
        return None
    found = await actions.send(lookup, known, token=token, subject=task.subject, fresh=True)
    return _judged(task, found) if found.ok else None


def _judged(task: Task, found: ActionResult) -> ActionResult | None:
    try:
        verdict = rendering.render(task.spec.status_answer, response=found.data, arguments=task.arguments)
    except rendering.RenderError as problem:
        logger.warning("status template of %s in %s: %s", task.spec.name, task.group_id, problem)
        return None
    if verdict.strip().lower() == "yes":
        return ActionResult(True, found.status, found.data, found.duration_ms, arguments=task.arguments)
    settled = timezone.now() - task.sent_at > SETTLED_AFTER
    if verdict.strip().lower() == "no" and settled:
        message = "I have looked: this was not done."
        return ActionResult(False, found.status, None, found.duration_ms, "not_done", message, task.arguments)
    return None


def _nothing_learned(task: Task) -> ActionResult:
    return ActionResult(False, None, None, 0.0, "unknown", "", task.arguments, certain=False)


def _begin(call_id: UUID, after: After | None) -> Task | Call | None:
    begun = writes.begin(call_id)
    if isinstance(begun, Call) and after:
        after(begun)
    return begun


def _finish(task: Task, result: ActionResult, after: After | None) -> Call | None:
    call = writes.finish(task, result, told(task, result))
    if call and after:
        after(call)
    return call


def _looked_at(call_id: UUID) -> Call | None:
    """The call as it is; one that waited in vain, or was taken back, ends here, and the customer is told."""
    ended = writes.expire(call_id) or writes.take_withdrawn(call_id)
    if ended:
        announcing.announce(ended, text_of(ended))
        return None
    return Call.objects.filter(id=call_id).first()
