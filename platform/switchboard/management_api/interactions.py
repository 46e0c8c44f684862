"""/api/v1/interactions: every question with its route, why, and everything that explains the answer."""

import re
from typing import Any

from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin

from chat.models import Interaction
from switchboard.management_api.fields import BotField
from switchboard.management_api.scoped import ByBot, ScopedViewSet

ROUTES = ["faq", "document", "dynamic", "human", "unknown"]


class InteractionSerializer(serializers.ModelSerializer):
    bot = BotField(source="group", read_only=True, help_text="The bot that answered; a front puts questions through.")
    conversation_id = serializers.UUIDField(read_only=True)
    route = serializers.ChoiceField(ROUTES)
    confidence = serializers.FloatField(help_text="Between 0 and 1.")
    reason = serializers.CharField(help_text="Why this route, in words.")
    retrieved = serializers.JSONField(help_text="The sources as they were then.")
    calls = serializers.JSONField(help_text="The actions that were run, with their outcome.")
    versions = serializers.JSONField(help_text="Of index, router and adapter.")

    class Meta:
        model = Interaction
        fields = [
            "id", "bot", "conversation_id", "question", "question_id", "understood", "answer", "answer_id", "route",
            "confidence", "reason", "retrieved", "calls", "versions", "steps", "handoff", "created_at",
        ]  # fmt: skip


class Instant(serializers.DateTimeField):
    """A time in an address, where a plus sign that was not escaped has become a space."""

    def to_internal_value(self, value: Any) -> Any:
        return super().to_internal_value(re.sub(r"(T.*) (\d\d:?\d\d)\Z", r"\1+\2", str(value)))


class InteractionFilter(ByBot):
    route = serializers.ChoiceField(ROUTES, required=False, help_text="Only those that took this route.")
    since = Instant(required=False, help_text="Only from this time on, such as `2026-05-01T00:00:00Z`.")


@extend_schema(tags=["Interactions"])
@extend_schema_view(
    list=extend_schema(
        summary="List interactions",
        parameters=[InteractionFilter],
        description="The latest first. A bot's are those that it answered, and those that were asked in its widget.",
    ),
    retrieve=extend_schema(summary="One interaction"),
)
class InteractionViewSet(ListModelMixin, RetrieveModelMixin, ScopedViewSet):
    """One customer message each, with the answer and its explanation."""

    noun = "interaction"
    filters = InteractionFilter
    serializer_class = InteractionSerializer

    def get_queryset(self) -> QuerySet[Interaction]:
        return Interaction.objects.select_related("group").order_by("-created_at", "id")

    def narrow(self, rows: QuerySet, wanted: dict[str, Any]) -> QuerySet:
        if "bot" in wanted:
            rows = rows.filter(Q(group=wanted["bot"]) | Q(conversation_group=wanted["bot"]))
        if "route" in wanted:
            rows = rows.filter(route=wanted["route"])
        return rows.filter(created_at__gte=wanted["since"]) if "since" in wanted else rows
