"""One turn from the command line or a test set: the very path of a customer's message, without HTTP."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chat import identity, store, turn
from chat.exchange import Choice
from chat.models import Conversation, Interaction
from tenants import resolve
from tenants.database import in_database
from tenants.identity import VerifiedIdentity
from tenants.models import Bot
from tenants.resolve import ResolvedBot
from tenants.scope import Scope


class AskError(Exception):
    """A question that could not be put; the message says why."""


@dataclass(frozen=True)
class Asked:
    """`answer` is the `answer` event's data, None where none was given: `owner` tells whether a person owns the
    conversation. `retrieved` lists what was found, best first, as the Interaction keeps it."""

    conversation_id: UUID
    owner: str
    answer: dict[str, Any] | None
    retrieved: list[dict[str, Any]]
    milliseconds: float


async def ask(
    bot_key: str,
    text: str,
    *,
    token: str = "",
    conversation_id: UUID | None = None,
    choice: Choice | None = None,
) -> Asked:
    """Put one question to a bot, as a customer signed in by `token` if given, in a new conversation or a known one.

    Raises AskError, ValidationError (the text) and tenants.identity.IdentityError (the token).
    """
    bot = await in_database(resolve.bot, bot_key, scope=None)
    if bot is None:
        raise AskError(f"There is no bot with the key “{bot_key}”.")
    began = time.perf_counter()
    verified = (await identity.verify(bot.group_id, token, bot.scope))[0] if token else None
    opened = await in_database(_open, bot, conversation_id, verified, scope=bot.scope)
    saved = await in_database(store.save_question, bot.group_id, opened, text, choice, None, scope=bot.scope)
    await turn.work_off(bot.group_id, opened, bot.scope)
    answer, retrieved = await _outcome(bot.group_id, saved.message_id, bot.scope)
    return Asked(opened, saved.owner, answer, retrieved, (time.perf_counter() - began) * 1000)


def _open(bot: ResolvedBot, conversation_id: UUID | None, verified: VerifiedIdentity | None) -> UUID:
    if conversation_id is None:
        conversation_id = store.open_conversation(Bot.objects.get(id=bot.group_id))[0].id
    elif not Conversation.objects.filter(group_id=bot.group_id, id=conversation_id).exists():
        raise AskError(f"This bot has no conversation {conversation_id}.")
    if verified:
        # Whoever runs this has the database itself: the same token may be shown as often as they like.
        identity.sign_in(bot.group_id, conversation_id, verified)
    return conversation_id


async def _outcome(
    group_id: UUID, message_id: UUID, scope: Scope
) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    while True:
        done, answer = await in_database(store.answer_to, group_id, message_id, scope=scope)
        if done:
            break
        # Another process holds the turn.
        await asyncio.sleep(0.05)
    return answer, await in_database(_retrieved, group_id, message_id, scope=scope)


def _retrieved(group_id: UUID, message_id: UUID) -> list[dict[str, Any]]:
    found = Interaction.objects.filter(conversation_group_id=group_id, question_id=message_id).first()
    return found.retrieved if found else []
