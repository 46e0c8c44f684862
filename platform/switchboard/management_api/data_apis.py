"""/api/v1/data-apis and /api/v1/actions: a tenant's live APIs, and what the bot may call of them."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from knowledge import data_apis, openapi
from knowledge.models import Action, DataApi, Document
from switchboard.management_api.fields import BotField, JsonObject, JsonObjects, StrictModel, as_uuid
from switchboard.management_api.openapi_import import DescribedSerializer, ImportSerializer, SourceSerializer, described
from switchboard.management_api.scoped import ByBot, EditableViewSet, key_of
from tenants.scope import within


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
            "token_url", "client_id", "token_scope", "token_audience", "honours_keys", "timeout_s",
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


@extend_schema_field(OpenApiTypes.UUID)
class OwnField(serializers.Field):
    """Something else of the tenant's, by its ID."""

    default_error_messages = {"unknown": "You have no {noun} with the ID “{wanted}”."}

    def __init__(self, model: type[Action] | type[Document], **kwargs: Any) -> None:
        self.model = model
        super().__init__(**kwargs)

    def to_representation(self, row: Any) -> str:
        return str(row.id)

    def to_internal_value(self, value: Any) -> Any:
        number = as_uuid(str(value))
        row = self.model.objects.filter(id=number).first() if number else None
        if row is None:
            self.fail("unknown", noun=self.model._meta.verbose_name, wanted=str(value)[:100])
        return row


class ActionSerializer(StrictModel):
    bot = BotField(source="group", read_only=True)
    data_api = DataApiField(help_text="The ID of the data API that it is an operation of.")
    parameters = JsonObjects(
        required=False,
        help_text="Each `{name, in, type, required, description, prompt, …}`; `in`: path, query, body, header. What "
        "the customer may say: `choices` (`[{value, label, synonyms?}]`), or `choices_from`: `{action, items, value?, "
        "label?, words?, arguments?}`, the action of this bot that lists them: `items` is the JSON path of its list, "
        "`value` that of the value within an item, `label` a template over `item`; `arguments` say which parameter of "
        "this action fills which of that one, so that choices depend on earlier ones. Or `pattern`, `format` (email, "
        "phone, time), `minimum`, `maximum`. From elsewhere: `source` or `fallback` (`customer.sub`, "
        "`customer.claims.NAME`, `result.NAME`) or a constant `value`.",
    )
    examples = serializers.ListField(
        child=serializers.CharField(max_length=500),
        required=False,
        max_length=200,
        help_text="Questions that it answers: the bot learns from them when to call it.",
    )
    answer = serializers.CharField(max_length=8000, help_text="Jinja2 over `response`, `results` and `arguments`.")
    results = JsonObject(required=False, help_text='Named values by JSON path: `{"order_id": "$.order"}`.')
    confirmation = serializers.CharField(
        max_length=4000,
        required=False,
        allow_blank=True,
        help_text="What the customer confirms before a change: Jinja2 over `arguments`. Empty: every value.",
    )
    status_action = OwnField(
        Action, required=False, allow_null=True, help_text="A reading action that tells whether this one was done."
    )
    policies = serializers.ListField(
        child=OwnField(Document), required=False, max_length=20, help_text="IDs of documents with rules that govern it."
    )
    description = serializers.CharField(
        max_length=2000, required=False, allow_blank=True, help_text="What it tells, in a sentence."
    )

    class Meta:
        model = Action
        fields = [
            "id", "bot", "data_api", "name", "title", "description", "method", "path", "parameters", "examples",
            "answer", "only_reads", "results", "confirmation", "requires_verified", "needs_approval",
            "amount_parameter", "most_amount", "approve_above", "most_per_day", "status_action", "status_answer",
            "policies", "enabled", "revision", "indexed_revision", "updated_at",
        ]  # fmt: skip
        read_only_fields = ["id", "revision", "indexed_revision", "updated_at"]
        validators: list[Any] = []

    def to_representation(self, action: Action) -> dict[str, Any]:
        policies = [each.document for each in action.policies.select_related("document").order_by("document__title")]
        shown: dict[str, Any] = super().to_representation(_WithPolicies(action, policies))
        return shown

    def create(self, values: dict[str, Any]) -> Action:
        policies = values.pop("policies", ())
        action = data_apis.save_action(Action(group=values["data_api"].group, **values))
        data_apis.set_policies(action, policies)
        return action

    def update(self, action: Action, values: dict[str, Any]) -> Action:
        policies = values.pop("policies", None)
        for name, value in values.items():
            setattr(action, name, value)
        data_apis.save_action(action)
        if policies is not None:
            data_apis.set_policies(action, policies)
        return action


class _WithPolicies:
    """An action as it is shown, with its policies as the documents that they are."""

    def __init__(self, action: Action, policies: list[Document]) -> None:
        self.action, self.policies = action, policies

    def __getattr__(self, name: str) -> Any:
        return getattr(self.action, name)


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

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if self.action in ("operations", "import_operations"):
            with within(key_of(request).scope):
                self.get_object()
        # The document may have to be fetched, which no transaction waits for.
        if self.action == "operations":
            self.described, _ = described(request, SourceSerializer)
        elif self.action == "import_operations":
            self.described, self.picked = described(request, ImportSerializer)

    @extend_schema(
        summary="Read an OpenAPI document", request=SourceSerializer, responses=DescribedSerializer, filters=False
    )
    @action(detail=True, methods=["post"])
    def operations(self, request: Request, pk: str) -> Response:
        """The operations of an OpenAPI 3 document, as actions could call them. Nothing is stored."""
        self.get_object()
        return Response(DescribedSerializer(self.described).data)

    @extend_schema(
        summary="Import actions from an OpenAPI document",
        request=ImportSerializer,
        responses={201: ActionSerializer(many=True)},
        filters=False,
    )
    @action(detail=True, methods=["post"], url_path="import")
    def import_operations(self, request: Request, pk: str) -> Response:
        """Make actions of the picked operations; one that has the name already is brought up to date."""
        made = openapi.import_actions(self.get_object(), self.described, self.picked)
        return Response(ActionSerializer(made, many=True).data, status=201)


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
