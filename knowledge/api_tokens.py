"""Access tokens from a token endpoint (RFC 6749, RFC 8693), kept in memory until shortly before they expire."""

import asyncio
import base64
import json
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from urllib.parse import quote, urlsplit
from weakref import WeakKeyDictionary

from tenants import safe_http
from tenants.safe_http import OutboundError, OutboundRequest

TIMEOUT_S = 10.0
RENEW_BEFORE_S = 30.0
LIFETIME_S = 300.0
KEPT_TOKENS = 2000


@dataclass(frozen=True)
class Asked:
    """A request for a token; those with the same `key` may share one."""

    key: str
    url: str
    client_id: str
    secret: str = field(repr=False)
    form: Mapping[str, str] = field(repr=False)
    owner: str


async def token(asked: Asked, *, renew: bool = False) -> str:
    """A token that is good for a while; `renew`: not the one that is kept. Raises OutboundError."""
    loop = asyncio.get_running_loop()
    locks = _asking.setdefault(loop, {})
    lock = locks.setdefault(asked.key, asyncio.Lock())
    before = None if not renew else _find(asked.key)
    try:
        async with lock:
            kept = _find(asked.key)
            # Whoever waited here takes what the one before has fetched.
            if kept and kept != before:
                return kept
            fresh, seconds = await _fetch(asked)
            _keep(asked.key, fresh, seconds)
            return fresh
    finally:
        if not lock.locked():
            locks.pop(asked.key, None)


async def _fetch(asked: Asked) -> tuple[str, float]:
    pair = f"{quote(asked.client_id, safe='')}:{quote(asked.secret, safe='')}"
    headers = {"Accept": "application/json", "Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    host = urlsplit(asked.url).hostname or ""
    request = OutboundRequest(
        "POST", asked.url, (host,), headers, form=asked.form, timeout_s=TIMEOUT_S, owner=asked.owner
    )
    response = await safe_http.fetch(request)
    try:
        content = json.loads(response.content)
        found, seconds = content["access_token"], float(content.get("expires_in", LIFETIME_S))
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise _refused(host, response.status) from problem
    if response.status != 200 or not isinstance(found, str) or not found.isascii() or not found.isprintable():
        raise _refused(host, response.status)
    return found, seconds


def _refused(host: str, status: int) -> OutboundError:
    return OutboundError("no_token", f"The token endpoint at {host} gave no token (HTTP {status}).")


def _find(key: str) -> str | None:
    with _lock:
        found = _kept.get(key)
        return found[0] if found and found[1] > time.monotonic() else None


def _keep(key: str, found: str, seconds: float) -> None:
    until = time.monotonic() + max(seconds - RENEW_BEFORE_S, seconds / 2)
    with _lock:
        _kept[key] = (found, until)
        _kept.move_to_end(key)
        while len(_kept) > KEPT_TOKENS:
            _kept.popitem(last=False)


_kept: OrderedDict[str, tuple[str, float]] = OrderedDict()
_lock = Lock()
_asking: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, asyncio.Lock]] = WeakKeyDictionary()
