"""A turn's answer as the client wants it: a stream of events, or the data of the final one as JSON."""

from collections.abc import AsyncIterator

from django.http import HttpRequest, HttpResponseBase, JsonResponse

from chat import stream
from chat.api import sse


async def answered(request: HttpRequest, seen: AsyncIterator[stream.Seen]) -> HttpResponseBase:
    if "text/event-stream" in request.headers.get("Accept", ""):
        return sse.stream(as_sse(seen))
    return await _as_json(seen)


async def as_sse(seen: AsyncIterator[stream.Seen], opening: bool = False) -> AsyncIterator[str]:
    if opening:
        yield sse.KEEP_ALIVE
    async for each in seen:
        yield sse.event(each.type, each.data or {}, each.seq) if each.type else sse.KEEP_ALIVE


async def _as_json(seen: AsyncIterator[stream.Seen]) -> HttpResponseBase:
    async for each in seen:
        if each.type == "answer":
            return JsonResponse(each.data)
        if each.type == "status":
            return JsonResponse({"owner": "person"}, status=202)
        if each.type == "error":
            return JsonResponse(each.data, status=503)
    return JsonResponse({"code": "failed", "message": "No answer could be given."}, status=503)
