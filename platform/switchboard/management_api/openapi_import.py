"""From an OpenAPI document, sent or fetched, to its operations and to the actions that are picked from them."""

from typing import Any

from asgiref.sync import async_to_sync
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from knowledge import openapi
from knowledge.openapi import Described, OpenApiError
from switchboard.management_api.fields import JsonObject, JsonObjects, Strict
from switchboard.management_api.scoped import key_of


@extend_schema_field(OpenApiTypes.OBJECT)
class DocumentField(serializers.Field):
    """An OpenAPI document as an object, or as the text of a JSON or YAML file."""

    default_error_messages = {"kind": "Give an object, or the text of a JSON or YAML file."}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict | str):
            self.fail("kind")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class SourceSerializer(Strict):
    url = serializers.URLField(required=False, max_length=1000, help_text="Where the document can be fetched.")
    document = DocumentField(required=False, help_text="The document itself: an object, or the text of a file.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("url" in attrs) == ("document" in attrs):
            raise ValidationError({"document": "Send either the document or its url."})
        return attrs


class ImportSerializer(SourceSerializer):
    pick = JsonObjects(
        help_text="Each `{operation, name?, title?, description?, answer?, examples?, parameters?, …}`; `operation` is "
        "a key such as `GET /orders/{id}`; `parameters` changes those of that name, for example "
        '`{"user_id": {"source": "customer.sub"}}`.'
    )


class OperationSerializer(serializers.Serializer):
    key = serializers.CharField()
    name = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    method = serializers.CharField()
    path = serializers.CharField()
    parameters = JsonObjects()
    results = JsonObject()
    answer = serializers.CharField()
    problem = serializers.CharField(help_text="Why it cannot be an action; empty if it can.")


class DescribedSerializer(serializers.Serializer):
    title = serializers.CharField()
    base_url = serializers.CharField()
    operations = OperationSerializer(many=True)


def described(request: Request, serializer: type[SourceSerializer]) -> tuple[Described, list[dict[str, Any]]]:
    """What the document says, and what is picked from it. It may be fetched: hold no scope around this."""
    wanted = serializer(data=request.data)
    wanted.is_valid(raise_exception=True)
    url, given = wanted.validated_data.get("url", ""), wanted.validated_data.get("document")
    try:
        if url:
            given = async_to_sync(openapi.fetch)(url, str(key_of(request).key_id))
        content = given.encode() if isinstance(given, str) else given
        assert content is not None  # the serializer wants either
        found = openapi.describe(openapi.read(content), url)
    except OpenApiError as problem:
        raise ValidationError({"url" if url and not given else "document": list(problem.problems)}) from problem
    return found, wanted.validated_data.get("pick", [])
