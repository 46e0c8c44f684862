"""Signing in at the bot's OpenID provider, in a pop-up beside the website.

The widget asks for a start (with its conversation's token) and gets an address to open in a pop-up. When the provider
sends the browser back, the sign-in is not given to whoever began it: a code goes to the window that opened the pop-up,
if that is still of the website it was begun for, and counts only together with the conversation's token. So nobody can
have a stranger sign in for a conversation of his own, nor be signed in by one.
"""

import logging
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from chat.api import cors
from chat.api.requests import Refused, conversation, endpoint, limit
from tenants import limits, resolve
from tenants.identity import IdentityError
from tenants.models import Bot
from tenants.openid import flow, sign_ins
from tenants.openid.provider import Client
from tenants.outside import OutsideError
from tenants.scope import Scope, within

logger = logging.getLogger(__name__)
METHOD = "openid"
SALT = "switchboard sign-in"
TICKET_LIVES_S = 300
LONGEST_PAGE = 1000


@endpoint("GET")
async def start(request: HttpRequest, conversation_id: UUID, method: str) -> HttpResponseBase:
    """With the conversation's token: the address for the pop-up. That address itself: off to the provider."""
    if "ticket" in request.GET and "Authorization" not in request.headers:
        return await sync_to_async(_leave)(request, conversation_id)
    found = await conversation(request, conversation_id)
    await limit(request, found.group_id, limits.SIGN_INS_PER_VISITOR)
    if method not in await sync_to_async(_methods)(found.group_id, found.scope):
        raise Refused(404, "not_found", "This bot has no such sign-in method.")
    origin, page = _whence(request)
    ticket = {"group": str(found.group_id), "conversation": str(conversation_id), "origin": origin, "page": page}
    if request.GET.get("again") == "1":
        ticket["again"] = "yes"
    query = urlencode({"ticket": signing.dumps(ticket, salt=SALT, compress=True)})
    return JsonResponse({"url": f"{settings.PUBLIC_URL}{request.path}?{query}"})


@csrf_exempt  # What it trusts is the state in its own cookie, not a session.
def callback(request: HttpRequest, key: str) -> HttpResponse:
    """Where the provider sends the browser back to."""
    found = resolve.bot(key)
    client = _client(found.group_id, found.scope) if found else None
    if found is None or client is None:
        return _page(request, "This sign-in does not exist (any more).", status=404)
    try:
        signed_in = flow.complete(request, client, _callback_url(client))
    except flow.SignInFailed as problem:
        return _page(request, str(problem), client, close=problem.cancelled, status=200 if problem.cancelled else 400)
    except (IdentityError, OutsideError) as problem:
        logger.warning("Sign-in at the provider of %s: %s", client.bot_key, problem)
        return _page(request, f"You could not be signed in. {problem}", client, status=502)
    data = signed_in.data
    with within(found.scope):
        code = sign_ins.keep(found.group_id, UUID(data["conversation"]), signed_in.identity, signed_in.tokens)
    handed = {"code": code, "origin": data["origin"], "page": data["page"]}
    return _page(request, "You are signed in. This window closes by itself.", client, **handed)


def _leave(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """From the pop-up to the provider; past a page of ours where any website may carry the widget."""
    try:
        ticket: dict[str, Any] = signing.loads(request.GET["ticket"], salt=SALT, max_age=TICKET_LIVES_S)
    except signing.BadSignature:
        return _page(request, "This sign-in was begun too long ago. Please try again from the chat.", status=400)
    group_id = UUID(ticket.pop("group"))
    scope = resolve.group_scope(group_id)
    client = _client(group_id, scope) if scope else None
    if scope is None or client is None or ticket["conversation"] != str(conversation_id):
        return _page(request, "This sign-in does not exist (any more).", status=404)
    try:
        begun = flow.begin(request, client, _callback_url(client), ticket, again="again" in ticket)
    except OutsideError as problem:
        logger.warning("Sign-in at the provider of %s: %s", client.bot_key, problem)
        return _page(request, "The sign-in cannot be reached just now. Please try again later.", client, status=502)
    response: HttpResponse = HttpResponseRedirect(begun.address)
    if not _is_named(ticket["origin"], group_id, scope):
        # Only this page knows the address, so nobody gets past the question.
        response = _page(request, "", client, website=urlsplit(ticket["origin"]).netloc, onward=begun.address)
    response.set_cookie(
        flow.COOKIE,
        begun.cookie,
        max_age=flow.LONGEST_S,
        path=reverse("sign_in_callback", args=[client.bot_key]),
        secure=settings.PUBLIC_URL.startswith("https://"),
        httponly=True,
        samesite="Lax",
    )
    return _beside_the_website(response)


def _whence(request: HttpRequest) -> tuple[str, str]:
    """The website that asks, as the browser names it, and the page there."""
    origin = request.headers.get("Origin") or settings.PUBLIC_URL
    if not cors.is_origin(origin):
        raise Refused(403, "origin_not_allowed", "Sign-in can only be started from a website.")
    page = request.GET.get("page_url", "")[:LONGEST_PAGE]
    return origin, page if page.startswith(f"{origin}/") else f"{origin}/"


def _methods(group_id: UUID, scope: Scope) -> list[str]:
    return [METHOD] if _client(group_id, scope) else []


def _client(group_id: UUID, scope: Scope) -> Client | None:
    with within(scope):
        return Client.of(Bot.objects.get(id=group_id))


def _is_named(origin: str, group_id: UUID, scope: Scope) -> bool:
    """Whether the business itself has named the website, or it is ours."""
    with within(scope):
        named = Bot.objects.values_list("allowed_origins", flat=True).get(id=group_id)
    return origin == settings.PUBLIC_URL or origin.lower() in {entry.rstrip("/").lower() for entry in named}


def _callback_url(client: Client) -> str:
    return settings.PUBLIC_URL + reverse("sign_in_callback", args=[client.bot_key])


def _page(
    request: HttpRequest, text: str, client: Client | None = None, *, status: int = 200, **values: Any
) -> HttpResponse:
    context = {"text": text, "name": client.bot_name if client else "", "ok": status == 200, **values}
    response = _beside_the_website(render(request, "sign_in.html", context, status=status))
    if client:
        response.delete_cookie(flow.COOKIE, path=reverse("sign_in_callback", args=[client.bot_key]))
    return response


def _beside_the_website(response: HttpResponse) -> HttpResponse:
    """A pop-up must still know the window that opened it; what it shows must not be kept, framed, or told to others."""
    response["Cross-Origin-Opener-Policy"] = "unsafe-none"
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    response["Content-Security-Policy"] = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )
    return response
