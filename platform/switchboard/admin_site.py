"""The web admin: every page runs inside the scope of the member who looks at it."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.sites import UnfoldAdminSite

from chat.inbox import approvals
from chat.inbox import views as inbox
from switchboard import admin_dashboard, admin_language_model
from switchboard.admin_access import TENANT_IN_SESSION, SignInForm, find_access, scoped
from tenants.roles import access


class SwitchboardSite(UnfoldAdminSite):
    login_form = SignInForm
    index_title = "Overview"
    empty_value_display = "–"

    def has_permission(self, request: HttpRequest) -> bool:
        return find_access(request) is not None

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        return scoped(super().admin_view(view, cacheable))

    def open_view(self, view: Callable[..., Any]) -> Callable[..., Any]:
        """For a view that asks other servers, and so takes its scope by itself, around its queries alone."""
        return super().admin_view(view)

    def extra_urls(self) -> list[URLPattern]:
        pages: list[tuple[str, Callable[..., Any], str]] = [
            ("tenant/<uuid:tenant_id>/", self.switch_tenant, "switch_tenant"),
            ("inbox/", inbox.waiting_list, "inbox"),
            ("inbox/live/", inbox.waiting_list_live, "inbox_live"),
            ("approvals/", approvals.approvals, "approvals"),
            ("approvals/<uuid:call_id>/<slug:verb>/", approvals.decide, "approval_decide"),
            ("inbox/<uuid:conversation_id>/", inbox.conversation, "inbox_conversation"),
            ("inbox/<uuid:conversation_id>/live/", inbox.conversation_live, "inbox_conversation_live"),
            ("inbox/<uuid:conversation_id>/<slug:verb>/", inbox.act, "inbox_act"),
        ]
        opened: list[tuple[str, Callable[..., Any], str]] = [
            ("language-model/", admin_language_model.page(self), "language_model"),
            ("language-model/live/", admin_language_model.live, "language_model_live"),
        ]
        return [path(route, self.admin_view(view), name=name) for route, view, name in pages] + [
            path(route, self.open_view(view), name=name) for route, view, name in opened
        ]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        return super().index(request, {**admin_dashboard.context(request), **(extra_context or {})})

    def app_index(self, request: HttpRequest, app_label: str, extra_context: Any = None) -> HttpResponse:
        """The sidebar is the way around: there are no pages by Python package."""
        return HttpResponseRedirect(reverse("admin:index"))

    def switch_tenant(self, request: HttpRequest, tenant_id: UUID) -> HttpResponse:
        """Work for another tenant of which this person is a member."""
        at_work = access(request)
        if at_work is None or tenant_id not in {each for each, _name in at_work.others}:
            raise Http404
        request.session[TENANT_IN_SESSION] = str(tenant_id)
        return HttpResponseRedirect(reverse("admin:index"))
