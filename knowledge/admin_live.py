"""Data APIs and actions in the web admin; an API's secret is written and never shown."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import OuterRef, QuerySet
from django.http import HttpRequest
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectMultipleWidget, UnfoldAdminTextareaWidget, UnfoldBooleanSwitchWidget

from knowledge import admin_openapi, admin_try
from knowledge.admin_faqs import INDEXING_STATES, IndexState
from knowledge.data_apis import delete_action, delete_data_api, save_action, save_data_api, set_policies
from knowledge.models import Action, DataApi, Document
from tenants.admin_base import ScopedAdmin, count_of, lines_of
from tenants.admin_fields import LinesField, NewSecretField, ReadableJSONField, VerbForm


class DataApiForm(VerbForm):
    allowed_hosts = LinesField(
        rows=2,
        item_max_length=255,
        help_text="Hosts that calls may go to, one per line. Empty: only the host of the base URL.",
    )
    new_secret = NewSecretField(
        label="New secret", help_text="Stored encrypted and never shown again. Empty: the one that is set stays."
    )
    forget_secret = forms.BooleanField(required=False, widget=UnfoldBooleanSwitchWidget)

    class Meta:
        model = DataApi
        fields = (
            "group", "name", "base_url", "allowed_hosts", "auth_type", "auth_name", "token_url", "client_id",
            "token_scope", "token_audience", "honours_keys", "timeout_s",
        )  # fmt: skip
        labels = {"base_url": "Base URL"}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("forget_secret"):
            self.instance.auth_secret = ""
        elif cleaned.get("new_secret"):
            self.instance.auth_secret = cleaned["new_secret"]
        return cleaned


class ActionForm(VerbForm):
    parameters = ReadableJSONField(
        required=False,
        rows=14,
        help_text="A list of objects, each with a name, a type, a description, and whether it is required. "
        'Choices are listed, or come from another action: "choices_from": {"action": "my_orders", '
        '"items": "$.orders[*]", "value": "$.id", "label": "{{ item.id }}, {{ item.placed_on | date }}", '
        '"arguments": {}}; arguments name, for a parameter of that action, the one of this that fills it.',
    )
    examples = LinesField(label="Example questions", rows=6, help_text="Questions that it answers, one per line.")
    results = ReadableJSONField(
        required=False, rows=4, help_text='Names for values of the response by JSON path: {"order_id": "$.id"}.'
    )
    policies = forms.ModelMultipleChoiceField(
        Document.objects.none(),
        required=False,
        widget=UnfoldAdminSelectMultipleWidget,
        help_text="Documents with the rules that govern it: shown where it is confirmed and approved.",
    )

    class Meta:
        model = Action
        fields = (
            "group", "data_api", "name", "title", "description", "method", "only_reads", "path", "parameters",
            "examples", "results", "answer", "requires_verified", "enabled", "confirmation", "needs_approval",
            "amount_parameter", "most_amount", "approve_above", "most_per_day", "status_action", "status_answer",
        )  # fmt: skip
        labels = {"data_api": "Data API", "status_action": "Status look-up"}
        help_texts = {
            "answer": "A Jinja2 template over response, results and arguments, such as {{ response.status }}.",
            "confirmation": "What the customer confirms: Jinja2 over arguments. Empty: every value is listed.",
            "status_action": "An action that only reads, by which it can be found out whether this one was done.",
        }
        widgets = {
            "description": UnfoldAdminTextareaWidget(attrs={"rows": 2}),
            "answer": UnfoldAdminTextareaWidget(attrs={"rows": 6, "class": "sb-code", "spellcheck": "false"}),
            "confirmation": UnfoldAdminTextareaWidget(attrs={"rows": 3, "class": "sb-code", "spellcheck": "false"}),
            "status_answer": UnfoldAdminTextareaWidget(attrs={"rows": 2, "class": "sb-code", "spellcheck": "false"}),
        }

    def clean_results(self) -> Any:
        return self.cleaned_data["results"] or {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "policies" in self.fields:
            self.fields["policies"].queryset = Document.objects.order_by("title")  # type: ignore[attr-defined]
            if not self.instance._state.adding:
                linked = self.instance.policies.filter(group_id=self.instance.group_id)
                self.initial["policies"] = list(linked.values_list("document_id", flat=True))


@admin.register(DataApi)
class DataApiAdmin(ScopedAdmin):
    area = "knowledge"
    form = DataApiForm
    form_only = {"new_secret": "", "forget_secret": "", "allowed_hosts": "hosts_shown"}
    empty_icon = "api"
    empty_text = "With a data API a bot answers from live data: stock, orders, balances."
    refusal_fields = {"auth_secret": "new_secret"}
    list_display = ("name", "group", "base_url", "auth_type", "secret_state", "how_many_actions")
    list_filter = (("group", admin.RelatedOnlyFieldListFilter),)
    search_fields = ("name", "base_url")
    list_select_related = ("group",)
    readonly_fields = ("secret_state", "hosts_shown")
    fieldsets = (
        (None, {"fields": ("group", "name", "base_url", "allowed_hosts", "timeout_s")}),
        ("Authentication", {"fields": ("auth_type", "auth_name", "secret_state", "new_secret", "forget_secret")}),
        ("Tokens", {"fields": ("token_url", "client_id", "token_scope", "token_audience"), "classes": ("collapse",)}),
        ("Changes", {"fields": ("honours_keys",)}),
    )
    change_form_outer_before_template = "admin/knowledge/dataapi/import_link.html"

    hosts_shown = lines_of("allowed_hosts", "Allowed hosts")

    def open_pages(self) -> Any:
        return [("<uuid:api_id>/import/", admin_openapi.import_page(self), "knowledge_dataapi_import")]

    @display(description="Secret", label={"Set": "success", "Not set": "secondary"})
    def secret_state(self, api: DataApi) -> str:
        return "Set" if api.auth_secret else "Not set"

    @display(description="Actions", ordering="action_count")
    def how_many_actions(self, api: Any) -> int:
        return int(api.action_count)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        actions = Action.objects.filter(group=OuterRef("group"), data_api=OuterRef("pk"))
        return super().get_queryset(request).annotate(action_count=count_of(actions))

    def save_model(self, request: HttpRequest, obj: DataApi, form: Any, change: bool) -> None:
        save_data_api(obj)

    def delete_model(self, request: HttpRequest, obj: DataApi) -> None:
        delete_data_api(obj)


@admin.register(Action)
class ActionAdmin(ScopedAdmin):
    area = "knowledge"
    form = ActionForm
    form_only = {"examples": "examples_shown", "policies": ""}
    change_form_outer_before_template = "admin/knowledge/action/try_link.html"
    readonly_fields = ("examples_shown",)
    empty_icon = "bolt"
    empty_text = "An action is one call of a data API, with the questions that it answers."
    list_display = ("title", "group", "data_api", "call", "needs_sign_in", "state")
    list_filter = (("group", admin.RelatedOnlyFieldListFilter), IndexState, "requires_verified")
    search_fields = ("title", "name", "description", "path")
    list_select_related = ("group", "data_api")
    fieldsets = (
        (None, {"fields": ("group", "data_api", "name", "title", "description")}),
        ("The call", {"fields": ("method", "only_reads", "path", "parameters", "requires_verified")}),
        ("The answer", {"fields": ("examples", "results", "answer", "enabled")}),
        (
            "If it changes something",
            {
                "fields": (
                    "confirmation", "policies", "needs_approval", "amount_parameter", "most_amount", "approve_above",
                    "most_per_day", "status_action", "status_answer",
                ),
            },
        ),
    )  # fmt: skip

    examples_shown = lines_of("examples", "Example questions")

    def open_pages(self) -> Any:
        return [("<uuid:action_id>/try/", admin_try.try_page(self), "knowledge_action_try")]

    @display(description="Call")
    def call(self, action: Action) -> str:
        return f"{action.method} {action.path}"

    @display(description="Signed-in only", boolean=True, ordering="requires_verified")
    def needs_sign_in(self, action: Action) -> bool:
        return action.requires_verified

    @display(description="State", label=INDEXING_STATES)
    def state(self, action: Action) -> str:
        if not action.enabled:
            return "Off"
        return "Ready" if action.indexed_revision >= action.revision else "Indexing"

    def save_model(self, request: HttpRequest, obj: Action, form: Any, change: bool) -> None:
        save_action(obj)
        set_policies(obj, form.cleaned_data["policies"])

    def delete_model(self, request: HttpRequest, obj: Action) -> None:
        delete_action(obj)
