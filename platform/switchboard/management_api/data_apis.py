"""/api/v1/data-apis and /api/v1/actions: a tenant's live APIs, and what the bot may call of them."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers

from knowledge import data_apis
from knowledge.models import Action, DataApi
from switchboard.management_api.fields import BotField, JsonObjects, StrictModel, as_uuid
from switchboard.management_api.scoped import ByBot, EditableViewSet


class DataApiSerializer(StrictModel):
    bot = BotField(source="group")
    allowed_hosts = serializers.ListField(
        child=serializers.CharField(max_length=253),
        required=False,
        max_length=50,
        help_text="Hosts that calls may go to; empty means the base URL's host.",
    )
    auth_secret = serializers.CharField(
        max_length=2000,
        write_only=True,
        required=False,
        allow_blank=True,
        trim_whitespace=False,
        help_text="The token, header value, or `user:password`. Never shown.",
    )
    has_secret = serializers.SerializerMethodField()

    class Meta:
        model = DataApi
        fields = [
            "id", "bot", "name", "base_url", "allowed_hosts", "auth_type", "auth_name", "auth_secret", "has_secret",
            "timeout_s",
        ]  # fmt: skip
        read_only_fields = ["id"]
        validators: list[Any] = []

    def get_has_secret(self, api: DataApi) -> bool:
        return bool(api.auth_secret)

    def create(self, values: dict[str, Any]) -> DataApi:
        return data_apis.save_data_api(DataApi(**values))

    def update(self, api: DataApi, values: dict[str, Any]) -> DataApi:
        for name, value in values.items():
            setattr(api, name, value)
        return data_apis.save_data_api(api)


@extend_schema_field(OpenApiTypes.UUID)
class DataApiField(serializers.Field):
    """A data API of the tenant, by its ID."""

    default_error_messages = {"unknown": "You have no data API with the ID “{wanted}”."}

    def to_representation(self, api: DataApi) -> str:
        return str(api.id)

    def to_internal_value(self, value: Any) -> DataApi:
        number = as_uuid(str(value))
        api = DataApi.objects.select_related("group").filter(id=number).first() if number else None
        if api is None:
            self.fail("unknown", wanted=str(value)[:100])
        return api


class ActionSerializer(StrictModel):
    bot = BotField(source="group", read_only=True)
    data_api = DataApiField(help_text="The ID of the data API that it is an operation of.")
    parameters = JsonObjects(
        required=False,
        help_text="Each `{name, in, type, required, description, prompt, choices?}`; `in`: path, query, body, header.",
    )
    examples = serializers.ListField(
        child=serializers.CharField(max_length=500),
        required=False,
        max_length=200,
        help_text="Questions that it answers: the bot learns from them when to call it.",
    )
    answer = serializers.CharField(max_length=8000, help_text="Jinja2 over `response` and `arguments`.")
    description = serializers.CharField(
        max_length=2000, required=False, allow_blank=True, help_text="What it tells, in a sentence."
    )

    class Meta:
        model = Action
        fields = [
            "id", "bot", "data_api", "name", "title", "description", "method", "path", "parameters", "examples",
            "answer", "requires_verified", "enabled", "revision", "indexed_revision", "updated_at",
        ]  # fmt: skip
        read_only_fields = ["id", "revision", "indexed_revision", "updated_at"]
        validators: list[Any] = []

    def create(self, values: dict[str, Any]) -> Action:
        return data_apis.save_action(Action(group=values["data_api"].group, **values))

    def update(self, action: Action, values: dict[str, Any]) -> Action:
        for name, value in values.items():
            setattr(action, name, value)
        return data_apis.save_action(action)


API_EXAMPLE = OpenApiExample(
    "A data API",
    {
        "bot": "harbor-shop",
        "name": "Shop API",
        "base_url": "https://shop.example/api",
        "auth_type": "bearer",
        "auth_secret": "the token that your API expects",
    },
    request_only=True,
)
ACTION_EXAMPLE = OpenApiExample(
    "An action",
    {
        "data_api": "6f1c2f0e-0d0b-4a55-9f59-2f8d5c9a7f10",
        "name": "order_status",
        "title": "Where is my order?",
        "method": "GET",
        "path": "/orders/{number}",
        "parameters": [
            {"name": "number", "in": "path", "type": "string", "required": True, "prompt": "Which order?"},
        ],
        "examples": ["Where is my parcel?", "Has order 1042 been sent?"],
        "answer": "Order {{ arguments.number }} is {{ response.status }}.",
        "requires_verified": True,
    },
    request_only=True,
)


@extend_schema(tags=["Data APIs"])
@extend_schema_view(
    list=extend_schema(summary="List data APIs", parameters=[ByBot]),
    create=extend_schema(summary="Add a data API", examples=[API_EXAMPLE]),
    retrieve=extend_schema(summary="One data API"),
    partial_update=extend_schema(summary="Change a data API"),
    destroy=extend_schema(summary="Delete a data API with its actions"),
)
class DataApiViewSet(EditableViewSet):
    """Your live HTTP APIs, that answers with live or personal data come from."""

    noun = "data API"
    serializer_class = DataApiSerializer

    def get_queryset(self) -> QuerySet[DataApi]:
        return DataApi.objects.select_related("group").order_by("name", "id")

    def perform_destroy(self, api: DataApi) -> None:
        data_apis.delete_data_api(api)


@extend_schema(tags=["Data APIs"])
@extend_schema_view(
    list=extend_schema(summary="List actions", parameters=[ByBot]),
    create=extend_schema(summary="Add an action", examples=[ACTION_EXAMPLE]),
    retrieve=extend_schema(summary="One action"),
    partial_update=extend_schema(summary="Change an action"),
    destroy=extend_schema(summary="Delete an action"),
)
class ActionViewSet(EditableViewSet):
    """Operations of a data API that the bot may call."""

    noun = "action"
    serializer_class = ActionSerializer

    def get_queryset(self) -> QuerySet[Action]:
        return Action.objects.select_related("group", "data_api").order_by("name", "id")

    def perform_destroy(self, action: Action) -> None:
        data_apis.delete_action(action)
