"""Training a bot's adapter in the web admin: started by a form, watched live; and the rows that it learns from."""

from hashlib import sha256
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.text import Truncator
from django.views.decorators.http import require_POST
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from chat.admin_records import RecordAdmin
from chat.models import TuningRow, TuningRun
from chat.tuning import row_files, rows, runs
from chat.tuning.settings import ATTENTION, BadSettings, TuningSettings, read
from knowledge.imports import RowError, UnreadableFile
from tenants.admin_base import ScopedAdmin
from tenants.models import Bot
from tenants.roles import access

RUN_STATES = {"Waiting": "info", "Training": "primary", "Evaluating": "primary", "Done": "success", "Failed": "danger"}
LABELS = {"Answerable": "success", "Unanswerable": "warning"}
STATE = "admin/chat/tuningrun/_state.html"
PROJECTIONS = {",".join(ATTENTION): "Attention", "q_proj,v_proj": "Queries and values", "all": "All linear layers"}
UPLOADS = {
    "exchanges": (TuningRow.Kind.FILE, TuningRow.Split.TRAIN),
    "held_out": (TuningRow.Kind.FILE, TuningRow.Split.HELD_OUT),
    "generic": (TuningRow.Kind.GENERIC, TuningRow.Split.TRAIN),
}


def _number(whole: bool, help_text: str) -> forms.Field:
    if whole:
        return forms.IntegerField(required=False, widget=UnfoldAdminIntegerFieldWidget, help_text=help_text)
    return forms.FloatField(required=False, widget=UnfoldAdminDecimalFieldWidget, help_text=help_text)


def _file(label: str, help_text: str) -> forms.Field:
    widget = UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,.tsv,.jsonl,.txt"})
    return forms.FileField(required=False, label=label, widget=widget, help_text=help_text)


class StartForm(forms.Form):
    """What is left empty is as for the version that answers now, else as published."""

    bot = forms.ModelChoiceField(Bot.objects.none(), widget=UnfoldAdminSelectWidget, empty_label=None)
    exchanges = _file("Further prompts and completions", "CSV or JSONL with the columns prompt and completion.")
    held_out = _file(
        "Questions to measure on", "The same; they are never learnt. Without it, some phrasings are held out."
    )
    generic = _file("Generic support exchanges", "The same; they are learnt first.")
    rivals = forms.CharField(
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Whom it is not to compare you with: names, and commas.",
    )
    conversations = forms.BooleanField(
        required=False,
        label="Offer resolved conversations",
        widget=UnfoldBooleanWidget,
        help_text="Without personal data, as far as rules find it; each waits until somebody has let it in.",
    )
    rank = _number(True, "8 is the published default.")
    alpha = _number(True, "16")
    dropout = _number(False, "0.05")
    projections = forms.ChoiceField(
        required=False, choices=[("", "–"), *PROJECTIONS.items()], widget=UnfoldAdminSelectWidget
    )
    epochs = _number(False, "3")
    learning_rate = _number(False, "0.0003")
    length = _number(True, "512 tokens, question and answer together")
    batch = _number(True, "8")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["bot"].queryset = Bot.objects.order_by("name")  # type: ignore[attr-defined]

    def settings(self) -> TuningSettings:
        """Raises BadSettings."""
        known = TuningSettings().as_json()
        given = {name: value for name, value in self.cleaned_data.items() if name in known and value not in ("", None)}
        return read(given, runs.settings_for(self.cleaned_data["bot"]))


