"""/api/v1/faqs: vetted answers with their phrasings, and their import from a file."""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from knowledge import faqs
from knowledge.imports import import_faqs
from knowledge.models import Faq
from switchboard.management_api.fields import BotField, Strict, StrictModel
from switchboard.management_api.scoped import ByBot, EditableViewSet


class FaqSerializer(StrictModel):
    bot = BotField(source="group")
    question = serializers.CharField(max_length=1000)
    answer = serializers.CharField(max_length=8000, help_text="The vetted answer, given word for word.")
    alternates = serializers.ListField(
        child=serializers.CharField(max_length=1000),
        required=False,
        max_length=200,
        help_text="Other ways in which customers ask this.",
    )

    class Meta:
        model = Faq
        fields = [
            "id", "bot", "external_id", "question", "alternates", "answer", "category", "language", "enabled",
            "revision", "indexed_revision", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = ["id", "revision", "indexed_revision", "created_at", "updated_at"]
        validators: list[Any] = []

    def to_representation(self, faq: Faq) -> dict[str, Any]:
        faq.alternates = [phrasing.text for phrasing in faq.phrasings.all()]  # type: ignore[attr-defined]
        shown: dict[str, Any] = super().to_representation(faq)
        return shown

    def create(self, values: dict[str, Any]) -> Faq:
        phrasings = values.pop("alternates", [])
        return faqs.save_faq(Faq(**values), phrasings)

    def update(self, faq: Faq, values: dict[str, Any]) -> Faq:
        kept = [phrasing.text for phrasing in faq.phrasings.all()]
        phrasings = values.pop("alternates", kept)
        for name, value in values.items():
            setattr(faq, name, value)
        saved = faqs.save_faq(faq, phrasings)
        getattr(saved, "_prefetched_objects_cache", {}).clear()
        return saved


class FaqFilter(ByBot):
    external_id = serializers.CharField(required=False, max_length=200, help_text="Only the one with this ID of yours.")
    category = serializers.CharField(required=False, max_length=100, help_text="Only those of this category.")


class RowProblem(serializers.Serializer):
    row = serializers.IntegerField(help_text="The line of the file.")
    field = serializers.CharField()
    message = serializers.CharField()


class ImportResult(serializers.Serializer):
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    errors = RowProblem(many=True)  # type: ignore[assignment]


class ImportTarget(Strict):
    bot = BotField()


class ImportForm(ImportTarget):
    file = serializers.FileField(help_text="CSV or JSONL.")


@dataclass(frozen=True)
class RawFile:
    name: str
    content: bytes


class CsvBody(BaseParser):
    """A body that is the file itself."""

    media_type = "text/csv"
    suffix = "csv"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        return RawFile(f"import.{self.suffix}", stream.read())


class JsonLinesBody(CsvBody):
    media_type = "application/x-ndjson"
    suffix = "jsonl"


class JsonLinesBodyByOtherName(JsonLinesBody):
    media_type = "application/jsonl"


EXAMPLE = OpenApiExample(
    "An FAQ",
    {
        "bot": "harbor-shop",
        "question": "How long do I have to return something?",
        "answer": "Sixty days from delivery, unworn and with its tags.",
        "alternates": ["What is your return window?", "Can I send it back after a month?"],
        "external_id": "returns-1",
        "category": "Returns",
    },
    request_only=True,
)
IMPORT_ADVICE = (
    "Columns `question` and `answer` (or `prompt` and `completion`), optionally `id`, `alternates` (joined by `|`), "
    "`language` and `category`. Send the file as a form, or as the body itself with `?bot=KEY`. Importing a file "
    "again changes nothing. Good rows are imported even when others are not: the answer is then 422 and names them."
)


@extend_schema(tags=["FAQs"])
@extend_schema_view(
    list=extend_schema(summary="List FAQs", parameters=[FaqFilter]),
    create=extend_schema(summary="Add an FAQ", examples=[EXAMPLE]),
    retrieve=extend_schema(summary="One FAQ"),
    partial_update=extend_schema(summary="Change an FAQ", description="`alternates`, if given, replaces all of them."),
    destroy=extend_schema(summary="Delete an FAQ", description="The bot forgets it at once."),
)
class FaqViewSet(EditableViewSet):
    """Questions with a vetted answer. `indexed_revision` reaches `revision` once the bot answers from it."""

    noun = "FAQ"
    filters = FaqFilter
    serializer_class = FaqSerializer

    def get_queryset(self) -> QuerySet[Faq]:
        return Faq.objects.select_related("group").prefetch_related("phrasings").order_by("question", "id")

    def narrow(self, rows: QuerySet, wanted: dict[str, Any]) -> QuerySet:
        own = {name: value for name, value in wanted.items() if name != "bot"}
        return super().narrow(rows, wanted).filter(**own)

    def perform_destroy(self, faq: Faq) -> None:
        faqs.delete_faq(faq)

    @extend_schema(
        summary="Import FAQs from a file",
        description=IMPORT_ADVICE,
        parameters=[OpenApiParameter("bot", OpenApiTypes.STR, description="The bot's key.")],
        request={"multipart/form-data": ImportForm}
        | dict.fromkeys(["text/csv", "application/x-ndjson"], OpenApiTypes.STR),
        responses={200: ImportResult, 422: OpenApiResponse(ImportResult, "Some rows were refused; the rest is in.")},
    )
    @action(
        detail=False,
        methods=["post"],
        url_path="import",
        pagination_class=None,
        parser_classes=[MultiPartParser, CsvBody, JsonLinesBody, JsonLinesBodyByOtherName],
    )
    def import_file(self, request: Request) -> Response:
        body: Any = request.data
        address = request.query_params.dict()
        if isinstance(body, RawFile):
            target = _checked(ImportTarget(data=address))
            data, filename = body.content, body.name
        else:
            target = _checked(ImportForm(data={**address, **dict(body.items())}))
            data, filename = target["file"].read(), target["file"].name
        report = import_faqs(target["bot"].id, data, filename)
        return Response(ImportResult(report).data, 422 if report.errors else 200)


def _checked(form: Strict) -> dict[str, Any]:
    form.is_valid(raise_exception=True)
    values: dict[str, Any] = form.validated_data
    return values
