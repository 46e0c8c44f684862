"""POST /v1/chat/completions: a bot as a model of the OpenAI chat API, streaming included."""

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from chat import store, stream, turn
from chat.api import sse
from chat.models import Message
from tenants import resolve
from tenants.database import in_database
from tenants.models import Bot
from tenants.scope import Scope

MAX_BODY = 1024 * 1024
MOST_MESSAGES = 200


@csrf_exempt  # The call carries an API key and reads no cookie.
async def chat_completions(request: HttpRequest) -> HttpResponseBase:
    """Answer the last user message; those before it are the conversation so far."""
    if request.method != "POST":
        return _error(405, "Use POST.")
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    key = await in_database(resolve.api_key, secret.strip(), scope=None) if scheme.lower() == "bearer" else None
    if key is None:
        return _error(401, "The API key is missing or not valid.", "invalid_api_key")
    try:
        fields = _parse(request)
        model, wants_stream = fields["model"], fields.get("stream") is True
        group_id, scope, message_id, conversation_id = await in_database(
            _save, model, _conversation(fields["messages"]), scope=key.scope
        )
    except ValidationError as problem:
        return _error(400, "; ".join(problem.messages))
    except Bot.DoesNotExist:
        return _error(404, f"There is no bot with the key “{model}”.", "model_not_found")
    where = (group_id, conversation_id, scope)
    seen = await stream.begun(*where, message_id, partial(turn.start, *where))

    async def usage() -> dict[str, int]:
        read, written = await in_database(store.tokens_of, group_id, message_id, scope=scope)
        return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}

    if wants_stream:
        counted = usage if (fields.get("stream_options") or {}).get("include_usage") is True else None
        return sse.stream(_chunks(seen, model, message_id, counted))
    async for each in seen:
        if each.type == "answer" and each.data:
            return JsonResponse(_completion(each.data, model, message_id, await usage()))
    return _error(503, "No answer could be given.")


def _parse(request: HttpRequest) -> dict[str, Any]:
    if len(request.body) > MAX_BODY:
        raise ValidationError(f"At most {MAX_BODY:,} bytes.")
    try:
        fields = json.loads(request.body)
    except (ValueError, RecursionError) as problem:
        raise ValidationError("The body is not JSON.") from problem
    if not isinstance(fields, dict) or not isinstance(fields.get("model"), str):
        raise ValidationError("model: the key of a bot is needed.")
    messages = fields.get("messages")
    if not isinstance(messages, list) or not messages or len(messages) > MOST_MESSAGES:
        raise ValidationError(f"messages: a list of 1 to {MOST_MESSAGES} messages is needed.")
    if not isinstance(fields.get("stream_options") or {}, dict):
        raise ValidationError("stream_options: an object is needed.")
    return fields


def _conversation(messages: list[Any]) -> list[tuple[str, str]]:
    """(role, text) of what was said by customer and bot; the business's own settings outrank a system prompt."""
    said = []
    for number, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise ValidationError(f"messages[{number}]: an object with role and content is needed.")
        content = message.get("content")
        if isinstance(content, list):
            content = "\n".join(
                str(part.get("text", "")) for part in content if isinstance(part, dict) and part.get("type") == "text"
            )
        if not isinstance(content, str):
            raise ValidationError(f"messages[{number}].content: a text is needed.")
        if message["role"] in ("user", "assistant"):
            said.append((message["role"], content))
    if not said or said[-1][0] != "user":
        raise ValidationError("messages: the last one must be the user's.")
    return said


def _save(model: str, said: list[tuple[str, str]]) -> tuple[UUID, Scope, UUID, UUID]:
    found = resolve.bot(model)
    if found is None:
        raise Bot.DoesNotExist
    bot = Bot.objects.get(key=model)
    conversation, _ = store.open_conversation(bot)
    roles = {"user": Message.Role.CUSTOMER, "assistant": Message.Role.BOT}
    for role, text in said[:-1]:
        store.check_question(text[: store.LONGEST_TEXT] or "…")
        store.add_message(conversation, roles[role], text[: store.LONGEST_TEXT])
    saved = store.save_question(bot.id, conversation.id, said[-1][1], None, None)
    return bot.id, found.scope, saved.message_id, conversation.id


def _completion(answer: dict[str, Any], model: str, message_id: UUID, usage: dict[str, int]) -> dict[str, Any]:
    message = {"role": "assistant", "content": answer["text"], "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    return {**_head(model, message_id, "chat.completion"), "choices": [choice], "usage": usage, "switchboard": answer}


async def _chunks(
    seen: AsyncIterator[stream.Seen],
    model: str,
    message_id: UUID,
    usage: Callable[[], Awaitable[dict[str, int]]] | None,
) -> AsyncIterator[str]:
    head = _head(model, message_id, "chat.completion.chunk")
    sent = ""
    yield _chunk(head, {"role": "assistant", "content": ""})
    async for each in seen:
        if each.type == "delta" and each.data:
            sent += each.data["text"]
            yield _chunk(head, {"content": each.data["text"]})
        elif each.type == "answer" and each.data:
            # The client appends: what is left to say follows, or, where the model broke off, the whole answer.
            text = each.data["text"]
            left = text[len(sent) :] if text.startswith(sent) else f"\n\n{text}"
            if left:
                yield _chunk(head, {"content": left})
        elif each.type == "error" and each.data:
            yield f"data: {json.dumps({'error': each.data})}\n\n"
    yield _chunk(head, {}, "stop")
    if usage:
        yield f"data: {json.dumps({**head, 'choices': [], 'usage': await usage()})}\n\n"
    yield "data: [DONE]\n\n"


def _chunk(head: dict[str, Any], delta: dict[str, str], finish_reason: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return f"data: {json.dumps({**head, 'choices': [choice]}, ensure_ascii=False)}\n\n"


def _head(model: str, message_id: UUID, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{message_id.hex}", "object": kind, "created": int(time.time()), "model": model}


def _error(status: int, message: str, code: str | None = None) -> JsonResponse:
    return JsonResponse({"error": {"message": message, "type": "invalid_request_error", "code": code}}, status=status)
