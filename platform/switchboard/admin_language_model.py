"""The language model in the web admin: whether it is reached, whose adapters are live, and tokens per second."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse

from chat import llm, served_models
from chat.served_models import Served
from tenants.models import Bot
from tenants.roles import Access, access
from tenants.scope import within

PAGE, STATE = "admin/language_model/page.html", "admin/language_model/_state.html"


@dataclass(frozen=True)
class LiveAdapter:
    """An adapter of one of this tenant's bots that the server holds in its memory."""

    bot: str
    name: str
    version: str


def page(site: AdminSite) -> Callable[..., HttpResponse]:
    """The view; it takes the member's scope around its queries, and none while the server is asked."""

    def view(request: HttpRequest) -> HttpResponse:
        at_work = _permitted(request)
        shown = _shown(at_work)
        with within(at_work.scope):
            context = {**site.each_context(request), **shown, "title": "Language model"}
            return TemplateResponse(request, PAGE, context).render()

    return view


def live(request: HttpRequest) -> HttpResponse:
    """The state as HTML, if it is no longer what the page has `seen`."""
    shown = _shown(_permitted(request))
    answer: dict[str, Any] = {"seen": shown["seen"]}
    if request.GET.get("seen") != shown["seen"]:
        answer["parts"] = {"state": render_to_string(STATE, shown, request)}
    return JsonResponse(answer)


def _permitted(request: HttpRequest) -> Access:
    at_work = access(request)
    if at_work is None or not at_work.changes("bots"):
        raise PermissionDenied
    return at_work


def _shown(at_work: Access) -> dict[str, Any]:
    if not llm.is_configured():
        return {"configured": False, "seen": "none"}
    found = async_to_sync(served_models.served)()
    with within(at_work.scope):
        adapters = _of_these_bots(found)
    shown = {
        "configured": True,
        "address": settings.LLM_BASE_URL,
        "models": [name for name in (settings.LLM_MODEL, settings.LLM_SMALL_MODEL) if name],
        "served": found,
        "adapters": adapters,
    }
    return shown | {"seen": sha256(repr(shown).encode("utf-8", "replace")).hexdigest()[:16]}


def _of_these_bots(found: Served) -> list[LiveAdapter]:
    """Those of the bots in scope; an adapter's name is its bot's group ID and a version."""
    adapters = []
    for bot in Bot.objects.order_by("name", "id"):
        prefix = f"{bot.id}-"
        adapters += [
            LiveAdapter(bot.name, name, name.removeprefix(prefix)) for name in found.adapters if name.startswith(prefix)
        ]
    return adapters
