"""Calls that change something, from proposal to outcome: each at most once, and only after the customer's yes.

A call is a row before anything leaves. Its state moves under the row's lock, one step at a time:

    proposed -> confirmed -> sending -> done | failed | unknown        (unknown -> done | failed, if the API can tell)
             -> awaiting  -> confirmed | refused | expired             (where a colleague must approve)
             -> declined | expired | withdrawn

Everything here runs in one short transaction and needs the bot's scope; the HTTP call lies between `begin` and
`finish`.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID, uuid4

from django.utils import timezone

from knowledge import write_limits
from knowledge.action_request import Refused
from knowledge.action_spec import ActionResult, ActionSpec, spec_of
from knowledge.confirmation import summary_of
from knowledge.models import Action, Call
from knowledge.values import masked
from tenants import enqueue
from tenants.models import Bot, Customer

CONFIRM_WITHIN = timedelta(minutes=15)
APPROVE_WITHIN = timedelta(days=3)
START_WITHIN = timedelta(minutes=1)
BEYOND_TIMEOUT = timedelta(seconds=20)
ASK_AGAIN_AFTER = tuple(timedelta(seconds=seconds) for seconds in (3, 10, 40, 180, 900))
# A look-up that says "not done" is believed only once nothing of the call can still be on its way.
SETTLED_AFTER = timedelta(seconds=30)
State = Call.State
UNSENT = (State.PROPOSED, State.AWAITING, State.CONFIRMED)
OPEN = (State.AWAITING, State.CONFIRMED, State.SENDING, State.UNKNOWN)


@dataclass(frozen=True)
class Asker:
    """In whose name and in which conversation something is to be done."""

    conversation_id: UUID
    conversation_group_id: UUID
    customer_id: UUID | None = None
    subject: str = ""
    language: str = "en"


class NotOpen(Exception):
    """A decision that cannot be taken (any more); the message is a sentence for whoever took it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True)
class Task:
    """What the caller has to do for a call, and nobody else while the lease runs: send it, or ask what became of it."""

    kind: Literal["send", "ask"]
    call_id: UUID
    group_id: UUID
    spec: ActionSpec
    arguments: Mapping[str, Any]
    subject: str
    sent_at: datetime
    attempts: int
    language: str = "en"

    @property
    def key(self) -> str:
        return str(self.call_id)


def propose(spec: ActionSpec, arguments: Mapping[str, Any], asker: Asker) -> Call:
    """Freeze the arguments and wait for the customer's yes; what else waited in the conversation is withdrawn.

    Raises Refused.
    """
    shown = masked(spec.parameters, arguments)
    write_limits.check(spec, arguments, asker.customer_id, asker.conversation_id)
    here = Call.objects.filter(conversation_id=asker.conversation_id)
    since = timezone.now() - timedelta(days=1)
    same = here.filter(action_id=spec.id, arguments=shown, state__in=OPEN, created_at__gt=since)
    if same.exists():
        raise Refused("pending", "That is under way already. What comes of it will be said right here.")
    withdraw(asker.conversation_id)
    return Call.objects.create(
        id=uuid4(),
        group_id=spec.group_id,
        action_id=spec.id,
        action_name=spec.name,
        action_revision=spec.revision,
        method=spec.method,
        state=State.PROPOSED,
        conversation_id=asker.conversation_id,
        conversation_group_id=asker.conversation_group_id,
        customer_id=asker.customer_id,
        customer_subject=asker.subject,
        arguments=shown,
        frozen=_Frozen(dict(arguments), spec.definition).text(),
        summary=summary_of(spec, arguments, asker.language),
        expires_at=timezone.now() + CONFIRM_WITHIN,
    )


def withdraw(conversation_id: UUID) -> None:
    """End what waits for the customer's yes in a conversation."""
    waiting = Call.objects.filter(conversation_id=conversation_id, state=State.PROPOSED)
    for call in waiting.select_for_update():
        _enter(call, State.WITHDRAWN)


