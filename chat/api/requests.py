"""What the customer's calls have in common: JSON in and out, errors in one form, tokens, origins and limits."""

import json
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from chat.api import cors
from tenants import limits, resolve
from tenants.database import in_database
from tenants.models import Bot
from tenants.resolve import ResolvedBot, ResolvedConversation
from tenants.scope import within

MAX_BODY = 64 * 1024
View = Callable[..., Awaitable[HttpResponseBase]]


class Refused(Exception):
    """A call that is answered by an error."""

    def __init__(
        self, status: int, code: str, message: str, fields: dict[str, str] | None = None, retry_after: int = 0
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.fields, self.retry_after = status, code, message, fields, retry_after

    def response(self) -> JsonResponse:
        body: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.fields:
            body["fields"] = self.fields
        response = JsonResponse(body, status=self.status)
        if self.retry_after:
            response["Retry-After"] = str(self.retry_after)
        return response


def not_found() -> Refused:
    return Refused(404, "not_found", "There is nothing at this address, or the token does not open it.")


def endpoint(*methods: str) -> Callable[[View], Callable[..., Any]]:
    """A JSON endpoint for these methods; whatever it refuses becomes an error in the contract's form."""

    def decorate(view: View) -> Callable[..., Any]:
        @csrf_exempt  # No cookie is ever read here; every call carries its own token.
        @wraps(view)
        async def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method == "OPTIONS":
                return cors.preflight(request, methods)
            try:
                if request.method not in methods:
                    raise Refused(405, "method_not_allowed", f"Use {' or '.join(methods)}.")
                response = await view(request, *args, **kwargs)
            except Refused as refusal:
                response = refusal.response()
            except ValidationError as problem:
                response = invalid(problem).response()
            return cors.allow(request, response)

        return guarded

    return decorate


def invalid(problem: ValidationError) -> Refused:
    fields = {name: " ".join(messages) for name, messages in problem.message_dict.items()}
    return Refused(400, "invalid", "; ".join(f"{name}: {text}" for name, text in fields.items()), fields)


def body(request: HttpRequest, **types: type | tuple[type, ...]) -> dict[str, Any]:
    """The JSON object that was sent, with only the fields named, each of its type or null."""
    if len(request.body) > MAX_BODY:
        raise Refused(413, "too_large", f"At most {MAX_BODY:,} bytes.")
    try:
        content = json.loads(request.body or b"{}")
    except (ValueError, RecursionError) as problem:
        raise Refused(400, "invalid", "The body is not JSON in UTF-8.") from problem
    if not isinstance(content, dict):
        raise Refused(400, "invalid", "The body must be a JSON object.")
    fields = {name: "This field is not known." for name in content if name not in types}
    for name, kind in types.items():
        value = content.get(name)
        if value is not None and (not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool)):
            fields[name] = "This has the wrong type."
    if fields:
        raise Refused(400, "invalid", "; ".join(f"{name}: {text}" for name, text in fields.items()), fields)
    return content


def bearer(request: HttpRequest) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Refused(401, "unauthorized", "Send the conversation's token: Authorization: Bearer TOKEN.")
    return token.strip()


async def conversation(request: HttpRequest, conversation_id: UUID) -> ResolvedConversation:
    """The conversation that the call's token opens. A wrong token and a missing conversation look the same."""
    return await in_database(_opened, request, resolve.conversation, conversation_id, bearer(request), scope=None)


async def conversation_of_message(request: HttpRequest, message_id: UUID) -> ResolvedConversation:
    """The conversation of a message, if the call's token opens it."""
    return await in_database(_opened, request, resolve.message, message_id, bearer(request), scope=None)


async def bot(request: HttpRequest, key: str) -> tuple[ResolvedBot, Bot]:
    """The bot of a public key."""
    return await in_database(_bot, request, key, scope=None)


def _opened(
    request: HttpRequest, resolver: Callable[[UUID, str], ResolvedConversation | None], id: UUID, token: str
) -> ResolvedConversation:
    found = resolver(id, token)
    if found is None:
        raise not_found()
    with within(found.scope):
        _check_origin(request, Bot.objects.get(id=found.group_id))
    return found


def _bot(request: HttpRequest, key: str) -> tuple[ResolvedBot, Bot]:
    found = resolve.bot(key)
    if found is None:
        raise not_found()
    with within(found.scope):
        bot = Bot.objects.get(id=found.group_id)
    _check_origin(request, bot)
    return found, bot


def _check_origin(request: HttpRequest, bot: Bot) -> None:
    if not cors.admit(request, bot.allowed_origins):
        raise Refused(403, "origin_not_allowed", "This website may not carry this bot's widget.")


async def limit(request: HttpRequest, group_id: UUID, visitor_limit: limits.Limit) -> None:
    """Count the call against its visitor and its bot, unless it also carries the tenant's API key."""
    secret = request.headers.get("X-API-Key")
    if secret:
        key = await in_database(resolve.api_key, secret, scope=None)
        if key is not None and group_id in key.scope.groups:
            return
        raise Refused(401, "unauthorized", "The X-API-Key is not valid for this bot.")
    visitor = request.META.get("REMOTE_ADDR", "")
    for rule, subject in ((visitor_limit, f"{group_id}:{visitor}"), (limits.MESSAGES_PER_BOT, str(group_id))):
        wait = await limits.exceeded(rule, subject)
        if wait:
            message = f"That is a lot at once. Please try again in {wait} seconds."
            raise Refused(429, "too_many_requests", message, retry_after=wait)
