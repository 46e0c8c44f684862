"""Importing actions from an OpenAPI document in the web admin: give it, pick operations, name and describe them."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminURLInputWidget

from knowledge import openapi
from knowledge.models import DataApi
from knowledge.openapi import Described, OpenApiError
from tenants.admin_base import ScopedAdmin
from tenants.roles import Access, access
from tenants.scope import within

PAGE = "admin/knowledge/dataapi/import.html"


class DocumentForm(forms.Form):
    url = forms.URLField(
        required=False, label="Its address", assume_scheme="https", widget=UnfoldAdminURLInputWidget, max_length=1000
    )
    file = forms.FileField(required=False, label="Or its file", widget=UnfoldAdminFileFieldWidget)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if bool(cleaned.get("url")) == bool(cleaned.get("file")):
            raise ValidationError("Give either the address or the file of an OpenAPI 3 document.")
        return cleaned


def import_page(admin: ScopedAdmin) -> Callable[..., HttpResponse]:
    """The view; it takes the member's scope around its queries, and none while a document is fetched."""

    def view(request: HttpRequest, api_id: UUID) -> HttpResponse:
        at_work = access(request)
        if at_work is None or not at_work.changes(admin.area):
            raise PermissionDenied
        with within(at_work.scope):
            api = DataApi.objects.filter(id=api_id).first()
        if api is None:
            raise Http404
        page = _Page(admin, request, at_work, api)
        if request.method != "POST":
            return page.shown(DocumentForm())
        return page.picked() if "document" in request.POST else page.described()

    return view


class _Page:
    """One visit: first the document is given; it comes back, checked, with what is picked from it."""

    def __init__(self, admin: ScopedAdmin, request: HttpRequest, at_work: Access, api: DataApi) -> None:
        self.admin, self.request, self.at_work, self.api = admin, request, at_work, api

    def described(self) -> HttpResponse:
        form = DocumentForm(self.request.POST, self.request.FILES)
        if not form.is_valid():
            return self.shown(form)
        url, file = form.cleaned_data["url"], form.cleaned_data["file"]
        try:
            content = file.read() if file else async_to_sync(openapi.fetch)(url, str(self.api.group_id))
            document = openapi.read(content)
        except OpenApiError as problem:
            for each in problem.problems:
                form.add_error("file" if file else "url", each)
            return self.shown(form)
        return self.shown(form, document, openapi.describe(document, url))

    def picked(self) -> HttpResponse:
        try:
            document = openapi.read(self.request.POST["document"].encode())
        except OpenApiError as problem:
            raise PermissionDenied(str(problem)) from problem
        described = openapi.describe(document)
        try:
            with within(self.at_work.scope):
                made = openapi.import_actions(self.api, described, _picks(described, self.request.POST))
        except ValidationError as problem:
            texts = [f"{field}: {' '.join(texts)}" for field, texts in problem.message_dict.items()]
            return self.shown(DocumentForm(), document, described, texts)
        messages.success(self.request, f"{len(made)} action{'' if len(made) == 1 else 's'} imported.")
        return HttpResponseRedirect(reverse("admin:knowledge_action_changelist"))

    def shown(
        self,
        form: DocumentForm,
        document: dict[str, Any] | None = None,
        described: Described | None = None,
        problems: list[str] | None = None,
    ) -> HttpResponse:
        with within(self.at_work.scope):
            context = {
                **self.admin.admin_site.each_context(self.request),
                "title": f"Import actions into {self.api}",
                "opts": self.admin.opts,
                "original": self.api,
                "form": form,
                "document": json.dumps(document) if document else "",
                "described": described,
                "problems": problems,
            }
            return TemplateResponse(self.request, PAGE, context).render()


def _picks(described: Described, posted: QueryDict) -> list[dict[str, Any]]:
    """What was ticked, with the names and descriptions that were typed, and the parameters that are the customer's."""
    picks = []
    for number, operation in enumerate(described.operations):
        if f"pick_{number}" in posted:
            pick: dict[str, Any] = {"operation": operation.key, "parameters": {}}
            for field in ("name", "title", "description"):
                if text := posted.get(f"{field}_{number}", "").strip():
                    pick[field] = text
            for row in operation.parameters:
                if source := posted.get(f"source_{number}_{row['name']}", ""):
                    pick["parameters"][row["name"]] = {"source": source}
            pick["only_reads"] = f"reads_{number}" in posted
            picks.append(pick)
    return picks
