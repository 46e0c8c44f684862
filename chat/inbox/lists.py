"""Which conversations want a person, who has taken which, and what was said last in them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal
from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone
from django.utils.timesince import timesince

from chat.models import Conversation, Message

Tab = Literal["waiting", "mine", "others"]
MOST_SHOWN = 100


@dataclass(frozen=True)
class Entry:
    """One line of the inbox."""

    id: UUID
    bot: str
    customer: str
    last_text: str
    last_role: str
    since: datetime
    assignee: str

    @property
    def ago(self) -> str:
        """How long it waits, or since when nothing was said."""
        return "just now" if timezone.now() - self.since < timedelta(minutes=1) else timesince(self.since)


@dataclass(frozen=True)
class Inbox:
    """One tab's conversations, and how many each tab has."""

    tab: Tab
    entries: tuple[Entry, ...]
    counts: dict[Tab, int]

    @property
    def seen(self) -> str:
        """Changes whenever what is shown does, how long each waits (in minutes) included."""
        shown = repr((self.tab, self.entries, self.counts, f"{timezone.now():%H:%M}"))
        return sha256(shown.encode("utf-8", "replace")).hexdigest()[:16]


def waiting_count() -> int:
    return _of_tab("waiting", None).count()


def inbox(tab: Tab, member_id: UUID) -> Inbox:
    """A tab of the inbox as this member sees it; who waits longest comes first."""
    tabs: tuple[Tab, ...] = ("waiting", "mine", "others")
    counts = {each: _of_tab(each, member_id).count() for each in tabs}
    entries = _with_last_message(_of_tab(tab, member_id))
    return Inbox(tab, tuple(_entry(each) for each in entries[:MOST_SHOWN]), counts)


def _of_tab(tab: Tab, member_id: UUID | None) -> QuerySet[Conversation]:
    if tab == "waiting":
        waiting = Conversation.objects.filter(waiting_since__isnull=False, owner=Conversation.Owner.BOT)
        return waiting.order_by("waiting_since")
    taken = Conversation.objects.filter(owner=Conversation.Owner.PERSON, resolved_at__isnull=True)
    taken = taken.order_by("-updated_at")
    return taken.filter(assignee=member_id) if tab == "mine" else taken.exclude(assignee=member_id)


def _with_last_message(conversations: QuerySet[Conversation]) -> QuerySet[Conversation]:
    # What the bot said last tells least: it is always that it asks for a person.
    last = (
        Message.objects.filter(conversation_group=OuterRef("group"), conversation=OuterRef("pk"))
        .exclude(role=Message.Role.BOT)
        .order_by("-seq")
    )
    return conversations.select_related("group", "customer", "assignee__user").annotate(
        last_text=Subquery(last.values("text")[:1]),
        last_role=Subquery(last.values("role")[:1]),
    )


def _entry(conversation: Conversation) -> Entry:
    row: dict[str, object] = vars(conversation)
    return Entry(
        id=conversation.id,
        bot=conversation.group.name,
        customer=str(conversation.customer) if conversation.customer else "Anonymous visitor",
        last_text=str(row.get("last_text") or ""),
        last_role=str(row.get("last_role") or ""),
        since=conversation.waiting_since or conversation.updated_at,
        assignee=str(conversation.assignee) if conversation.assignee else "",
    )
