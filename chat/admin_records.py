"""What the pages of records share: what happened is there to read, and nobody edits or deletes it."""

from typing import Any, ClassVar

from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from tenants.admin_base import ScopedAdmin
from tenants.roles import Area


class RecordAdmin(ScopedAdmin):
    """Records of what happened: nobody edits or deletes them here."""

    area: ClassVar[Area] = "conversations"
    editable = False
    empty_icon = "forum"
    empty_text = "It appears here as soon as customers talk to your bots."
    page_template: str
    page_title: str

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        record = self.get_object(request, object_id)
        if record is None:
            raise Http404
        context = {
            **self.admin_site.each_context(request),
            "title": self.page_title,
            "opts": self.opts,
            "original": record,
            **self.page_context(record),
        }
        return TemplateResponse(request, self.page_template, context)

    def page_context(self, record: Any) -> dict[str, Any]:
        """What the page's template needs beside the record itself."""
        return {}
