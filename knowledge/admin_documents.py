"""Documents in the web admin: upload or paste, what became of it, and the pieces that are searched."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db.models import OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.text import slugify
from django.views.decorators.http import require_POST
from unfold.decorators import display
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from knowledge.documents import delete_document, retry_document, save_document, update_details
from knowledge.duplicates import overlaps
from knowledge.models import Chunk, Document
from knowledge.parsing.formats import KINDS, SUFFIXES
from tenants.admin_base import ScopedAdmin, count_of
from tenants.admin_fields import VerbForm

STATES = {"Ready": "success", "Failed": "danger", "Queued": "info", "Reading": "info", "Embedding": "info"}
PIECES_PER_PAGE = 30


class DocumentForm(VerbForm):
    title = forms.CharField(
        max_length=300,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="What answers cite it as. Empty: the document's own title.",
    )
    file = forms.FileField(
        required=False,
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ",".join(SUFFIXES)}),
        help_text=f"{KINDS}, up to 20 MB.",
    )
    text = forms.CharField(
        required=False,
        max_length=2_000_000,
        label="Or paste text",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 10}),
        help_text="Plain text or Markdown. Headings (# …) become part of what is cited.",
    )

    class Meta:
        model = Document
        fields = ("group", "title", "url", "dated", "external_id")
        labels = {"url": "Web address"}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        upload, text = cleaned.get("file"), (cleaned.get("text") or "").strip()
        if upload and text:
            self.add_error("text", "Give a file or a text, not both.")
        elif self.instance._state.adding and not upload and not text and "file" not in self.errors:
            self.add_error("file", "Choose a file, or paste the text below.")
        if not cleaned.get("title"):
            if text and not upload:
                self.add_error("title", "A pasted text needs a title.")
            elif not self.instance._state.adding:
                self.add_error("title", "A document needs a title.")
        return cleaned

    def content(self) -> tuple[str, bytes] | None:
        """The given file name and bytes, if there is new content."""
        upload, text = self.cleaned_data.get("file"), (self.cleaned_data.get("text") or "").strip()
        if upload:
            return upload.name, upload.read()
        if text:
            return f"{slugify(self.cleaned_data['title'])[:80] or 'text'}.md", text.encode()
        return None

    def _get_validation_exclusions(self) -> set[str]:
        # A title may be left to the file; the form has checked what it needs.
        return {*super()._get_validation_exclusions(), "title"}  # type: ignore[misc]


@admin.register(Document)
class DocumentAdmin(ScopedAdmin):
    area = "knowledge"
    form = DocumentForm
    form_only = {"file": "", "text": ""}
    empty_icon = "description"
    empty_text = "Upload a manual, a policy or a price list: answers quote it and say where it stands."
    list_display = ("title", "group", "state_label", "pages", "pieces", "dated", "updated_at")
    list_filter = (("group", admin.RelatedOnlyFieldListFilter), "state")
    search_fields = ("title", "external_id", "url")
    search_help_text = "Search by title, ID or address"
    list_select_related = ("group",)
    change_form_outer_before_template = "admin/knowledge/document/state.html"
    change_form_outer_after_template = "admin/knowledge/document/pieces.html"
    fieldsets = (
        (None, {"fields": ("group", "title", "url", "dated", "external_id")}),
        ("Replace the content", {"fields": ("file", "text"), "classes": ("collapse",)}),
    )
    add_fieldsets = (
        (None, {"fields": ("group", "file", "text")}),
        ("What answers cite", {"fields": ("title", "url", "dated", "external_id")}),
    )

    @display(description="State", ordering="state", label=STATES)
    def state_label(self, document: Document) -> str:
        return str(document.get_state_display())

    @display(description="Pieces", ordering="piece_count")
    def pieces(self, document: Any) -> int:
        return int(document.piece_count)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        chunks = Chunk.objects.filter(group=OuterRef("group"), document=OuterRef("pk"))
        return super().get_queryset(request).annotate(piece_count=count_of(chunks))

    def own_pages(self) -> Any:
        return [("<uuid:document_id>/retry/", require_POST(self.retry), "knowledge_document_retry")]

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        document = self.get_object(request, object_id)
        shown = _pieces(document, request.GET.get("piece_page")) if document else {}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **shown})

    def save_model(self, request: HttpRequest, obj: Document, form: Any, change: bool) -> None:
        content = form.content()
        namesakes = Document.objects.filter(group_id=obj.group_id, external_id=obj.external_id).exclude(pk=obj.pk)
        if obj.external_id and namesakes.exists():
            raise ValidationError({"external_id": f"Another document of this bot has the ID “{obj.external_id}”."})
        if change:
            update_details(obj)
        if content is None:
            return
        filename, data = content
        saved = save_document(
            obj.group_id,
            filename=filename,
            data=data,
            title=obj.title,
            url=obj.url,
            external_id=obj.external_id,
            dated=obj.dated,
            document=obj if change else None,
        )
        obj.pk, obj.title = saved.pk, saved.title or filename

    def delete_model(self, request: HttpRequest, obj: Document) -> None:
        delete_document(obj)

    def retry(self, request: HttpRequest, document_id: Any) -> HttpResponse:
        if not self.has_change_permission(request):
            raise PermissionDenied
        document = Document.objects.filter(id=document_id).first()
        if document is None:
            raise Http404
        retry_document(document)
        messages.info(request, f"“{document}” is being read again.")
        return HttpResponseRedirect(reverse("admin:knowledge_document_change", args=[document_id]))


def _pieces(document: Document, number: str | None) -> dict[str, Any]:
    chunks = document.chunks.filter(group_id=document.group_id).order_by("position")
    repeated = overlaps(document) if document.state == Document.State.READY else []
    newest = document.revisions.filter(group_id=document.group_id).defer("data").first()
    return {"pieces": Paginator(chunks, PIECES_PER_PAGE).get_page(number), "newest": newest, "overlaps": repeated}
