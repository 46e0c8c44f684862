"""Conversations and interactions in the web admin: to read, with the explanation of every answer."""

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import Truncator
from unfold.decorators import display

from chat.admin_records import RecordAdmin
from chat.admin_tuning import TuningRowAdmin, TuningRunAdmin
from chat.admin_versions import AdapterVersionAdmin
from chat.inbox.transcript import explain, transcript
from chat.models import Conversation, Interaction, Message
from tenants.admin_base import count_of

__all__ = ["AdapterVersionAdmin", "ConversationAdmin", "InteractionAdmin", "TuningRowAdmin", "TuningRunAdmin"]

STATES = {"Waiting": "warning", "With a person": "primary", "Bot": "info", "Resolved": "success"}
STATE_NAMES = {"waiting": "Waiting", "person": "With a person", "bot": "Bot", "resolved": "Resolved"}
ROUTES = {
    "FAQ": "primary",
    "Document": "info",
    "Live data": "success",
    "Person": "warning",
    "Not known": "danger",
}
ROUTE_NAMES = {"faq": "FAQ", "document": "Document", "dynamic": "Live data", "human": "Person", "unknown": "Not known"}


class ConversationState(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(STATE_NAMES.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        unresolved = Q(resolved_at__isnull=True)
        person, waiting = Q(owner=Conversation.Owner.PERSON), Q(waiting_since__isnull=False)
        states = {
            "resolved": ~unresolved,
            "person": unresolved & person,
            "waiting": unresolved & ~person & waiting,
            "bot": unresolved & ~person & ~waiting,
        }
        return queryset.filter(states.get(self.value() or "", Q()))


class RouteFilter(admin.SimpleListFilter):
    title = "route"
    parameter_name = "route"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(ROUTE_NAMES.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(route=self.value()) if self.value() else queryset


@admin.register(Conversation)
class ConversationAdmin(RecordAdmin):
    page_template = "admin/chat/conversation/transcript.html"
    page_title = "Conversation"
    list_display = ("opening", "group", "who", "state_label", "how_many", "updated_at")
    list_filter = (ConversationState, ("group", admin.RelatedOnlyFieldListFilter))
    search_fields = ("messages__text", "customer__name", "customer__email", "customer__subject")
    search_help_text = "Search what was said, or the customer"
    list_select_related = ("group", "customer")

    @display(description="Started with")
    def opening(self, conversation: Any) -> str:
        return Truncator(conversation.first_text or "Nothing was asked").chars(80)

    @display(description="Customer", empty_value="Anonymous visitor")
    def who(self, conversation: Conversation) -> str | None:
        return str(conversation.customer) if conversation.customer else None

    @display(description="State", label=STATES)
    def state_label(self, conversation: Conversation) -> str:
        return STATE_NAMES[conversation.state]

    @display(description="Messages")
    def how_many(self, conversation: Any) -> int:
        return int(conversation.message_count)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        messages = Message.objects.filter(conversation_group=OuterRef("group"), conversation=OuterRef("pk"))
        first = messages.filter(role=Message.Role.CUSTOMER).order_by("seq").values("text")[:1]
        return super().get_queryset(request).annotate(message_count=count_of(messages), first_text=Subquery(first))

    def page_context(self, record: Any) -> dict[str, Any]:
        return {"conversation": record, "bubbles": transcript(record)}


@admin.register(Interaction)
class InteractionAdmin(RecordAdmin):
    page_template = "admin/chat/interaction/detail.html"
    page_title = "Answer explained"
    list_display = ("asked", "route_label", "confidence_percent", "group", "took", "created_at")
    list_filter = (RouteFilter, ("group", admin.RelatedOnlyFieldListFilter), "handoff")
    search_fields = ("question", "answer", "reason")
    search_help_text = "Search questions, answers and reasons"
    list_select_related = ("group",)

    @display(description="Question")
    def asked(self, interaction: Interaction) -> str:
        return Truncator(interaction.question).chars(90)

    @display(description="Route", ordering="route", label=ROUTES)
    def route_label(self, interaction: Interaction) -> str:
        return ROUTE_NAMES.get(interaction.route, interaction.route)

    @display(description="Confidence", ordering="confidence")
    def confidence_percent(self, interaction: Interaction) -> str:
        return f"{100 * interaction.confidence:.0f}%"

    @display(description="Took")
    def took(self, interaction: Interaction) -> str:
        return f"{explain(interaction).total_ms:,.0f} ms"

    def page_context(self, record: Any) -> dict[str, Any]:
        return {"explanation": explain(record), "conversation_link": _link(record)}


def _link(interaction: Interaction) -> str:
    return reverse("admin:chat_conversation_change", args=[interaction.conversation_id])
