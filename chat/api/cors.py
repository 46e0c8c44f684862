"""Cross-origin calls (WHATWG Fetch): the widget lives on the business's website.

No call reads a cookie, so a preflight may be answered before the bot is known; the call itself is then refused, and
its answer kept from the page, unless the bot allows the origin.
"""

from collections.abc import Sequence
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseBase

HEADERS = "Authorization, Content-Type, Accept, Last-Event-ID, X-API-Key"
_ADMITTED = "_admitted_origin"


def admit(request: HttpRequest, allowed: Sequence[str]) -> bool:
    """Whether the calling page may use the bot: none is named, its origin is, or it is our own."""
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    own = urlsplit(origin).netloc == request.get_host()
    if own or not allowed or origin.lower() in {entry.rstrip("/").lower() for entry in allowed}:
        setattr(request, _ADMITTED, origin)
        return True
    return False


def is_origin(text: str) -> bool:
    """Whether this is the origin of a website, and nothing more or less."""
    parts = urlsplit(text)
    return parts.scheme in ("http", "https") and bool(parts.netloc) and text == f"{parts.scheme}://{parts.netloc}"


def allow(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    origin = getattr(request, _ADMITTED, None)
    if origin:
        response["Access-Control-Allow-Origin"] = origin
        response["Access-Control-Expose-Headers"] = "Retry-After"
    response["Vary"] = "Origin"
    return response


def preflight(request: HttpRequest, methods: Sequence[str]) -> HttpResponse:
    response = HttpResponse(status=204)
    response["Access-Control-Allow-Origin"] = request.headers.get("Origin", "*")
    response["Access-Control-Allow-Methods"] = ", ".join(methods)
    response["Access-Control-Allow-Headers"] = HEADERS
    response["Access-Control-Max-Age"] = "600"
    response["Vary"] = "Origin"
    return response
