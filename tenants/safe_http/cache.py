"""Answers that may be given again, as their headers allow (RFC 9111): a private cache for each owner and customer."""

import hashlib
import json
import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from threading import Lock

from tenants.safe_http.request import OutboundRequest, OutboundResponse

MOST_BYTES = 8_000_000
LARGEST = 256_000
LONGEST_S = 24 * 3600.0


@dataclass(frozen=True)
class Kept:
    """An answer, and until when (of the monotonic clock) it may be given without asking again."""

    response: OutboundResponse
    fresh_until: float

    @property
    def fresh(self) -> bool:
        return time.monotonic() < self.fresh_until

    @property
    def conditions(self) -> dict[str, str]:
        """Headers that ask whether it is still right."""
        asked = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}
        return {header: self.response.headers[name] for name, header in asked.items() if name in self.response.headers}


def find(request: OutboundRequest) -> Kept | None:
    if request.method != "GET":
        return None
    key = _key(request)
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
        return _kept.get(key)


def keep(request: OutboundRequest, response: OutboundResponse) -> None:
    """Keep an answer if its headers allow that, and forget what it replaces."""
    global _bytes
    key, seconds = _key(request), _lifetime(request, response)
    with _lock:
        if old := _kept.pop(key, None):
            _bytes -= len(old.response.content)
        if seconds is None or len(response.content) > LARGEST:
            return
        _kept[key] = Kept(response, time.monotonic() + seconds)
        _bytes += len(response.content)
        while _bytes > MOST_BYTES:
            _bytes -= len(_kept.popitem(last=False)[1].response.content)


def renewed(request: OutboundRequest, kept: Kept, said: OutboundResponse) -> OutboundResponse:
    """The kept answer after the server has said that it is still right (304)."""
    headers = {**kept.response.headers, **said.headers, "content-length": str(len(kept.response.content))}
    response = replace(kept.response, headers=headers, elapsed_ms=said.elapsed_ms)
    keep(request, response)
    return response


def clear() -> None:
    global _bytes
    with _lock:
        _kept.clear()
        _bytes = 0


def _key(request: OutboundRequest) -> str:
    """Everything that could tell two requests apart: credentials and the customer among it."""
    headers = sorted((name.lower(), value) for name, value in request.headers.items())
    params = sorted((name, str(value)) for name, value in request.params.items())
    parts = [request.owner, request.customer, request.url, sorted(request.allowed_hosts), headers, params]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _lifetime(request: OutboundRequest, response: OutboundResponse) -> float | None:
    """For how many seconds the answer is fresh; None: not to be kept at all."""
    rules = _rules(response.headers.get("cache-control", ""))
    if request.method != "GET" or response.status != 200:
        return None
    if "no-store" in rules or "*" in response.headers.get("vary", "") or ("private" in rules and not request.customer):
        return None
    seconds = 0.0 if "no-cache" in rules else _max_age(rules, response.headers)
    if seconds <= 0:
        return 0.0 if "etag" in response.headers or "last-modified" in response.headers else None
    return min(seconds, LONGEST_S)


def _max_age(rules: dict[str, str], headers: dict[str, str]) -> float:
    age = _number(headers.get("age", ""))
    if "max-age" in rules:
        return _number(rules["max-age"]) - age
    try:
        until, now = (parsedate_to_datetime(headers[name]) for name in ("expires", "date"))
        return (until - now).total_seconds() - age
    except (KeyError, ValueError, TypeError):
        return 0.0


def _rules(header: str) -> dict[str, str]:
    pairs = (part.strip().partition("=") for part in header.lower().split(","))
    return {name: value.strip('"') for name, _, value in pairs if name}


def _number(text: str) -> float:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0.0


_kept: OrderedDict[str, Kept] = OrderedDict()
_lock = Lock()
_bytes = 0
