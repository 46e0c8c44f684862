"""The pages that are neither admin nor API: the front page and the widget's script."""

import hashlib
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import render

from switchboard.environment import BASE_DIR


async def front_page(request: HttpRequest) -> HttpResponse:
    """What runs here, where to try it, and with which logins."""
    return render(request, "front_page.html", {"demo": settings.DEMO, "businesses": _demo_businesses()})


def _demo_businesses() -> list[Any]:
    """Imported for the demo alone: elsewhere its folder need not be there."""
    if not settings.DEMO:
        return []
    from deploy.demo.front_page import businesses

    return list(businesses())


async def widget(request: HttpRequest) -> HttpResponse:
    """The widget: one file, for any website."""
    return _script(request, "widget.js")


async def widget_more(request: HttpRequest) -> HttpResponse:
    """What the widget fetches only when somebody wants it."""
    return _script(request, "more.js")


def _script(request: HttpRequest, name: str) -> HttpResponse:
    script, etag = _read(name)
    if request.headers.get("If-None-Match") == etag:
        return HttpResponseNotModified()
    response = HttpResponse(script, content_type="text/javascript; charset=utf-8")
    response["ETag"] = etag
    response["Cache-Control"] = "public, max-age=300"
    response["Access-Control-Allow-Origin"] = "*"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@cache
def _read(name: str) -> tuple[bytes, str]:
    script = (BASE_DIR / "platform" / "static" / "widget" / name).read_bytes()
    return script, f'"{hashlib.sha256(script).hexdigest()[:16]}"'
