"""Server-sent events (WHATWG HTML, 9.2) from async generators."""

import json
from collections.abc import AsyncIterator
from typing import Any

from django.http import StreamingHttpResponse

KEEP_ALIVE = ": keep-alive\n\n"


def event(type: str, data: dict[str, Any], seq: int | None = None) -> str:
    """One event on the wire; only stored events have an id, so that a stream resumes after one of those."""
    number = f"id: {seq}\n" if seq is not None else ""
    return f"{number}event: {type}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def stream(pieces: AsyncIterator[str]) -> StreamingHttpResponse:
    response = StreamingHttpResponse(pieces, content_type="text/event-stream; charset=utf-8")
    response["Cache-Control"] = "no-cache"
    response["X-Accel-Buffering"] = "no"
    return response
