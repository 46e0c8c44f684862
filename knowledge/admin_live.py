"""Data APIs and actions in the web admin; an API's secret is written and never shown."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import OuterRef, QuerySet
from django.http import HttpRequest
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldBooleanSwitchWidget

from knowledge.admin_faqs import INDEXING_STATES, IndexState
from knowledge.data_apis import delete_action, delete_data_api, save_action, save_data_api
from knowledge.models import Action, DataApi
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
        fields = ("group", "name", "base_url", "allowed_hosts", "auth_type", "auth_name", "timeout_s")
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
        help_text="A list of objects, each with a name, a type, a description, and whether it is required.",
    )
    examples = LinesField(label="Example questions", rows=6, help_text="Questions that it answers, one per line.")

    class Meta:
        model = Action
        fields = (
            "group", "data_api", "name", "title", "description", "method", "path", "parameters", "examples", "answer",
            "requires_verified", "enabled",
        )  # fmt: skip
        labels = {"data_api": "Data API"}
        help_texts = {"answer": "A Jinja2 template over response and arguments, such as {{ response.status }}."}
        widgets = {
            "description": UnfoldAdminTextareaWidget(attrs={"rows": 2}),
            "answer": UnfoldAdminTextareaWidget(attrs={"rows": 6, "class": "sb-code", "spellcheck": "false"}),
        }


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
    )

    hosts_shown = lines_of("allowed_hosts", "Allowed hosts")

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
    form_only = {"examples": "examples_shown"}
    readonly_fields = ("examples_shown",)
    empty_icon = "bolt"
    empty_text = "An action is one call of a data API, with the questions that it answers."
    list_display = ("title", "group", "data_api", "call", "needs_sign_in", "state")
    list_filter = (("group", admin.RelatedOnlyFieldListFilter), IndexState, "requires_verified")
    search_fields = ("title", "name", "description", "path")
    list_select_related = ("group", "data_api")
    fieldsets = (
        (None, {"fields": ("group", "data_api", "name", "title", "description")}),
        ("The call", {"fields": ("method", "path", "parameters", "requires_verified")}),
        ("The answer", {"fields": ("examples", "answer", "enabled")}),
    )

    examples_shown = lines_of("examples", "Example questions")

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

    def delete_model(self, request: HttpRequest, obj: Action) -> None:
        delete_action(obj)