@admin.register(TuningRun)
class TuningRunAdmin(RecordAdmin):
    area = "knowledge"
    page_template = "admin/chat/tuningrun/detail.html"
    page_title = "Training"
    list_display = ("name", "group", "state_label", "tuned_f1", "base_f1", "started_by", "created_at")
    list_filter = (("group", admin.RelatedOnlyFieldListFilter), "state")
    list_select_related = ("group",)
    empty_icon = "model_training"
    empty_text = "Training teaches the language model a bot's FAQs. Whatever it then says is still held to them."

    @display(description="Training", ordering="created_at")
    def name(self, run: TuningRun) -> str:
        return str(run)

    @display(description="State", label=RUN_STATES)
    def state_label(self, run: TuningRun) -> str:
        return str(run.get_state_display())

    @display(description="Token F1, tuned", empty_value="–")
    def tuned_f1(self, run: TuningRun) -> Any:
        return (run.figures.get("tuned") or {}).get("token_f1")

    @display(description="Token F1, base", empty_value="–")
    def base_f1(self, run: TuningRun) -> Any:
        return (run.figures.get("base") or {}).get("token_f1")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may_train(request)

    def may_train(self, request: HttpRequest) -> bool:
        at_work = access(request)
        return at_work is not None and at_work.changes("knowledge")

    def own_pages(self) -> Any:
        return [
            ("<uuid:run_id>/live/", self.live, "chat_tuningrun_live"),
            ("<uuid:run_id>/stop/", require_POST(self.stop), "chat_tuningrun_stop"),
        ]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.may_train(request):
            raise PermissionDenied
        form = StartForm(request.POST or None, request.FILES or None, initial={"bot": request.GET.get("bot")})
        context = {
            **self.admin_site.each_context(request), "title": "Train a bot's adapter", "opts": self.opts, "form": form,
        }  # fmt: skip
        if request.method == "POST" and form.is_valid():
            run, bad_rows = self._start(request, form)
            if run is not None:
                for error in bad_rows[:20]:
                    messages.warning(request, f"Left out: {error}")
                return HttpResponseRedirect(reverse("admin:chat_tuningrun_change", args=[run.pk]))
        return TemplateResponse(request, "admin/chat/tuningrun/start.html", context)

    def _start(self, request: HttpRequest, form: StartForm) -> tuple[TuningRun | None, list[RowError]]:
        bot: Bot = form.cleaned_data["bot"]
        bad_rows: list[RowError] = []
        drafts = []
        for name, (kind, split) in UPLOADS.items():
            upload = form.cleaned_data[name]
            if upload:
                try:
                    report = row_files.read(upload.read(), upload.name, bot.name, kind, split)
                except UnreadableFile as problem:
                    form.add_error(name, str(problem))
                    return None, []
                drafts += report.drafts
                bad_rows += report.errors
        rows.save(bot.pk, drafts)
        rivals = [name.strip() for name in form.cleaned_data["rivals"].split(",") if name.strip()]
        wishes: dict[str, Any] = {"rivals": rivals, "with_conversations": form.cleaned_data["conversations"]}
        try:
            return runs.start(bot, form.settings(), started_by=str(request.user), **wishes), bad_rows
        except BadSettings as refusal:
            for name, message in refusal.problems.items():
                form.add_error(name if name in form.fields else NON_FIELD_ERRORS, message)
        except ValidationError as refusal:
            form.add_error(None, " ".join(refusal.messages))
        return None, []

    def page_context(self, record: Any) -> dict[str, Any]:
        return shown(record)

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        response = super().change_view(request, object_id, form_url, extra_context)
        if isinstance(response, TemplateResponse) and response.context_data is not None:
            response.context_data["may_train"] = self.may_train(request)
        return response

    def live(self, request: HttpRequest, run_id: UUID) -> HttpResponse:
        """The state as HTML, if it is no longer what the page has `seen`."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {**shown(self._run(run_id)), "may_train": self.may_train(request)}
        answer: dict[str, Any] = {"seen": context["seen"]}
        if request.GET.get("seen") != context["seen"]:
            answer["parts"] = {"state": render_to_string(STATE, context, request)}
        return JsonResponse(answer)

    def stop(self, request: HttpRequest, run_id: UUID) -> HttpResponse:
        if not self.may_train(request):
            raise PermissionDenied
        run = self._run(run_id)
        runs.stop(run, by=str(request.user))
        return HttpResponseRedirect(reverse("admin:chat_tuningrun_change", args=[run.pk]))

    def _run(self, run_id: UUID) -> TuningRun:
        run = TuningRun.objects.filter(id=run_id).first()
        if run is None:
            raise Http404
        return run


def shown(run: TuningRun) -> dict[str, Any]:
    """What the page of a run needs, and a mark that changes with it."""
    version = run.versions.filter(group_id=run.group_id).first()
    seen = sha256(repr((run.state, run.progress, run.error, run.finished_at)).encode("utf-8", "replace")).hexdigest()
    return {"run": run, "version": version, "columns": columns(run.figures), "seen": seen[:16]}


def columns(figures: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The figures side by side, by whose they are."""
    names = (("Tuned", "tuned"), ("Base", "base"), ("Answers now", "live"))
    return [(title, figures[name]) for title, name in names if figures.get(name)]