def withdraw_changed(group_id: UUID, action_ids: Iterable[UUID]) -> None:
    """Take back what waits for a yes, a colleague or its turn, of actions that are no longer what was confirmed.

    A worker tells the customers. Nothing of it was sent.
    """
    waiting = Call.objects.filter(group_id=group_id, action_id__in=list(action_ids), state__in=UNSENT)
    for call in waiting.select_for_update().order_by("id"):
        spec = _spec(call)
        if spec is None or spec.definition != _Frozen.read(call).definition:
            _enter(call, State.WITHDRAWN, outcome="changed", due_at=timezone.now())
            enqueue.on_commit(
                "worker.look_after_call",
                group_id=str(call.group_id),
                call_id=str(call.id),
                conversation_group_id=str(call.conversation_group_id or call.group_id),
            )


def take_withdrawn(call_id: UUID) -> Call | None:
    """What was taken back and must still be told, once; None if there is nothing to tell."""
    call = _locked(call_id)
    if call is None or call.state != State.WITHDRAWN or call.due_at is None:
        return None
    return _enter(call, State.WITHDRAWN)


def decide(call_id: UUID, asker: Asker, *, yes: bool) -> Call:
    """The customer's answer to the summary, once, in the same conversation and name. Raises NotOpen."""
    call = _locked(call_id)
    if call is None or call.conversation_id != asker.conversation_id or not call.summary:
        raise NotOpen("not_found", "There is nothing to confirm.")
    if call.customer_id != asker.customer_id:
        raise NotOpen("other_customer", "Only the customer who was asked can confirm this. Please sign in again.")
    if call.state == State.WITHDRAWN and call.outcome == "changed":
        raise NotOpen("withdrawn", "This has changed meanwhile, so it is not done. Please ask for it again.")
    if call.state == State.WITHDRAWN:
        raise NotOpen("withdrawn", "This was replaced by something newer, so it is not done.")
    if call.state != State.PROPOSED:
        raise NotOpen("decided", "This was answered before; what came of it stands in the conversation.")
    if call.expires_at is None or call.expires_at <= timezone.now():
        _enter(call, State.EXPIRED)
        return call
    if not yes:
        return _enter(call, State.DECLINED, decided_at=timezone.now())
    spec, frozen = _spec(call), _Frozen.read(call)
    if spec is None or spec.definition != frozen.definition:
        return _enter(call, State.WITHDRAWN)
    arguments = frozen.arguments
    try:
        write_limits.check(spec, arguments, call.customer_id, asker.conversation_id, binding=True)
    except Refused as refusal:
        return _enter(call, State.FAILED, said=refusal.message, outcome=refusal.code)
    now = timezone.now()
    if write_limits.needs_approval(spec, arguments):
        until = now + APPROVE_WITHIN
        return _enter(call, State.AWAITING, decided_at=now, expires_at=until, due_at=until)
    return _enter(call, State.CONFIRMED, decided_at=now, due_at=now + START_WITHIN)


def approve(call_id: UUID, by: str) -> Call:
    """A colleague lets it happen. Raises NotOpen."""
    call = _awaiting(call_id)
    return _enter(call, State.CONFIRMED, approved_by=by, due_at=timezone.now() + START_WITHIN)


def refuse(call_id: UUID, by: str) -> Call:
    """A colleague does not let it happen. Raises NotOpen."""
    return _enter(_awaiting(call_id), State.REFUSED, approved_by=by)


