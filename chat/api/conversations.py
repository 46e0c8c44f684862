"""The customer's calls: a bot's public configuration, conversations, messages, events, identity, feedback."""

from functools import partial
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse

from chat import confirming, handoff, store, stream, turn
from chat.api import sse
from chat.api.answers import answered, as_sse
from chat.api.requests import (
    Refused,
    body,
    bot,
    conversation,
    conversation_of_message,
    endpoint,
    limit,
    not_found,
)
from chat.exchange import Choice
from chat.identity import must_sign_in, sign_in, sign_in_by_code, sign_out, start_over, verify
from chat.models import Message
from tenants import limits
from tenants.database import in_database
from tenants.identity import IdentityError
from tenants.resolve import ResolvedBot, ResolvedConversation


@endpoint("GET")
async def configuration(request: HttpRequest, pk: str) -> HttpResponseBase:
    """A bot's public configuration."""
    _, found = await bot(request, pk)
    return JsonResponse(
        {
            "key": found.key,
            "name": found.name,
            "greeting": found.greeting,
            "theme": found.theme,
            "languages": found.languages,
            "suggestions": found.suggestions,
            "sign_in": {"methods": found.sign_in_methods} | ({"required": True} if found.identity_required else {}),
        }
    )


@endpoint("POST")
async def conversations(request: HttpRequest, key: str) -> HttpResponseBase:
    """Open a conversation; with `previous`, opened by its token, one in which the same customer stays signed in."""
    resolved, found = await bot(request, key)
    fields = body(request, page_url=str, previous=str)
    await limit(request, resolved.group_id, limits.CONVERSATIONS_PER_VISITOR)
    page_url, previous = fields.get("page_url") or "", await _previous(request, resolved, fields.get("previous"))
    if previous:
        opened, token = await in_database(
            start_over, resolved.group_id, previous.conversation_id, page_url, scope=resolved.scope
        )
    else:
        opened, token = await in_database(store.open_conversation, found, page_url, scope=resolved.scope)
    answer = {"id": str(opened.id), "token": token, "greeting": found.greeting, "suggestions": found.suggestions}
    if previous:
        answer["customer"] = opened.customer and {"subject": opened.customer.subject, "name": opened.customer.name}
    return JsonResponse(answer, status=201)


@endpoint("GET", "POST")
async def messages(request: HttpRequest, conversation_id: UUID) -> HttpResponseBase:
    """The history, or a new message: answered as a stream of events, or by the answer as JSON."""
    found = await conversation(request, conversation_id)
    if request.method == "GET":
        said = await in_database(store.history, found.group_id, conversation_id, scope=found.scope)
        return JsonResponse({"messages": [_message(message) for message in said]})
    fields = body(request, text=str, choice=dict, client_id=str, page_url=str)
    text, choice = _said(fields)
    client_id = _client_id(fields)
    await limit(request, found.group_id, limits.MESSAGES_PER_VISITOR)
    saved = await in_database(
        store.save_question,
        found.group_id,
        conversation_id,
        text,
        choice,
        client_id,
        fields.get("page_url") or "",
        scope=found.scope,
    )
    if saved.owner == "person":
        return JsonResponse({"owner": "person"}, status=202)
    where = (found.group_id, conversation_id, found.scope)
    if saved.duplicate:
        turn.start(*where)
        return await answered(request, stream.answer(*where, saved.message_id))
    return await answered(request, await stream.begun(*where, saved.message_id, partial(turn.start, *where)))


@endpoint("GET")
async def events(request: HttpRequest, conversation_id: UUID) -> HttpResponseBase:
    """Everything that happens, as it happens; resumes after Last-Event-ID."""
    found = await conversation(request, conversation_id)
    last = request.headers.get("Last-Event-ID") or "0"
    if not last.isdigit() or len(last) > 18:
        raise Refused(400, "invalid", "Last-Event-ID must be the number of an event.")
    return sse.stream(as_sse(stream.follow(found.group_id, conversation_id, found.scope, int(last)), opening=True))


