"""Handing a conversation to a person and back. Who owns it is a row with a version: every change counts it up, and a
bot's answer that was begun under another version is not sent."""

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils import timezone

from chat import events, store
from chat.models import Conversation, Message
from tenants.models import Member


class Conflict(Exception):
    """Somebody else owns the conversation; the message says who."""


def ask_for_person(group_id: UUID, conversation_id: UUID, reason: str = "") -> Conversation:
    """The customer wants a person: the conversation waits in the inbox, and the bot goes on helping meanwhile."""
    conversation = store.locked(group_id, conversation_id)
    store.mark_waiting(conversation)
    return conversation


def take(group_id: UUID, conversation_id: UUID, member: Member | None, author: str = "") -> Conversation:
    """A person takes over: from the commit on the bot is silent. Conflict when another person has it."""
    conversation = store.locked(group_id, conversation_id)
    _refuse_if_taken(conversation, member)
    if conversation.owner == Conversation.Owner.PERSON:
        return conversation
    name = _name(member, author)
    return _own(conversation, Conversation.Owner.PERSON, member, {"owner": "person", "name": name})


def reply(group_id: UUID, conversation_id: UUID, member: Member | None, text: str, author: str = "") -> Message:
    """Say something as a person; taking the conversation first where nobody has it."""
    text = text.strip()
    store.check_question(text)
    take(group_id, conversation_id, member, author)
    conversation = store.locked(group_id, conversation_id)
    name = _name(member, author)
    message = store.add_message(conversation, Message.Role.PERSON, text, author=name)
    events.emit(
        conversation,
        "message",
        {"id": str(message.id), "text": text, "name": name, "created_at": message.created_at.isoformat()},
    )
    return message


def release(group_id: UUID, conversation_id: UUID, member: Member | None) -> Conversation:
    """Give the conversation back to the bot."""
    conversation = store.locked(group_id, conversation_id)
    # The business itself, by its API key, may end any takeover; a colleague may not.
    if member:
        _refuse_if_taken(conversation, member)
    if conversation.owner == Conversation.Owner.BOT:
        return conversation
    return _own(conversation, Conversation.Owner.BOT, None, {"owner": "bot"})


def resolve(group_id: UUID, conversation_id: UUID, member: Member | None) -> Conversation:
    """Done: the bot owns it again, and it leaves the inbox until the customer writes once more."""
    conversation = store.locked(group_id, conversation_id)
    # The business itself, by its API key, may end any takeover; a colleague may not.
    if member:
        _refuse_if_taken(conversation, member)
    if conversation.resolved_at:
        return conversation
    conversation.resolved_at = timezone.now()
    conversation.save(update_fields=["resolved_at"])
    return _own(conversation, Conversation.Owner.BOT, None, {"owner": "bot", "resolved": True})


def _refuse_if_taken(conversation: Conversation, member: Member | None) -> None:
    if conversation.owner == Conversation.Owner.PERSON and conversation.assignee_id != (member.id if member else None):
        raise Conflict(f"{conversation.assignee or 'Somebody else'} has taken this conversation.")


def _own(
    conversation: Conversation, owner: Conversation.Owner, member: Member | None, status: dict[str, Any]
) -> Conversation:
    conversation.owner, conversation.assignee, conversation.waiting_since = owner, member, None
    if owner == Conversation.Owner.PERSON:
        conversation.resolved_at = None
    conversation.version += 1
    conversation.save(update_fields=["owner", "assignee", "waiting_since", "resolved_at", "version"])
    events.emit(conversation, "status", status | {"waiting": False})
    return conversation


def _name(member: Member | None, author: str) -> str:
    name = str(member) if member else author.strip()
    if not name:
        raise ValidationError({"member": "Say who takes the conversation."})
    return name[:200]