def begin(call_id: UUID) -> Task | Call | None:
    """What is to be done now, leased to the caller; None if nothing is, or somebody else is at it.

    The call itself where it ends here, since its action is gone or switched off.
    """
    call, now = _locked(call_id), timezone.now()
    if call is None or call.state not in (State.CONFIRMED, State.SENDING, State.UNKNOWN):
        return None
    if call.state != State.CONFIRMED and (call.due_at is None or call.due_at > now):
        return None
    spec, frozen = _spec(call), _Frozen.read(call)
    if spec is None or spec.definition != frozen.definition:
        # What was confirmed was another call: it is not begun, nor sent again somewhere else.
        state = State.WITHDRAWN if call.state == State.CONFIRMED else State.UNKNOWN
        return _enter(call, state, outcome="changed", said="")
    first = call.state == State.CONFIRMED
    call.attempts += 1
    lease = now + 2 * timedelta(seconds=spec.timeout_s) + BEYOND_TIMEOUT
    _enter(call, State.SENDING if first else State(call.state), due_at=lease, sent_at=call.sent_at or now)
    arguments = frozen.arguments
    sent_at = call.sent_at or now
    kind: Literal["send", "ask"] = "send" if first else "ask"
    return Task(
        kind, call.id, call.group_id, spec, arguments, call.customer_subject, sent_at, call.attempts, _language(call)
    )


def finish(task: Task, result: ActionResult, said: str) -> Call | None:
    """Keep what came of it and what the customer is told; None if the call is settled already."""
    call = _locked(task.call_id)
    if call is None or call.state not in (State.SENDING, State.UNKNOWN):
        return None
    state = State.DONE if result.ok else State.FAILED if result.certain else State.UNKNOWN
    return _enter(
        call,
        state,
        due_at=next_look(task) if state == State.UNKNOWN else None,
        said=said,
        outcome=result.outcome,
        status=result.status,
        duration_ms=result.duration_ms,
    )


def next_look(task: Task) -> datetime | None:
    """When to ask again what became of the call; None if nobody can tell, or it was asked often enough."""
    if not task.spec.can_tell or task.attempts > len(ASK_AGAIN_AFTER):
        return None
    return timezone.now() + ASK_AGAIN_AFTER[task.attempts - 1]


def expire(call_id: UUID) -> Call | None:
    """End what has waited in vain for a colleague; None if it has not."""
    call = _locked(call_id)
    if call is None or call.state != State.AWAITING or call.due_at is None or call.due_at > timezone.now():
        return None
    return _enter(call, State.EXPIRED)


@dataclass(frozen=True)
class _Frozen:
    """What a call will send, with the digest of the action that it was confirmed for."""

    arguments: dict[str, Any]
    definition: str

    def text(self) -> str:
        return json.dumps({"arguments": self.arguments, "definition": self.definition})

    @classmethod
    def read(cls, call: Call) -> "_Frozen":
        kept = json.loads(call.frozen or "{}")
        return cls(kept.get("arguments", {}), kept.get("definition", ""))


def _language(call: Call) -> str:
    """How amounts and dates are written for the customer: by their own locale, or else the bot's first language."""
    customer = Customer.objects.filter(id=call.customer_id).first() if call.customer_id else None
    bot = Bot.objects.filter(id=call.conversation_group_id or call.group_id).first()
    return (customer.locale if customer else "") or next(iter(bot.languages if bot else []), "en")


def _awaiting(call_id: UUID) -> Call:
    call = _locked(call_id)
    if call is None or call.state != State.AWAITING:
        raise NotOpen("decided", "This does not wait for approval any more.")
    return call


def _locked(call_id: UUID) -> Call | None:
    return Call.objects.select_for_update().filter(id=call_id).first()


def _spec(call: Call) -> ActionSpec | None:
    """The action as it is now, if it still is there, is switched on and changes something."""
    if call.action_id is None:
        return None
    rows = Action.objects.select_related("data_api")
    action = rows.filter(group_id=call.group_id, id=call.action_id, enabled=True).first()
    return spec_of(action) if action is not None and action.writes else None


def _enter(call: Call, state: State, **fields: Any) -> Call:
    call.state = state
    call.due_at = fields.pop("due_at", None)
    for name, value in fields.items():
        setattr(call, name, value)
    # The arguments are needed until nothing can be sent any more.
    if state == State.WITHDRAWN or (call.due_at is None and state != State.PROPOSED):
        call.frozen = ""
    call.save()
    return call