@admin.register(TuningRow)
class TuningRowAdmin(ScopedAdmin):
    area = "knowledge"
    list_display = ("question", "answer", "group", "kind", "label_shown", "split", "used")
    list_filter = (
        ("group", admin.RelatedOnlyFieldListFilter), "kind", "label", "split", "excluded", "reviewed",
    )  # fmt: skip
    search_fields = ("prompt", "completion", "source")
    search_help_text = "Search questions, answers and what they were made from"
    list_select_related = ("group",)
    actions = ("let_in", "leave_out", "label_answerable", "label_unanswerable")  # type: ignore[assignment]
    fieldsets = (
        (None, {"fields": ("group", "kind", "prompt", "completion", "split", "source", "sources")}),
        ("Decide", {"fields": ("label", "excluded")}),
    )
    readonly_fields = ("kind", "prompt", "completion", "split", "source", "sources")
    empty_icon = "rule"
    empty_text = "Rows are made from a bot's FAQs and documents when it is trained, and come from your files."

    @display(description="Question", ordering="prompt")
    def question(self, row: TuningRow) -> str:
        return Truncator(row.prompt).chars(80)

    @display(description="Answer")
    def answer(self, row: TuningRow) -> str:
        return Truncator(rows.wanted_answer(row)).chars(80)

    @display(description="Label", ordering="label", label=LABELS)
    def label_shown(self, row: TuningRow) -> str:
        return str(row.get_label_display())

    @display(description="Used", boolean=True, ordering="excluded")
    def used(self, row: TuningRow) -> bool:
        return not row.excluded

    @display(description="Sources in the prompt", empty_value="–")
    def sources(self, row: TuningRow) -> str:
        exchanges = [f"{asked} → {answered}" for asked, answered in row.context.get("exchanges", ())]
        given = [f"{each['title']}: {each['text']}" for each in row.context.get("sources", ())]
        return "\n\n".join([*exchanges, *given])

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: TuningRow, form: Any, change: bool) -> None:
        obj.reviewed = True
        obj.save(update_fields=["label", "excluded", "reviewed"])

    @action(description="Use them", permissions=["change"])
    def let_in(self, request: HttpRequest, queryset: QuerySet[TuningRow]) -> None:
        self._decide(request, queryset, excluded=False)

    @action(description="Leave them out", permissions=["change"])
    def leave_out(self, request: HttpRequest, queryset: QuerySet[TuningRow]) -> None:
        self._decide(request, queryset, excluded=True)

    @action(description="Label as answerable", permissions=["change"])
    def label_answerable(self, request: HttpRequest, queryset: QuerySet[TuningRow]) -> None:
        self._decide(request, queryset, label=TuningRow.Label.ANSWERABLE)

    @action(description="Label as unanswerable", permissions=["change"])
    def label_unanswerable(self, request: HttpRequest, queryset: QuerySet[TuningRow]) -> None:
        self._decide(request, queryset, label=TuningRow.Label.UNANSWERABLE)

    def _decide(self, request: HttpRequest, queryset: QuerySet[TuningRow], **decision: Any) -> None:
        chosen = TuningRow.objects.filter(pk__in=list(queryset.values_list("pk", flat=True)))
        count = chosen.update(**decision, reviewed=True)
        messages.success(request, f"{count} row{'' if count == 1 else 's'} changed; the next training goes by it.")
