"""The only writer of messages: questions before anything else can fail, answers with what explains them.

Everything here is synchronous, runs in one transaction, and needs the conversation's scope.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from chat import events
from chat.exchange import Answer, Choice, Decision
from chat.models import Conversation, Interaction, Message, Turn
from tenants.models import Bot, Customer
from tenants.resolve import digest
from tenants.text import check_text

LONGEST_TEXT = 4000
LEASE = timedelta(seconds=12)
MOST_ATTEMPTS = 3
FAILED = {
    "code": "failed",
    "message": "Something went wrong on our side, so I could not answer. A person will look at your question.",
}


@dataclass(frozen=True)
class SavedQuestion:
    """`duplicate`: the same client_id was saved before, so this one changed nothing."""

    message_id: UUID
    owner: str
    duplicate: bool


@dataclass(frozen=True)
class ClaimedTurn:
    """A turn that this process alone may finish until its lease ends. `seq` is the number of its message."""

    id: UUID
    lease: UUID
    message_id: UUID
    text: str
    choice: Choice | None
    version: int
    attempts: int
    seq: int


@dataclass(frozen=True)
class Outcome:
    """All that a turn has found out, to be kept as its Interaction."""

    decision: Decision
    answer: Answer
    understood: str
    retrieved: list[dict[str, Any]]
    versions: dict[str, Any]
    steps: dict[str, float]


def open_conversation(bot: Bot, page_url: str = "", customer: Customer | None = None) -> tuple[Conversation, str]:
    """A new conversation and the token that opens it, shown this once."""
    check_text(page_url=page_url)
    token = secrets.token_urlsafe(32)
    conversation = Conversation.objects.create(
        group=bot, tenant_id=bot.tenant_id, token_hash=digest(token), page_url=page_url[:2000], customer=customer
    )
    return conversation, token


def save_question(
    group_id: UUID, conversation_id: UUID, text: str, choice: Choice | None, client_id: str | None, page_url: str = ""
) -> SavedQuestion:
    """Keep what the customer said; where the bot owns the conversation, a turn to answer it with."""
    check_question(text)
    check_text(choice=choice.field if choice else "", client_id=client_id or "", page_url=page_url)
    conversation = locked(group_id, conversation_id)
    if client_id:
        known = Message.objects.filter(
            conversation_group_id=group_id, conversation_id=conversation_id, client_id=client_id
        ).first()
        if known and known.seq < conversation.shown_from:
            raise ValidationError({"client_id": "This was used before the customer signed out."})
        if known:
            answered = Turn.objects.filter(group_id=group_id, message_id=known.id).exists()
            return SavedQuestion(known.id, "bot" if answered else "person", duplicate=True)
    message = add_message(
        conversation,
        Message.Role.CUSTOMER,
        text,
        client_id=client_id,
        choice={"field": choice.field, "value": choice.value} if choice else None,
    )
    if page_url or conversation.resolved_at:
        conversation.page_url, conversation.resolved_at = page_url[:2000] or conversation.page_url, None
        conversation.save(update_fields=["page_url", "resolved_at"])
    if conversation.owner == Conversation.Owner.BOT:
        Turn.objects.create(
            group_id=group_id, conversation_id=conversation_id, message_id=message.id, number=message.seq
        )
    return SavedQuestion(message.id, conversation.owner, duplicate=False)


def check_question(text: str) -> None:
    check_text(text=text)
    if not text.strip():
        raise ValidationError({"text": "Say something first."})
    if len(text) > LONGEST_TEXT:
        raise ValidationError({"text": f"At most {LONGEST_TEXT:,} characters; this has {len(text):,}."})


def locked(group_id: UUID, conversation_id: UUID) -> Conversation:
    """The conversation's row, locked until the transaction ends: who speaks, and the next number, stand still."""
    return Conversation.objects.select_for_update().get(group_id=group_id, id=conversation_id)


def add_message(
    conversation: Conversation, role: Message.Role, text: str, *, group_id: UUID | None = None, **fields: Any
) -> Message:
    """The conversation's next message; its row must be locked. It takes a number of the same count as the events."""
    conversation.last_seq += 1
    conversation.updated_at = timezone.now()
    conversation.save(update_fields=["last_seq", "updated_at"])
    return Message.objects.create(
        group_id=group_id or conversation.group_id,
        conversation_group_id=conversation.group_id,
        conversation=conversation,
        role=role,
        text=text,
        seq=conversation.last_seq,
        **fields,
    )


