"""The one way out to addresses that a tenant chose: allow-listed, public, bounded in time, size and number, cached only
as the answer allows, repeated only where repeating is harmless, and redirected only to where it might have gone anyway.
"""

import asyncio
import random
import time
from dataclasses import replace

import httpx

from tenants.safe_http import cache, pressure
from tenants.safe_http.addresses import is_exempt, is_listed, is_public, port_of
from tenants.safe_http.connections import REDIRECTS, Departure, exchange
from tenants.safe_http.request import (
    READING,
    OutboundError,
    OutboundRequest,
    OutboundResponse,
    build,
    checked_url,
)

__all__ = ["OutboundError", "OutboundRequest", "OutboundResponse", "checked_url", "fetch", "is_exempt", "is_public"]

MOST_REDIRECTS = 3
PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0
CARRIED_ELSEWHERE = ("accept", "accept-encoding", "user-agent")


async def fetch(request: OutboundRequest) -> OutboundResponse:
    """Send the request and read the whole answer. Raises OutboundError."""
    started = time.perf_counter()
    kept = cache.find(request)
    if kept and kept.fresh:
        return replace(kept.response, elapsed_ms=0.0)
    built = build(request, kept.conditions if kept else None)
    departure = Departure(built)
    deadline = asyncio.get_running_loop().time() + request.timeout_s
    try:
        async with pressure.place(request.owner or built.url.host, deadline):
            status, headers, content = await _persistently(request, built, deadline)
    except OutboundError as problem:
        problem.sent = departure.sent
        raise
    response = OutboundResponse(status, headers, content, (time.perf_counter() - started) * 1000)
    if kept and status == 304:
        return cache.renewed(request, kept, response)
    cache.keep(request, response)
    return response


async def _persistently(
    request: OutboundRequest, built: httpx.Request, deadline: float
) -> tuple[int, dict[str, str], bytes]:
    """With as many repetitions as are wanted and harmless, while there is time."""
    loop = asyncio.get_running_loop()
    left = request.retries if request.repeatable else 0
    for attempt in range(left + 1):
        pause = PAUSE_S * 2**attempt * random.uniform(0.8, 1.2)
        try:
            answer = await _redirected(request, built, deadline)
            if answer[0] not in pressure.DOWN | {429}:
                return answer
            asked = answer[1].get("retry-after", "")
            pause = max(pause, float(asked)) if asked.isascii() and asked.isdigit() else pause
        except OutboundError as problem:
            if problem.code != "unreachable" or attempt == left or loop.time() + pause >= deadline:
                raise
        else:
            if attempt == left or pause > LONGEST_PAUSE_S or loop.time() + pause >= deadline:
                return answer
        await asyncio.sleep(pause)
    raise AssertionError("the last attempt returns or raises")


async def _redirected(
    request: OutboundRequest, built: httpx.Request, deadline: float
) -> tuple[int, dict[str, str], bytes]:
    """Reads follow redirects, each checked like the first address; nothing else is sent on."""
    for _ in range(MOST_REDIRECTS + 1):
        status, headers, content = await _guarded(request, built, deadline)
        if status not in REDIRECTS:
            return status, headers, content
        built = _next(request, built, headers)
    raise OutboundError("redirect", f"{built.url.host} redirects more than {MOST_REDIRECTS} times.")


async def _guarded(
    request: OutboundRequest, built: httpx.Request, deadline: float
) -> tuple[int, dict[str, str], bytes]:
    host = f"{built.url.host}:{port_of(built.url)}"
    pressure.enter(request.owner, host)
    try:
        async with asyncio.timeout_at(deadline):
            answer = await exchange(built, request.max_bytes)
    except TimeoutError as problem:
        pressure.report(request.owner, host, failed=True)
        message = f"{built.url.host} did not answer within {request.timeout_s:g} seconds."
        raise OutboundError("timeout", message) from problem
    except OutboundError as problem:
        if problem.code == "unreachable":
            pressure.report(request.owner, host, failed=True)
        raise
    pressure.report(request.owner, host, failed=answer[0] in pressure.DOWN)
    return answer


def _next(request: OutboundRequest, built: httpx.Request, headers: dict[str, str]) -> httpx.Request:
    """The request to where the answer points. Credentials stay with the origin that they were meant for."""
    refused = OutboundError(
        "redirect", f"{built.url.host} redirects to {_shown_target(built.url, headers)}; it is not followed."
    )
    try:
        url = checked_url(str(built.url.join(headers.get("location", "")).copy_with(fragment=None)))
    except (OutboundError, httpx.InvalidURL, ValueError) as problem:
        raise refused from problem
    weaker = built.url.scheme == "https" and url.scheme != "https"
    if built.method not in READING or weaker or not is_listed(url.host, port_of(url), request.allowed_hosts):
        raise refused
    same = (url.scheme, url.host, port_of(url)) == (built.url.scheme, built.url.host, port_of(built.url))
    carried = {
        name: value for name, value in built.headers.items() if name != "host" and (same or name in CARRIED_ELSEWHERE)
    }
    return httpx.Request(built.method, url, headers=carried)


def _shown_target(url: httpx.URL, headers: dict[str, str]) -> str:
    """Where a redirect leads, without the query, which may hold a secret."""
    try:
        target = url.join(headers.get("location", ""))
    except (httpx.InvalidURL, ValueError):
        return "an address that cannot be read"
    return str(target.copy_with(userinfo=b"", query=None, fragment=None))[:200]
