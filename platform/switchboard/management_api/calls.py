"""/api/v1/calls: the trail of everything that the bots have asked of, and done at, the data APIs."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request

from knowledge import trail
from knowledge.models import Call, CallRecord
from switchboard.management_api.fields import BotField
from switchboard.management_api.interactions import Instant
from switchboard.management_api.scoped import ByBot, ScopedViewSet


class CallRecordSerializer(serializers.ModelSerializer):
    bot = BotField(source="group", read_only=True)
    state = serializers.ChoiceField(Call.State.choices, help_text="The state that the call entered.")
    arguments = serializers.JSONField(help_text="What was, or was to be, sent; sensitive values are masked.")

    class Meta:
        model = CallRecord
        fields = [
            "id", "bot", "at", "call_id", "state", "action_name", "method", "conversation_id", "customer_subject",
            "arguments", "outcome", "status", "duration_ms", "approved_by", "made_by",
        ]  # fmt: skip


class CallFilter(ByBot):
    action = serializers.CharField(required=False, max_length=100, help_text="Only of the action with this name.")
    state = serializers.ChoiceField(Call.State.choices, required=False, help_text="Only where this state was entered.")
    customer = serializers.CharField(required=False, max_length=255, help_text="Only for this customer (the subject).")
    call = serializers.UUIDField(required=False, help_text="Only the steps of this call.")
    since = Instant(required=False, help_text="Only from this time on, such as `2026-05-01T00:00:00Z`.")
    until = Instant(required=False, help_text="Only before this time.")
    q = serializers.CharField(required=False, max_length=200, help_text="Only with this text somewhere.")


@extend_schema(tags=["Calls"])
@extend_schema_view(
    list=extend_schema(
        summary="List calls",
        parameters=[CallFilter],
        description="The latest first. A call that changes something has a line for each state that it has entered.",
    ),
    retrieve=extend_schema(summary="One line of the trail"),
)
class CallViewSet(ListModelMixin, RetrieveModelMixin, ScopedViewSet):
    """Who had which action run, with which arguments, and what came of it. Nobody can change this."""

    noun = "call"
    filters = CallFilter
    serializer_class = CallRecordSerializer

    def get_queryset(self) -> QuerySet[CallRecord]:
        return CallRecord.objects.select_related("group").order_by("-at", "id")

    def narrow(self, rows: QuerySet, wanted: dict[str, Any]) -> QuerySet:
        rows = super().narrow(rows, wanted)
        columns = {"action": "action_name", "state": "state", "customer": "customer_subject", "call": "call_id"}
        rows = rows.filter(**{column: wanted[name] for name, column in columns.items() if name in wanted})
        rows = trail.between(rows, wanted.get("since"), wanted.get("until"))
        return trail.matching(rows, wanted["q"]) if "q" in wanted else rows

    @extend_schema(
        summary="Export calls as CSV",
        parameters=[CallFilter],
        description=f"The newest {trail.MOST_EXPORTED:,} lines that match.",
        responses={(200, "text/csv"): OpenApiResponse(OpenApiTypes.STR)},
    )
    @action(detail=False, url_path="export", pagination_class=None)
    def export(self, request: Request) -> HttpResponse:
        """The same lines as a file."""
        found = trail.as_csv(self.filter_queryset(self.get_queryset()))
        headers = {"Content-Disposition": 'attachment; filename="calls.csv"'}
        return HttpResponse(found, content_type="text/csv; charset=utf-8", headers=headers)
