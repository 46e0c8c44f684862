"""Changes that are made once: a request with an Idempotency-Key that was seen before gets the former answer again."""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

MAX_BODY_BYTES = 2_000
KEPT_ANSWERS = 10_000

Answered = tuple[int, dict[str, Any]]


class Refused(Exception):
    """A request that gets an error instead of data."""

    def __init__(self, status: int, code: str, message: str, **fields: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.fields = status, code, message, fields


async def once(request: Request, change: Callable[[dict[str, Any]], Answered]) -> Response:
    """Make the change that the request asks for, unless its key says that this was done."""
    body = await json_body(request)
    key = f"{request.method} {request.url.path} {request.headers.get('idempotency-key', '')}"
    if not request.headers.get("idempotency-key"):
        status, answer = change(body)
        return JSONResponse(answer, status)
    async with _one_at_a_time:
        if key not in _answers:
            _answers[key] = change(body)
            while len(_answers) > KEPT_ANSWERS:
                _answers.popitem(last=False)
        status, answer = _answers[key]
    return JSONResponse(answer, status)


async def json_body(request: Request) -> dict[str, Any]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise Refused(413, "too_large", f"The body may have {MAX_BODY_BYTES} bytes at most.")
    try:
        parsed = json.loads(body or b"{}")
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise Refused(400, "invalid", "The body must be a JSON object.")
    return parsed


_answers: OrderedDict[str, Answered] = OrderedDict()
_one_at_a_time = asyncio.Lock()