def claim_turn(group_id: UUID, conversation_id: UUID) -> ClaimedTurn | None:
    """The conversation's oldest unanswered turn, leased to the caller; None when there is none or another has it."""
    return claim_locked(locked(group_id, conversation_id))


def claim_locked(conversation: Conversation) -> ClaimedTurn | None:
    """The same for a conversation whose row is locked by this transaction."""
    _may_be_forgotten()
    group_id, conversation_id = conversation.group_id, conversation.id
    turn = _open_turns(group_id, conversation_id).order_by("number").first()
    now = timezone.now()
    if turn is None or (turn.state == Turn.State.RUNNING and turn.lease_until and turn.lease_until > now):
        return None
    turn.state, turn.lease, turn.lease_until = Turn.State.RUNNING, uuid4(), now + LEASE
    turn.attempts += 1
    turn.save(update_fields=["state", "lease", "lease_until", "attempts"])
    message = Message.objects.get(conversation_group_id=group_id, id=turn.message_id)
    choice = Choice(message.choice["field"], message.choice["value"]) if message.choice else None
    return ClaimedTurn(
        turn.id, turn.lease, turn.message_id, message.text, choice, conversation.version, turn.attempts, message.seq
    )


def _may_be_forgotten() -> None:
    """This transaction need not wait for the disk: should the database's machine fail right now, the turn is simply not
    claimed, and is claimed anew. An answer is only kept under the lease that it was claimed with."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit TO off")


def _open_turns(group_id: UUID, conversation_id: UUID) -> QuerySet[Turn]:
    turns = Turn.objects.filter(group_id=group_id, conversation_id=conversation_id)
    return turns.exclude(state=Turn.State.DONE)


def may_speak(group_id: UUID, conversation_id: UUID, turn: ClaimedTurn) -> bool:
    """Whether the bot still owns the conversation as it did when the turn began."""
    return Conversation.objects.filter(
        group_id=group_id, id=conversation_id, owner=Conversation.Owner.BOT, version=turn.version
    ).exists()


def renew_lease(group_id: UUID, turn: ClaimedTurn) -> bool:
    _may_be_forgotten()
    return bool(
        Turn.objects.filter(group_id=group_id, id=turn.id, lease=turn.lease).update(lease_until=timezone.now() + LEASE)
    )


def save_interaction(group_id: UUID, conversation_id: UUID, turn: ClaimedTurn, outcome: Outcome) -> bool:
    """Say the answer: keep message, interaction and event, and end the turn, all in one transaction.

    Where a person has taken over meanwhile, the bot stays silent and the interaction says so; where the turn is no
    longer ours, nothing happens. Whether the conversation has another turn to be worked off: whoever saves a question
    after this sees the turn ended, and begins the next.
    """
    conversation = locked(group_id, conversation_id)
    ended = Turn.objects.filter(group_id=group_id, id=turn.id, lease=turn.lease, state=Turn.State.RUNNING)
    if not ended.update(state=Turn.State.DONE, lease_until=None):
        return True
    answer, decision = outcome.answer, outcome.decision
    ours = conversation.owner == Conversation.Owner.BOT and conversation.version == turn.version
    may_speak = ours or answer.settles
    interaction = Interaction(
        group_id=decision.group_id,
        conversation_group_id=group_id,
        conversation=conversation,
        question=turn.text,
        question_id=turn.message_id,
        understood=outcome.understood,
        route=answer.route,
        confidence=answer.confidence,
        reason=decision.reason if may_speak else f"A person took over before this was said. {decision.reason}",
        retrieved=outcome.retrieved,
        calls=list(answer.calls),
        versions=outcome.versions,
        steps=outcome.steps,
        generations=list(answer.generations),
        handoff=answer.handoff,
    )
    if may_speak:
        interaction.answer, interaction.answer_id = answer.text, uuid4()
        data = answer.as_event(interaction.answer_id, interaction.id)
        add_message(
            conversation,
            Message.Role.BOT,
            answer.text,
            group_id=decision.group_id,
            id=interaction.answer_id,
            answer=data,
        )
        conversation.dialogue = answer.dialogue
        events.emit(conversation, "answer", data, "dialogue")
        if answer.handoff:
            mark_waiting(conversation)
    interaction.save(force_insert=True)
    return _open_turns(group_id, conversation_id).exists()


def mark_waiting(conversation: Conversation) -> None:
    """Somebody is wanted; says so once. The conversation's row must be locked."""
    if conversation.owner == Conversation.Owner.PERSON or conversation.waiting_since:
        return
    conversation.waiting_since = timezone.now()
    conversation.resolved_at = None
    conversation.save(update_fields=["waiting_since", "resolved_at"])
    events.emit(conversation, "status", {"owner": "bot", "waiting": True})


