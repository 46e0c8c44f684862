"""Everything a turn needs from the database, read in one short transaction before it starts to think."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chat.exchange import Asker, CustomerIdentity
from chat.models import Conversation, Interaction, Message
from chat.store import ClaimedTurn
from knowledge import snapshot
from knowledge.snapshot import Snapshot
from knowledge.spaces import InUse, answering
from tenants.models import Bot
from tenants.scope import current

REMEMBERED_TURNS = 4


@dataclass(frozen=True)
class TurnContext:
    """`snapshots` are those of the bot itself, or of the bots that it fronts. `previous` pairs what was asked, as
    understood, with the title of what was cited, newest last."""

    turn: ClaimedTurn
    asker: Asker
    bot_name: str
    greeting: str
    snapshots: tuple[Snapshot, ...]
    space: InUse
    dialogue: dict[str, Any]
    previous: tuple[tuple[str, str], ...]
    waiting: bool
    sign_in_methods: tuple[str, ...]
    identity_required: bool

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
    return TurnContext(
        turn=turn,
        asker=Asker(
            conversation_id,
            group_id,
            scope,
            CustomerIdentity(customer.subject, customer.name, customer.email, customer.claims) if customer else None,
        ),
        bot_name=bot.name,
        greeting=bot.greeting,
        snapshots=tuple(snapshot.of(each, space.key) for each in behind or [bot]),
        space=space,
        dialogue=conversation.dialogue,
        previous=_previous(conversation, turn),
        waiting=conversation.waiting_since is not None,
        sign_in_methods=tuple(bot.sign_in_methods),
        identity_required=bot.identity_required,
    )


def _previous(conversation: Conversation, turn: ClaimedTurn) -> tuple[tuple[str, str], ...]:
    here = {"conversation_group_id": conversation.group_id, "conversation_id": conversation.id}
    shown = Message.objects.filter(**here, role=Message.Role.CUSTOMER, seq__gte=conversation.shown_from)
    asked = Interaction.objects.filter(**here)
    if conversation.shown_from:
        asked = asked.filter(question_id__in=shown.values("id"))
    recent = list(asked.order_by("-created_at")[:REMEMBERED_TURNS])
    if recent:
        return tuple(
            (interaction.understood or interaction.question, _cited(interaction)) for interaction in reversed(recent)
        )
    # A conversation that came with its past (see chat.api.completions) has no interactions of ours.
    said = shown.exclude(id=turn.message_id).order_by("-seq")
    return tuple((message.text, "") for message in reversed(said[:REMEMBERED_TURNS]))


def _cited(interaction: Interaction) -> str:
    used = [entry for entry in interaction.retrieved if entry.get("used")]
    return str(used[0]["title"]) if used else ""