@endpoint("POST", "DELETE")
async def identity(request: HttpRequest, conversation_id: UUID) -> HttpResponseBase:
    """Verify the customer by a JWT of the tenant or by the code of a sign-in at its provider, or sign them out."""
    found = await conversation(request, conversation_id)
    if request.method == "DELETE":
        await in_database(sign_out, found.group_id, conversation_id, scope=found.scope)
        return HttpResponse(status=204)
    fields = body(request, token=str, code=str)
    await limit(request, found.group_id, limits.SIGN_INS_PER_VISITOR)
    name = "code" if fields.get("code") else "token"
    try:
        if name == "code":
            done = in_database(sign_in_by_code, found.group_id, conversation_id, fields["code"], scope=found.scope)
        else:
            verified, use = await verify(found.group_id, fields.get("token") or "", found.scope)
            done = in_database(sign_in, found.group_id, conversation_id, verified, use, scope=found.scope)
        customer, goes_on = await done
    except IdentityError as problem:
        raise Refused(401, "identity_refused", str(problem), {name: str(problem)}) from problem
    if goes_on:
        turn.start(found.group_id, conversation_id, found.scope)
    return JsonResponse({"subject": customer.subject, "name": customer.name})


@endpoint("POST")
async def ask_for_person(request: HttpRequest, conversation_id: UUID) -> HttpResponseBase:
    """Put the conversation into the inbox."""
    found = await conversation(request, conversation_id)
    await limit(request, found.group_id, limits.MESSAGES_PER_VISITOR)
    if await in_database(must_sign_in, found.group_id, conversation_id, scope=found.scope):
        raise Refused(403, "sign_in_required", "Please sign in first.")
    asked = await in_database(handoff.ask_for_person, found.group_id, conversation_id, scope=found.scope)
    return JsonResponse({"owner": asked.owner, "waiting": asked.waiting_since is not None}, status=202)


@endpoint("POST")
async def feedback(request: HttpRequest, message_id: UUID) -> HttpResponseBase:
    """Whether an answer helped."""
    found = await conversation_of_message(request, message_id)
    fields = body(request, helpful=bool, comment=str)
    if fields.get("helpful") is None:
        raise Refused(400, "invalid", "helpful: true or false.", {"helpful": "true or false."})
    comment = fields.get("comment") or ""
    await in_database(store.save_feedback, message_id, fields["helpful"], comment, scope=found.scope)
    return HttpResponse(status=204)


async def _previous(
    request: HttpRequest, resolved: ResolvedBot, conversation_id: str | None
) -> ResolvedConversation | None:
    """The conversation that is left for a new one; only its own token tells that it may be."""
    if not conversation_id:
        return None
    try:
        found = await conversation(request, UUID(conversation_id))
    except ValueError as problem:
        raise not_found() from problem
    if found.group_id != resolved.group_id:
        raise not_found()
    return found


def _said(fields: dict[str, Any]) -> tuple[str, Choice | None]:
    chosen = fields.get("choice")
    if chosen is None:
        return fields.get("text") or "", None
    if fields.get("text") is not None:
        raise Refused(400, "invalid", "Send text or choice, not both.", {"choice": "Send text or choice, not both."})
    field, value = chosen.get("field"), chosen.get("value")
    if not isinstance(field, str) or not isinstance(value, str) or set(chosen) - {"field", "value"}:
        raise Refused(400, "invalid", 'choice: send {"field", "value"}.', {"choice": 'Send {"field", "value"}.'})
    if field == confirming.FIELD:
        wrong = "A confirmation is answered at its own address."
        raise Refused(400, "invalid", f"choice: {wrong}", {"choice": wrong})
    return value, Choice(field[:100], value)


def _client_id(fields: dict[str, Any]) -> str | None:
    client_id: str | None = fields.get("client_id")
    if client_id is not None and not 0 < len(client_id) <= 100:
        raise Refused(400, "invalid", "client_id: 1 to 100 characters.", {"client_id": "1 to 100 characters."})
    return client_id


def _message(message: Message) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "id": str(message.id),
        "role": message.role,
        "text": message.text,
        "created_at": message.created_at.isoformat(),
    }
    optional = {"client_id": message.client_id, "name": message.author or None, "helpful": message.helpful}
    return {
        **(message.answer or {}),
        **fields,
        **{name: value for name, value in optional.items() if value is not None},
    }
