"""Everything a turn needs from the database, read in one short transaction before it starts to think."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from chat.exchange import Asker, CustomerIdentity
from chat.models import Conversation, Interaction, Message
from chat.store import ClaimedTurn
from chat.voice import Voice
from knowledge import snapshot
from knowledge.snapshot import Snapshot
from knowledge.spaces import InUse, answering
from tenants.models import Bot
from tenants.scope import current

REMEMBERED_TURNS = 4
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class TurnContext:
    """`snapshots` are those of the bot itself, or of the bots that it fronts. `previous` pairs what was asked, as
    understood, with the title of what was cited, newest last; `exchanges` what the customer said and was answered."""

    turn: ClaimedTurn
    asker: Asker
    bot_name: str
    greeting: str
    snapshots: tuple[Snapshot, ...]
    space: InUse
    dialogue: dict[str, Any]
    previous: Pairs
    waiting: bool
    sign_in_methods: tuple[str, ...]
    identity_required: bool
    exchanges: Pairs = ()
    voice: Voice = field(default_factory=Voice)

    def versions(self) -> dict[str, Any]:
        """The versions of index and space that decided, as the Interaction keeps them."""
        return {"space": self.space.key, "knowledge": {each.key: each.version for each in self.snapshots}}


def load_context(group_id: UUID, conversation_id: UUID, turn: ClaimedTurn) -> TurnContext:
    """Needs the conversation's scope."""
    conversation = Conversation.objects.select_related("customer", "group").get(group_id=group_id, id=conversation_id)
    bot = conversation.group
    behind = list(Bot.objects.filter(fronted_by=bot, tenant_id=bot.tenant_id).order_by("key"))
    space = answering([bot.id, *(each.id for each in behind)])
    customer = conversation.customer
    scope = current()
    assert scope is not None  # in_database has set it
    previous, exchanges = _past(conversation, turn)
    return TurnContext(
        turn=turn,
        asker=Asker(
            conversation_id,
            group_id,
            scope,
            CustomerIdentity(
                customer.subject, customer.name, customer.email, customer.claims, customer.id, customer.locale
            )
            if customer
            else None,
            (customer.locale if customer else "") or next(iter(bot.languages), "en"),
        ),
        bot_name=bot.name,
        greeting=bot.greeting,
        snapshots=tuple(snapshot.of(each, space.key) for each in behind or [bot]),
        space=space,
        dialogue=conversation.dialogue,
        previous=previous,
        waiting=conversation.waiting_since is not None,
        sign_in_methods=tuple(bot.sign_in_methods),
        identity_required=bot.identity_required,
        exchanges=exchanges,
    )


def _past(conversation: Conversation, turn: ClaimedTurn) -> tuple[Pairs, Pairs]:
    """(question as understood, title of what was cited) and (question, answer) of the last turns, newest last."""
    here = {"conversation_group_id": conversation.group_id, "conversation_id": conversation.id}
    shown = Message.objects.filter(**here, seq__gte=conversation.shown_from)
    asked = Interaction.objects.filter(**here)
    if conversation.shown_from:
        asked = asked.filter(question_id__in=shown.filter(role=Message.Role.CUSTOMER).values("id"))
    recent = list(asked.order_by("-created_at")[:REMEMBERED_TURNS])[::-1]
    if recent:
        return (
            tuple((interaction.understood or interaction.question, _cited(interaction)) for interaction in recent),
            tuple((interaction.question, interaction.answer) for interaction in recent),
        )
    # A conversation that came with its past (see chat.api.completions) has no interactions of ours.
    newest = shown.exclude(id=turn.message_id).order_by("-seq")[: 4 * REMEMBERED_TURNS]
    said = list(newest)[::-1]
    texts = [message.text for message in said if message.role == Message.Role.CUSTOMER][-REMEMBERED_TURNS:]
    return tuple((text, "") for text in texts), _paired(said)


def _paired(said: Sequence[Message]) -> Pairs:
    """Each of the customer's messages with what the bot answered to it."""
    pairs: list[tuple[str, str]] = []
    for message in said:
        if message.role == Message.Role.CUSTOMER:
            pairs.append((message.text, ""))
        elif pairs and not pairs[-1][1]:
            pairs[-1] = (pairs[-1][0], message.text)
    return tuple(pairs[-REMEMBERED_TURNS:])


def _cited(interaction: Interaction) -> str:
    used = [entry for entry in interaction.retrieved if entry.get("used")]
    return str(used[0]["title"]) if used else ""
