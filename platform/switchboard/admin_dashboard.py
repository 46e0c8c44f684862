"""The overview: what the bots did in the last week, what they could not answer, and what to do next."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Count, F, Max, Q
from django.db.models.functions import Lower
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from chat.inbox.lists import waiting_count
from chat.models import Conversation, Interaction
from knowledge.models import Document, Faq
from tenants.models import Bot
from tenants.roles import access

DAYS = 7
ANSWERED = ("faq", "document", "dynamic")


@dataclass(frozen=True)
class BotWeek:
    """What one bot did in the last week, and what it knows."""

    bot: Bot
    is_front: bool
    conversations: int
    answered: int
    unknown: int
    handed_over: int
    faqs: int
    documents: int

    @property
    def asked(self) -> int:
        return self.answered + self.unknown + self.handed_over

    @property
    def answered_percent(self) -> int:
        return round(100 * self.answered / self.asked) if self.asked else 0


@dataclass(frozen=True)
class Unanswered:
    """A question that a bot did not know, and how often it was asked."""

    question: str
    bot: str
    times: int
    answer_link: str


@dataclass(frozen=True)
class NextStep:
    icon: str
    title: str
    text: str
    link: str


def context(request: HttpRequest) -> dict[str, Any]:
    at_work = access(request)
    if at_work is None:
        return {}
    weeks = _weeks()
    waiting, failed = waiting_count(), Document.objects.filter(state=Document.State.FAILED).count()
    totals = {
        "conversations": Conversation.objects.filter(created_at__gte=timezone.now() - timedelta(days=DAYS)).count(),
        "answered": sum(week.answered for week in weeks),
        "unknown": sum(week.unknown for week in weeks),
        "handed_over": sum(week.handed_over for week in weeks),
        "waiting": waiting,
        "failed": failed,
    }
    return {
        "weeks": weeks,
        "totals": totals,
        "unanswered": _unanswered(),
        "next_steps": _next_steps(weeks, waiting, failed),
        "may_teach": at_work.changes("knowledge"),
        "days": DAYS,
    }


def _weeks() -> list[BotWeek]:
    since = timezone.now() - timedelta(days=DAYS)
    opened = _counts(Conversation.objects.filter(created_at__gte=since))
    interactions = Interaction.objects.filter(created_at__gte=since)
    put_through = _counts(interactions.exclude(conversation_group=F("group")), "conversation_id")
    conversations = {id: opened.get(id, 0) + put_through.get(id, 0) for id in {*opened, *put_through}}
    # An answer that also asks for a person counts as handed over, not twice.
    handed_over = _counts(interactions.filter(Q(handoff=True) | Q(route="human")))
    alone = interactions.filter(handoff=False)
    answered, unknown = _counts(alone.filter(route__in=ANSWERED)), _counts(alone.filter(route="unknown"))
    faqs, documents = _counts(Faq.objects.filter(enabled=True)), _counts(Document.objects.all())
    by_bot = (conversations, answered, unknown, handed_over, faqs, documents)
    bots = list(Bot.objects.order_by("name"))
    fronts = {bot.fronted_by_id for bot in bots}
    return [BotWeek(bot, bot.id in fronts, *(counts.get(bot.id, 0) for counts in by_bot)) for bot in bots]


def _counts(rows: Any, what: str = "id") -> dict[UUID, int]:
    return dict(rows.order_by().values_list("group").annotate(n=Count(what, distinct=True)))


def _unanswered() -> list[Unanswered]:
    since = timezone.now() - timedelta(days=DAYS)
    rows = (
        Interaction.objects.filter(created_at__gte=since, route="unknown")
        .order_by()
        .values("group", "group__name", same=Lower("question"))
        .annotate(times=Count("id"), question=Max("question"), last=Max("created_at"))
        .order_by("-times", "-last")[:6]
    )
    return [
        Unanswered(row["question"], row["group__name"], row["times"], _answer_link(row["group"], row["question"]))
        for row in rows
    ]


def _answer_link(group_id: UUID, question: str) -> str:
    return f"{reverse('admin:knowledge_faq_add')}?{urlencode({'group': group_id, 'question': question[:1000]})}"


def _next_steps(weeks: list[BotWeek], waiting: int, failed: int) -> list[NextStep]:
    steps = []
    if waiting:
        who = "One customer is" if waiting == 1 else f"{waiting} customers are"
        steps.append(NextStep("inbox", "Answer in the inbox", f"{who} waiting for a person.", reverse("admin:inbox")))
    if failed:
        what = "One document" if failed == 1 else f"{failed} documents"
        link = reverse("admin:knowledge_document_changelist") + "?state__exact=failed"
        steps.append(NextStep("error", "Look at failed documents", f"{what} could not be read.", link))
    if not weeks:
        text = "A bot answers for one business line."
        steps.append(NextStep("smart_toy", "Create your first bot", text, reverse("admin:tenants_bot_add")))
    for week in weeks:
        if not week.faqs and not week.documents and not week.is_front:
            text = f"{week.bot.name} knows nothing yet: add FAQs or a document."
            link = f"{reverse('admin:knowledge_document_add')}?group={week.bot.id}"
            steps.append(NextStep("school", f"Teach {week.bot.name}", text, link))
    if weeks and not any(week.conversations for week in weeks):
        own_widget = next((week.bot for week in weeks if not week.bot.fronted_by_id), weeks[0].bot)
        text = "No conversation in the last week. One line of HTML brings the widget to your website."
        link = reverse("admin:tenants_bot_change", args=[own_widget.id])
        steps.append(NextStep("code", "Put the widget on your site", text, link))
    return steps[:5]
