"""Everything a turn needs from the database, read in one short transaction before it starts to think."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from chat import store
from chat.exchange import Asker, CustomerIdentity
from chat.models import Conversation, Interaction, Message
from chat.store import ClaimedTurn
from chat.tuning import live
from chat.voice import Voice
from knowledge import snapshot
from knowledge.snapshot import Snapshot
from knowledge.spaces import InUse, answering
from tenants.models import Bot
from tenants.playbook import Playbook
from tenants.scope import Scope, current

REMEMBERED_TURNS = 4
QUICKLY_READ_S = 1.0
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class TurnContext:
    """`snapshots` are those of the bot itself, or of the bots that it fronts. `previous` pairs what was asked, as
    understood, with the title of what was cited, newest last; `exchanges` what the customer said and was answered.
    `playbooks` are those of the bots that answer, by their group, and `adapters` the models of those that have one of
    their own."""

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
    playbooks: Mapping[UUID, Playbook] = field(default_factory=dict)
    adapters: Mapping[UUID, str] = field(default_factory=dict)
    voice: Voice = field(default_factory=Voice)

    def versions(self) -> dict[str, Any]:
        """The versions of index, space and adapter that decided, as the Interaction keeps them."""
        adapters = {each.key: self.adapters[each.group_id] for each in self.snapshots if each.group_id in self.adapters}
        return {
            "space": self.space.key,
            "knowledge": {each.key: each.version for each in self.snapshots},
            **({"adapter": adapters} if adapters else {}),
        }


def begin(group_id: UUID, conversation_id: UUID) -> "tuple[ClaimedTurn, TurnContext] | None":
    """Claim the conversation's oldest open turn and read what it needs, in one transaction. Needs its scope."""
    rows = Conversation.objects.select_for_update(of=("self",)).select_related("customer", "group")
    conversation = rows.get(group_id=group_id, id=conversation_id)
    turn = store.claim_locked(conversation)
    if turn is None:
        return None
    began = time.monotonic()
    loaded = _context(conversation, turn)
    if time.monotonic() - began > QUICKLY_READ_S:
        # The first question after a change reads all that a bot knows: its lease counts from the end of that.
        store.renew_lease(group_id, turn)
    return turn, loaded


def load_context(group_id: UUID, conversation_id: UUID, turn: ClaimedTurn) -> TurnContext:
    """What a claimed turn needs. Needs the conversation's scope."""
    rows = Conversation.objects.select_related("customer", "group")
    return _context(rows.get(group_id=group_id, id=conversation_id), turn)


def _context(conversation: Conversation, turn: ClaimedTurn) -> TurnContext:
    bot, customer, scope = conversation.group, conversation.customer, current()
    assert scope is not None  # in_database has set it
    behind = _behind(bot, scope)
    space = answering([bot.id, *(each.id for each in behind)])
    previous, exchanges = _past(conversation, turn)
    return TurnContext(
        turn=turn,
        asker=Asker(
            conversation.id,
            conversation.group_id,
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
        playbooks={each.id: each.playbook for each in behind or [bot]},
        adapters=live.adapters_of(behind or [bot]),
    )


def _behind(bot: Bot, scope: Scope) -> list[Bot]:
    """The bots that it fronts; a bot's scope contains them, so there are none where it holds the bot alone."""
    if scope.groups == {bot.id}:
        return []
    return list(Bot.objects.filter(fronted_by=bot, tenant_id=bot.tenant_id).order_by("key"))


def _past(conversation: Conversation, turn: ClaimedTurn) -> tuple[Pairs, Pairs]:
    """(question as understood, title of what was cited) and (question, answer) of the last turns, newest last."""
    if turn.seq == 1:
        return (), ()
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
