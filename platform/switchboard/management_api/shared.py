"""One address for two audiences: with an Authorization header it is managed, without one it is public."""

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

READING = ("GET", "HEAD", "OPTIONS")


def by_authorization(
    public: Callable[..., Awaitable[HttpResponseBase]], managed: Callable[..., HttpResponseBase]
) -> Callable[..., Any]:
    """A view that reads as `public` without an Authorization header, and is `managed` otherwise."""

    @csrf_exempt  # Neither side reads a cookie.
    async def view(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        if request.method in READING and "Authorization" not in request.headers:
            return await public(request, **kwargs)
        return await sync_to_async(managed)(request, **kwargs)

    return view
