"""The trail of calls in the web admin: to search, to look at and to export; nobody edits it."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.decorators import display

from knowledge import trail
from knowledge.models import Call, CallRecord
from tenants.admin_base import ScopedAdmin
from tenants.roles import access

STATES = {
    "Done": "success", "Not done": "danger", "Not known": "danger", "Under way": "info", "Confirmed": "info",
    "Waits for approval": "warning", "Waits for the customer's yes": "warning",
}  # fmt: skip


@admin.register(CallRecord)
class CallRecordAdmin(ScopedAdmin):
    area = "conversations"
    editable = False
    empty_icon = "receipt_long"
    empty_text = "Every call of a data API appears here, with what came of it. Nobody can change these lines."
    list_display = (
        "at", "action_name", "state_label", "group", "who", "shown_arguments", "outcome", "took", "approved_by",
    )  # fmt: skip
    list_filter = (("group", admin.RelatedOnlyFieldListFilter), "state", ("at", admin.DateFieldListFilter))
    search_fields = ("action_name", "customer_subject", "arguments", "outcome", "approved_by", "made_by")
    search_help_text = "Search by action, customer, arguments or outcome"
    list_select_related = ("group",)
    list_before_template = "admin/knowledge/callrecord/export_link.html"
    fieldsets = (
        (None, {"fields": ("at", "group", "action_name", "method", "state", "outcome", "status", "duration_ms")}),
        ("Who", {"fields": ("customer_subject", "conversation_id", "approved_by", "made_by", "call_id")}),
        ("With what", {"fields": ("shown_arguments",)}),
    )
    readonly_fields = ("shown_arguments",)

    @display(description="State", ordering="state", label=STATES)
    def state_label(self, record: CallRecord) -> str:
        return str(record.get_state_display())

    @display(description="Customer", ordering="customer_subject", empty_value="–")
    def who(self, record: CallRecord) -> str | None:
        return record.customer_subject or record.made_by or None

    @display(description="Arguments")
    def shown_arguments(self, record: CallRecord) -> str:
        return ", ".join(f"{name}: {value}" for name, value in record.arguments.items())[:300] or "–"

    @display(description="Took", ordering="duration_ms")
    def took(self, record: CallRecord) -> str:
        finished = record.state in (Call.State.DONE, Call.State.FAILED, Call.State.UNKNOWN)
        return f"{record.duration_ms:,.0f} ms" if finished else "–"

    def own_pages(self) -> Any:
        return [("export/", self.export, "knowledge_callrecord_export")]

    def export(self, request: HttpRequest) -> HttpResponse:
        """What the list shows, with its search and filters, as a file."""
        at_work = access(request)
        rows: QuerySet[CallRecord] = CallRecord.objects.none()
        if at_work is not None and at_work.sees(self.area):
            try:
                rows = self.get_changelist_instance(request).get_queryset(request)
            except IncorrectLookupParameters:
                return HttpResponseRedirect(reverse("admin:knowledge_callrecord_changelist"))
        headers = {"Content-Disposition": 'attachment; filename="calls.csv"'}
        return HttpResponse(trail.as_csv(rows), content_type="text/csv; charset=utf-8", headers=headers)