def give_up_turn(group_id: UUID, conversation_id: UUID, turn: ClaimedTurn) -> None:
    """End a turn that failed too often: the customer is told, and a person is asked for."""
    conversation = locked(group_id, conversation_id)
    ended = Turn.objects.filter(group_id=group_id, id=turn.id, lease=turn.lease, state=Turn.State.RUNNING)
    if ended.update(state=Turn.State.DONE, lease_until=None):
        if conversation.owner == Conversation.Owner.BOT:
            events.emit(conversation, "error", FAILED)
        mark_waiting(conversation)


def release_lease(group_id: UUID, turn: ClaimedTurn) -> None:
    """Let a failed turn be tried again a little later, by whoever comes first."""
    Turn.objects.filter(group_id=group_id, id=turn.id, lease=turn.lease).update(lease_until=timezone.now())


def left_to(group_id: UUID, conversation_id: UUID, message_id: UUID) -> str | None:
    """Who owns the conversation now, when the bot kept silent for a person; None when it failed to answer."""
    owner: str = Conversation.objects.values_list("owner", flat=True).get(group_id=group_id, id=conversation_id)
    # A turn that failed leaves no interaction; one that was silenced does, though the person may be gone again.
    silenced = Interaction.objects.filter(conversation_group_id=group_id, question_id=message_id, answer_id=None)
    return owner if owner == Conversation.Owner.PERSON or silenced.exists() else None


def answer_to(group_id: UUID, message_id: UUID) -> tuple[bool, dict[str, Any] | None]:
    """Whether the turn of a question has ended, and the answer that was said, if any."""
    turn = Turn.objects.filter(group_id=group_id, message_id=message_id).first()
    if turn is None or turn.state != Turn.State.DONE:
        return turn is None, None
    interaction = Interaction.objects.filter(conversation_group_id=group_id, question_id=message_id)
    said = Message.objects.filter(conversation_group_id=group_id, id__in=interaction.values("answer_id"))
    return True, said.values_list("answer", flat=True).first()


def tokens_of(group_id: UUID, message_id: UUID) -> tuple[int, int]:
    """How many tokens the models have read and written to answer a question."""
    interaction = Interaction.objects.filter(conversation_group_id=group_id, question_id=message_id).first()
    generations = interaction.generations if interaction else []
    read, written = (sum(each.get(name, 0) for each in generations) for name in ("prompt_tokens", "completion_tokens"))
    return read, written


def history(group_id: UUID, conversation_id: UUID) -> list[Message]:
    """What was said, without what a customer who has signed out leaves behind."""
    conversation = Conversation.objects.get(group_id=group_id, id=conversation_id)
    said = Message.objects.filter(conversation_group_id=group_id, conversation_id=conversation_id)
    return list(said.filter(seq__gte=conversation.shown_from).order_by("seq")[:1000])


def save_feedback(message_id: UUID, helpful: bool, comment: str) -> None:
    check_text(comment=comment)
    if len(comment) > 2000:
        raise ValidationError({"comment": "At most 2,000 characters."})
    message = Message.objects.get(id=message_id)
    if message.role != Message.Role.BOT:
        raise ValidationError({"message": "Only the bot's answers take feedback."})
    message.helpful, message.feedback_comment = helpful, comment
    message.save(update_fields=["helpful", "feedback_comment"])
