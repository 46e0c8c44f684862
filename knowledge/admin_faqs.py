"""FAQs in the web admin: phrasings as lines, and import from a file with a report of every bad row."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import F, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.text import Truncator
from unfold.decorators import display
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from knowledge.faqs import delete_faq, save_faq
from knowledge.imports import UnreadableFile, import_faqs
from knowledge.models import Faq, Phrasing
from tenants.admin_base import ScopedAdmin, count_of
from tenants.admin_fields import LinesField, VerbForm
from tenants.models import Bot

INDEXING_STATES = {"Ready": "success", "Indexing": "info", "Off": "secondary"}


class FaqForm(VerbForm):
    alternates = LinesField(
        rows=6,
        label="Other ways to ask it",
        help_text="One per line, the way customers write. Five truly different ones make a bot hard to miss.",
    )

    class Meta:
        model = Faq
        fields = ("group", "question", "answer", "category", "language", "external_id", "enabled")
        widgets = {
            "question": UnfoldAdminTextareaWidget(attrs={"rows": 2}),
            "answer": UnfoldAdminTextareaWidget(attrs={"rows": 8}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.fields["alternates"].initial = phrasings_of(self.instance)


class ImportForm(forms.Form):
    bot = forms.ModelChoiceField(Bot.objects.none(), widget=UnfoldAdminSelectWidget, empty_label=None)
    file = forms.FileField(label="File", widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,.tsv,.jsonl,.txt"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["bot"].queryset = Bot.objects.order_by("name")  # type: ignore[attr-defined]


class IndexState(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("ready", "Ready"), ("indexing", "Indexing"), ("off", "Off")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "off":
            return queryset.filter(enabled=False)
        if self.value() == "ready":
            return queryset.filter(enabled=True, indexed_revision__gte=F("revision"))
        if self.value() == "indexing":
            return queryset.filter(enabled=True, indexed_revision__lt=F("revision"))
        return queryset


@admin.register(Faq)
class FaqAdmin(ScopedAdmin):
    area = "knowledge"
    form = FaqForm
    form_only = {"alternates": "phrasings"}
    list_display = ("short_question", "group", "category", "how_many_phrasings", "state", "updated_at")
    list_filter = (
        ("group", admin.RelatedOnlyFieldListFilter),
        IndexState,
        ("category", admin.AllValuesFieldListFilter),
    )
    search_fields = ("question", "answer", "phrasings__text", "external_id")
    search_help_text = "Search questions, answers and phrasings"
    list_select_related = ("group",)
    list_before_template = "admin/knowledge/faq/import_link.html"
    readonly_fields = ("phrasings",)
    empty_icon = "quiz"
    empty_text = "A FAQ is a vetted answer, said word for word. Write one, or import a file."
    fieldsets = (
        (None, {"fields": ("group", "question", "answer", "alternates")}),
        ("Details", {"fields": ("category", "language", "external_id", "enabled")}),
    )

    @display(description="Question", ordering="question")
    def short_question(self, faq: Faq) -> str:
        return Truncator(faq.question).chars(90)

    @display(description="Phrasings", ordering="phrasing_count")
    def how_many_phrasings(self, faq: Any) -> int:
        return int(faq.phrasing_count)

    @display(description="State", label=INDEXING_STATES)
    def state(self, faq: Faq) -> str:
        if not faq.enabled:
            return "Off"
        return "Ready" if faq.indexed_revision >= faq.revision else "Indexing"

    @display(description="Other ways to ask it")
    def phrasings(self, faq: Faq) -> str:
        return "\n".join(phrasings_of(faq))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        phrasings = Phrasing.objects.filter(group=OuterRef("group"), faq=OuterRef("pk"))
        return super().get_queryset(request).annotate(phrasing_count=count_of(phrasings))

    def own_pages(self) -> Any:
        return [("import/", self.import_file, "knowledge_faq_import")]

    def save_model(self, request: HttpRequest, obj: Faq, form: Any, change: bool) -> None:
        save_faq(obj, form.cleaned_data["alternates"])

    def delete_model(self, request: HttpRequest, obj: Faq) -> None:
        delete_faq(obj)

    def import_file(self, request: HttpRequest) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = ImportForm(request.POST or None, request.FILES or None, initial={"bot": request.GET.get("bot")})
        context = {**self.admin_site.each_context(request), "title": "Import FAQs", "opts": self.opts, "form": form}
        if request.method == "POST" and form.is_valid():
            upload = form.cleaned_data["file"]
            try:
                report = import_faqs(form.cleaned_data["bot"].pk, upload.read(), upload.name)
            except UnreadableFile as problem:
                form.add_error("file", str(problem))
            else:
                if not report.errors:
                    messages.success(
                        request,
                        f"{upload.name}: {report.created} FAQs added, {report.updated} changed, "
                        f"{report.unchanged} already there.",
                    )
                    return HttpResponseRedirect(reverse("admin:knowledge_faq_changelist"))
                context |= {"report": report, "filename": upload.name}
        return TemplateResponse(request, "admin/knowledge/faq/import.html", context)


def phrasings_of(faq: Faq) -> list[str]:
    return list(faq.phrasings.filter(group_id=faq.group_id).values_list("text", flat=True))
