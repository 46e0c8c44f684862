"""/api/v1/documents: files and texts that a bot answers from."""

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils.text import slugify
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.parsers import JSONParser, MultiPartParser

from knowledge import documents
from knowledge.models import Document, DocumentRevision
from knowledge.parsing.formats import KINDS
from switchboard.errors import TooLarge
from switchboard.management_api.fields import BotField, StrictModel
from switchboard.management_api.scoped import ByBot, EditableViewSet

MEGABYTE = 1024 * 1024


class DocumentSerializer(StrictModel):
    bot = BotField(source="group")
    file = serializers.FileField(write_only=True, required=False, max_length=300, help_text=f"{KINDS}.")
    text = serializers.CharField(
        write_only=True,
        required=False,
        trim_whitespace=False,
        help_text="The content itself, plain or Markdown, instead of a file.",
    )
    title = serializers.CharField(
        max_length=300, required=False, help_text="Taken from the file if absent; needed with `text`."
    )
    url = serializers.URLField(
        max_length=1000, required=False, allow_blank=True, help_text="Where customers can read it."
    )

    filename = serializers.SerializerMethodField()

    class Meta:
        model = Document
        fields = [
            "id", "bot", "external_id", "title", "filename", "url", "dated", "file", "text", "state", "error",
            "notice", "pages", "revision", "indexed_revision", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = [
            "id", "state", "error", "notice", "pages", "revision", "indexed_revision", "created_at", "updated_at",
        ]  # fmt: skip
        extra_kwargs = {
            "notice": {"help_text": "What of a document that is ready could not be read, a sentence per line."},
            "external_id": {"help_text": "Your own ID. A document that is sent again with the same one is replaced."},
            "dated": {"help_text": "The date that answers are cited with; taken from the file if absent."},
        }
        validators: list[Any] = []

    def get_fields(self) -> dict[str, serializers.Field]:
        fields: dict[str, serializers.Field] = super().get_fields()
        fields["bot"].required = self.instance is None
        return fields

    def get_filename(self, document: Document) -> str:
        listed = getattr(document, "filename", None)
        return listed or document.revisions.values_list("filename", flat=True).get(number=document.revision)

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        if "file" in values and "text" in values:
            raise serializers.ValidationError({"text": "Send either a file or a text, not both."})
        if not self.partial and "file" not in values and "text" not in values:
            raise serializers.ValidationError({"file": "Send a file, or its content as `text`."})
        if not self.partial and "text" in values and "title" not in values:
            raise serializers.ValidationError({"title": "A text needs a title."})
        return values

    def create(self, values: dict[str, Any]) -> Document:
        filename, data = _content(values, values.get("title", ""))
        group = values.pop("group")
        return documents.save_document(group.id, filename=filename, data=data, **values)

    def update(self, document: Document, values: dict[str, Any]) -> Document:
        values.pop("group", None)
        document.filename = None  # type: ignore[attr-defined]
        if "file" in values or "text" in values:
            filename, data = _content(values, values.get("title") or document.title)
            document = documents.save_document(document.group_id, filename=filename, data=data, document=document)
        for name, value in values.items():
            setattr(document, name, value)
        return documents.update_details(document) if values else document


def _content(values: dict[str, Any], title: str) -> tuple[str, bytes]:
    """Take the file's name and bytes out of the values; a text gets a name made from its title."""
    most = documents.MAX_BYTES
    upload, text = values.pop("file", None), values.pop("text", "")
    size = upload.size if upload else len(text.encode())
    if size > most:
        what = f"The file “{upload.name}”" if upload else "The text"
        raise TooLarge(f"{what} has {size / MEGABYTE:.1f} MB; the limit is {most // MEGABYTE} MB. Send it in parts.")
    if upload:
        return upload.name, upload.read()
    return f"{slugify(title)[:100] or 'text'}.txt", text.encode()


class DocumentFilter(ByBot):
    state = serializers.ChoiceField(Document.State.choices, required=False, help_text="Only those in this state.")
    external_id = serializers.CharField(required=False, max_length=500, help_text="Only the one with this ID of yours.")


UPLOAD_ADVICE = (
    "Send a form with `file`, or JSON with `title` and `text`. The answer comes at once, with `state` queued; the "
    "document then goes through reading and embedding to ready (or to failed, with the reason in `error`), and the bot "
    f"answers from it once it is ready. A file may have {documents.MAX_BYTES // MEGABYTE} MB."
)
EXAMPLE = OpenApiExample(
    "A text",
    {
        "bot": "harbor-shop",
        "title": "Delivery to islands",
        "text": "# Delivery to islands\n\nParcels to islands take one day more.",
        "url": "https://example.com/delivery",
    },
    request_only=True,
    media_type="application/json",
)


@extend_schema(tags=["Documents"])
@extend_schema_view(
    list=extend_schema(summary="List documents", parameters=[DocumentFilter]),
    create=extend_schema(summary="Add a document", description=UPLOAD_ADVICE, examples=[EXAMPLE]),
    retrieve=extend_schema(summary="One document with its state"),
    update=extend_schema(
        summary="Replace a document's content",
        description="The old content answers until the new one is ready. Details that are not given stay as they are.",
        examples=[EXAMPLE],
    ),
    partial_update=extend_schema(summary="Change a document's details or content"),
    destroy=extend_schema(summary="Delete a document", description="The bot forgets it at once."),
)
class DocumentViewSet(EditableViewSet):
    """Files and texts. The bot answers from `indexed_revision` until it has caught up with `revision`."""

    noun = "document"
    filters = DocumentFilter
    serializer_class = DocumentSerializer
    http_method_names = [*EditableViewSet.http_method_names, "put"]
    parser_classes = [JSONParser, MultiPartParser]

    def get_queryset(self) -> QuerySet[Document]:
        revisions = DocumentRevision.objects.filter(
            group_id=OuterRef("group_id"), document=OuterRef("pk"), number=OuterRef("revision")
        )
        named = Document.objects.annotate(filename=Subquery(revisions.values("filename")[:1]))
        return named.select_related("group").order_by("title", "id")

    def narrow(self, rows: QuerySet, wanted: dict[str, Any]) -> QuerySet:
        own = {name: value for name, value in wanted.items() if name != "bot"}
        return super().narrow(rows, wanted).filter(**own)

    def perform_destroy(self, document: Document) -> None:
        documents.delete_document(document)
