"""Proposing what changes something, and the customer's yes or no to it: by a button, or in so many words."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chat import store
from chat.exchange import Answer, Asker, Choice, Confirmation
from chat.models import Conversation, Message, Turn
from knowledge import actions, confirmation, writes
from knowledge.actions import ActionSpec, Refused
from knowledge.models import Call
from knowledge.values import Remembered
from tenants.database import in_database

FIELD = "confirmation"
PERSON = "I can pass you on to a person if you like."
YES = re.compile(
    r"\W*(?:yes|y|ya|yea|yeah|yep|yup|sure|ok|okay|k|alright|all right|fine|perfect|great|confirm(?:ed)?|i confirm|"
    r"go ahead|go for it|do it|do that|please do|correct|that'?s (?:right|correct|fine|it)|(?:sounds|looks) good)"
    r"(?:\W+(?:yes|please|pls|plz|thanks?|thx|ta|cheers|thank you|go ahead|go for it|do it|do that|i confirm|i'?m sure|"
    r"that'?s (?:right|correct|fine)|confirm|then|of course))*\W*",
    re.IGNORECASE,
)
NO = re.compile(
    r"\W*(?:no|n|nope|nah|don'?t|do not|stop|cancel that|rather not|never ?mind|leave it)"
    r"(?:\W+(?:please|pls|thanks?|thx|thank you|don'?t|do it|do that|do not|leave it|stop))*\W*",
    re.IGNORECASE,
)
GONE = {
    Call.State.EXPIRED: ("expired", "This has waited too long, so nothing was done. Please ask for it again."),
    Call.State.WITHDRAWN: ("withdrawn", "This has changed meanwhile, so nothing was done. Please ask for it again."),
}


@dataclass(frozen=True)
class Decided:
    """A decision that was kept, as the customer's message that a turn will answer."""

    message_id: UUID
    call_id: UUID


async def propose(
    asker: Asker,
    spec: ActionSpec,
    words: Mapping[str, Any],
    remembered: tuple[Remembered, ...],
    confidence: float,
    last: Mapping[str, Any] | None = None,
) -> Answer:
    """Say exactly what would be done, and ask. Nothing is sent. `last` is how its questions were answered."""
    try:
        arguments = actions.prepare(spec, words, asker.customer, remembered)
        call = await in_database(writes.propose, spec, arguments, _who(asker), scope=asker.scope)
    except Refused as refusal:
        return Answer(f"{refusal.message} {PERSON}", "dynamic", confidence)
    shown = confirmation.shown_arguments(spec, arguments)
    assert call.expires_at is not None  # a proposal always ends
    asked = Confirmation(call.id, spec.name, shown, call.summary, call.expires_at.isoformat(timespec="seconds"))
    text = f"Please check what I am about to do.\n\n{call.summary}\n\nShall I go ahead?"
    kept = last or {"action": spec.name, "id": str(spec.id), "arguments": dict(words)}
    dialogue = {FIELD: str(call.id), "last": dict(kept)}
    return Answer(text, "dynamic", confidence, confirm=asked, dialogue=dialogue)


def decide(group_id: UUID, conversation_id: UUID, call_id: UUID, *, yes: bool) -> Decided | writes.NotOpen:
    """Keep what the customer has decided, with a turn that carries it out; or why it is too late, which is kept too.

    Raises writes.NotOpen where there is nothing to decide. Needs the conversation's scope.
    """
    conversation = _locked(group_id, conversation_id)
    call = writes.decide(call_id, _in(conversation), yes=yes)
    if call.state in GONE:
        return writes.NotOpen(*GONE[Call.State(call.state)])
    return _kept(conversation, call, yes)


def decide_in_words(asker: Asker, call_id: UUID, message_id: UUID, *, yes: bool) -> Call:
    """The same for somebody who has typed it, in the turn that answers it. Raises writes.NotOpen."""
    conversation = _locked(asker.group_id, asker.conversation_id)
    # If this turn is interrupted, whoever takes it over finds the decision made.
    said = Message.objects.filter(conversation_group_id=asker.group_id, id=message_id)
    said.update(choice={"field": FIELD, "value": str(call_id)})
    return writes.decide(call_id, _in(conversation), yes=yes)


def withdraw(conversation_id: UUID) -> None:
    """What waits for the customer's yes in this conversation waits no more. Needs its scope."""
    writes.withdraw(conversation_id)


def without_question(dialogue: dict[str, Any]) -> dict[str, Any]:
    """The dialogue once something else was said: a yes that is typed later is no answer to it any more."""
    return {key: value for key, value in dialogue.items() if key != FIELD}


def call_of(choice: Choice | None) -> UUID | None:
    """The call that a turn's question decides on, if it was kept by `decide`."""
    return UUID(choice.value) if choice is not None and choice.field == FIELD else None


def in_words(text: str) -> bool | None:
    """Whether the text is nothing but a yes, or nothing but a no."""
    return True if YES.fullmatch(text) else False if NO.fullmatch(text) else None


def _kept(conversation: Conversation, call: Call, yes: bool) -> Decided:
    message = store.add_message(
        conversation,
        Message.Role.CUSTOMER,
        "Yes" if yes else "No",
        choice={"field": FIELD, "value": str(call.id)},
    )
    Turn.objects.create(
        group_id=conversation.group_id, conversation_id=conversation.id, message_id=message.id, number=message.seq
    )
    return Decided(message.id, call.id)


def _locked(group_id: UUID, conversation_id: UUID) -> Conversation:
    conversation = store.locked(group_id, conversation_id)
    if conversation.owner == Conversation.Owner.PERSON:
        raise writes.NotOpen("person", "A person is helping you now. Please tell them what you have decided.")
    return conversation


def _in(conversation: Conversation) -> writes.Asker:
    customer = conversation.customer
    return writes.Asker(
        conversation.id, conversation.group_id, conversation.customer_id, customer.subject if customer else ""
    )


def _who(asker: Asker) -> writes.Asker:
    customer = asker.customer
    return writes.Asker(
        asker.conversation_id,
        asker.group_id,
        customer.id if customer else None,
        customer.subject if customer else "",
        asker.language,
    )
