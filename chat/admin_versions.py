"""The versions of each bot's adapter in the web admin: their figures, which one answers, and going back to another."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_POST
from unfold.decorators import display

from chat.admin_records import RecordAdmin
from chat.admin_tuning import columns
from chat.models import AdapterVersion
from chat.tuning import versions
from tenants.roles import access

STATES = {"Live": "success", "Candidate": "info", "Retired": "secondary", "Rejected": "danger", "Deleted": "secondary"}


@admin.register(AdapterVersion)
class AdapterVersionAdmin(RecordAdmin):
    area = "knowledge"
    page_template = "admin/chat/adapterversion/detail.html"
    page_title = "Adapter version"
    list_display = ("name_shown", "group", "state_label", "tuned_f1", "base_f1", "grounded", "created_at")
    list_filter = (("group", admin.RelatedOnlyFieldListFilter), "state")
    list_select_related = ("group",)
    empty_icon = "layers"
    empty_text = "Each training that could be measured leaves a version here."

    @display(description="Version", ordering="number")
    def name_shown(self, version: AdapterVersion) -> str:
        return str(version)

    @display(description="State", label=STATES, ordering="state")
    def state_label(self, version: AdapterVersion) -> str:
        return str(version.get_state_display())

    @display(description="Token F1, tuned", empty_value="–")
    def tuned_f1(self, version: AdapterVersion) -> Any:
        return version.figure("tuned", "token_f1")

    @display(description="Token F1, base", empty_value="–")
    def base_f1(self, version: AdapterVersion) -> Any:
        return version.figure("base", "token_f1")

    @display(description="Supported", empty_value="–")
    def grounded(self, version: AdapterVersion) -> Any:
        return version.figure("tuned", "grounded")

    def own_pages(self) -> Any:
        return [
            ("<uuid:version_id>/roll-back/", require_POST(self.roll_back), "chat_adapterversion_roll_back"),
            ("<uuid:version_id>/retire/", require_POST(self.retire), "chat_adapterversion_retire"),
        ]

    def page_context(self, record: Any) -> dict[str, Any]:
        return {"version": record, "columns": columns(record.figures), "answers": record.figures.get("answers") or []}

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        response = super().change_view(request, object_id, form_url, extra_context)
        if isinstance(response, TemplateResponse) and response.context_data is not None:
            response.context_data["may_change"] = self._may_change(request)
        return response

    def roll_back(self, request: HttpRequest, version_id: UUID) -> HttpResponse:
        version = self._version(request, version_id)
        try:
            versions.roll_back(version.group_id, version.id)
        except ValidationError as refusal:
            messages.error(request, " ".join(refusal.messages))
        else:
            messages.success(request, f"{version} answers from the next question on.")
        return HttpResponseRedirect(reverse("admin:chat_adapterversion_change", args=[version_id]))

    def retire(self, request: HttpRequest, version_id: UUID) -> HttpResponse:
        version = self._version(request, version_id)
        versions.retire(version.group_id)
        messages.success(request, "The base answers from the next question on.")
        return HttpResponseRedirect(reverse("admin:chat_adapterversion_change", args=[version_id]))

    def _version(self, request: HttpRequest, version_id: UUID) -> AdapterVersion:
        if not self._may_change(request):
            raise PermissionDenied
        version = AdapterVersion.objects.filter(id=version_id).first()
        if version is None:
            raise Http404
        return version

    def _may_change(self, request: HttpRequest) -> bool:
        at_work = access(request)
        return at_work is not None and at_work.changes("knowledge")
