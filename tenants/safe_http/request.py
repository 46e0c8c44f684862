"""What goes out and what comes back: a request with its bounds, a response, and why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from tenants.safe_http.addresses import is_listed, port_of

USER_AGENT = "Switchboard"
MAX_BYTES = 1_000_000
READING = frozenset({"GET", "HEAD"})
REPEATABLE = READING | {"PUT", "DELETE", "OPTIONS"}


class OutboundError(Exception):
    """Why nothing came back: forbidden, unreachable, timeout, busy, too_large, redirect or bad_url. Never holds a
    secret. `sent`: some of the request has left, so the other side may have acted on it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message, self.sent = code, message, False


@dataclass(frozen=True)
class OutboundRequest:
    """What to fetch. `allowed_hosts` holds "host" or "host:port"; a host that is not in it is refused.

    `owner` is the tenant or bot whose limits count, `customer` the one whom the answer is about: what is cached for one
    is never given to another. `retries` counts only where the method, or an Idempotency-Key, makes a call repeatable.
    """

    method: str
    url: str
    allowed_hosts: tuple[str, ...]
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    params: Mapping[str, Any] = field(default_factory=dict, repr=False)
    json: Any = field(default=None, repr=False)
    timeout_s: float = 5.0
    max_bytes: int = MAX_BYTES
    form: Mapping[str, str] | None = field(default=None, repr=False)
    owner: str = ""
    customer: str = ""
    retries: int = 0

    @property
    def repeatable(self) -> bool:
        return self.method in REPEATABLE or any(name.lower() == "idempotency-key" for name in self.headers)


@dataclass(frozen=True)
class OutboundResponse:
    """What came back; header names are lower-cased."""

    status: int
    headers: dict[str, str]
    content: bytes
    elapsed_ms: float


def build(request: OutboundRequest, extra: Mapping[str, str] | None = None) -> httpx.Request:
    """The request as it is sent. Raises OutboundError when it must not or cannot be."""
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "gzip", **request.headers, **(extra or {})}
    try:
        url = checked_url(request.url)
        body = {"json": request.json} if request.form is None else {"data": dict(request.form)}
        built = httpx.Request(request.method, url, headers=headers, params=request.params or None, **body)
    except (httpx.InvalidURL, UnicodeError, ValueError, TypeError) as problem:
        raise OutboundError("bad_url", "The address or its parameters cannot be sent.") from problem
    if not is_listed(url.host, port_of(url), request.allowed_hosts):
        raise OutboundError("forbidden", f"{url.host} is not one of the hosts that may be called.")
    return built


def checked_url(text: str) -> httpx.URL:
    if any(character.isspace() or ord(character) < 33 or character == "\\" for character in text):
        raise OutboundError("bad_url", "The address holds a space or another character that does not belong in one.")
    url = httpx.URL(text)
    if url.scheme not in ("http", "https"):
        raise OutboundError("bad_url", "The address must begin with http:// or https://.")
    if not url.host:
        raise OutboundError("bad_url", "The address has no host.")
    if url.port is not None and not 0 < url.port < 65536:
        raise OutboundError("bad_url", "The address has a port that does not exist.")
    if url.userinfo or "@" in text.split("://", 1)[1].split("/", 1)[0]:
        raise OutboundError("bad_url", "The address must not carry a user name or password.")
    return url
