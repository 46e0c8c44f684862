"""The embedding model of each bot in the web admin: what it answers from, how far another is, and going back."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from knowledge import spaces
from knowledge.models import EmbeddingSpace
from knowledge.space_overview import Overview, overview
from tenants.admin_base import ScopedAdmin
from tenants.models import Bot

LIST = "admin/knowledge/embeddingspace/_bots.html"
BOTS_PER_PAGE = 20


@dataclass(frozen=True)
class BotLine:
    bot: Bot
    fronts: tuple[str, ...]
    overview: Overview


@admin.register(EmbeddingSpace)
class SpaceAdmin(ScopedAdmin):
    area = "bots"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A space is built, not written."""
        return False

    def own_pages(self) -> Any:
        return [
            ("live/", self.live, "knowledge_embeddingspace_live"),
            ("of/<uuid:group_id>/move/", require_POST(self.move), "knowledge_embeddingspace_move"),
            ("of/<uuid:group_id>/discard/", require_POST(self.discard), "knowledge_embeddingspace_discard"),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        context = {**self.admin_site.each_context(request), **self._shown(request), "title": "Embedding models"}
        return TemplateResponse(request, "admin/knowledge/embeddingspace/list.html", context)

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        raise Http404

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        raise Http404

    def live(self, request: HttpRequest) -> HttpResponse:
        """The bots as HTML, if they are no longer what the page has `seen`."""
        context = self._shown(request)
        answer: dict[str, Any] = {"seen": context["seen"]}
        if request.GET.get("seen") != context["seen"]:
            answer["parts"] = {"bots": render_to_string(LIST, context, request)}
        return JsonResponse(answer)

    def move(self, request: HttpRequest, group_id: UUID) -> HttpResponse:
        bot = self._bot(request, group_id)
        key, model = request.POST.get("space", ""), request.POST.get("model", "")
        try:
            if key:
                spaces.move_to_space(bot, key)
            else:
                spaces.move_to_model(bot, model)
        except ValidationError as refusal:
            messages.error(request, " ".join(refusal.messages))
        return HttpResponseRedirect(reverse("admin:knowledge_embeddingspace_changelist"))

    def discard(self, request: HttpRequest, group_id: UUID) -> HttpResponse:
        bot = self._bot(request, group_id)
        try:
            spaces.discard(bot, request.POST.get("space", ""))
        except ValidationError as refusal:
            messages.error(request, " ".join(refusal.messages))
        else:
            messages.info(request, "The space is gone, with its vectors.")
        return HttpResponseRedirect(reverse("admin:knowledge_embeddingspace_changelist"))

    def _bot(self, request: HttpRequest, group_id: UUID) -> Bot:
        if not self.has_change_permission(request):
            raise PermissionDenied
        bot = Bot.objects.filter(id=group_id).first()
        if bot is None:
            raise Http404
        return bot

    def _shown(self, request: HttpRequest) -> dict[str, Any]:
        if not self.has_view_permission(request):
            raise PermissionDenied
        bots = Bot.objects.filter(fronted_by=None).prefetch_related("fronts").order_by("name", "id")
        page: Page[Bot] = Paginator(bots, BOTS_PER_PAGE).get_page(request.GET.get("page"))
        lines = [BotLine(bot, tuple(each.name for each in bot.fronts.all()), overview(bot)) for bot in page]
        may_change = self.has_change_permission(request)
        seen = sha256(repr((lines, may_change)).encode("utf-8", "replace")).hexdigest()[:16]
        return {"lines": lines, "page": page, "may_change": may_change, "seen": seen}
