"""The one way out to addresses that a tenant chose: allow-listed, public, bounded in time and size, not redirected."""

import asyncio
import ipaddress
import socket
import time
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

import httpcore
import httpx
from django.conf import settings

USER_AGENT = "Switchboard"
MAX_BYTES = 1_000_000
MAX_CONNECTIONS = 100
MAX_IDLE_CONNECTIONS = 20
IDLE_S = 15.0
ADDRESSES_TRIED = 3
REDIRECTS = (301, 302, 303, 307, 308)

# Special-purpose blocks of IANA's registries that the standard library takes for public ones (192.0.0.192: metadata).
SPECIAL = [
    ipaddress.ip_network(block)
    for block in ("192.0.0.0/24", "192.88.99.0/24", "64:ff9b::/32", "2001::/23", "3fff::/20", "5f00::/16")
]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class OutboundError(Exception):
    """Why nothing came back: forbidden, unreachable, timeout, too_large, redirect or bad_url. Never holds a secret."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True)
class OutboundRequest:
    """What to fetch. `allowed_hosts` holds "host" or "host:port"; a host that is not in it is refused."""

    method: str
    url: str
    allowed_hosts: tuple[str, ...]
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    params: Mapping[str, Any] = field(default_factory=dict, repr=False)
    json: Any = field(default=None, repr=False)
    timeout_s: float = 5.0
    max_bytes: int = MAX_BYTES


@dataclass(frozen=True)
class OutboundResponse:
    """What came back; header names are lower-cased."""

    status: int
    headers: dict[str, str]
    content: bytes
    elapsed_ms: float


async def fetch(request: OutboundRequest) -> OutboundResponse:
    """Send the request and read the whole answer. Raises OutboundError."""
    started = time.perf_counter()
    built = _build(request)
    host = built.url.host
    try:
        async with asyncio.timeout(request.timeout_s):
            status, headers, content = await _exchange(built, request.max_bytes)
    except TimeoutError as problem:
        raise OutboundError("timeout", f"{host} did not answer within {request.timeout_s:g} seconds.") from problem
    except httpcore.UnsupportedProtocol as problem:
        raise OutboundError("bad_url", "The address must begin with http:// or https://.") from problem
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError) as problem:
        raise OutboundError("unreachable", f"{host} could not be reached.") from problem
    if status in REDIRECTS:
        raise OutboundError("redirect", f"{host} redirects to {_shown_target(built.url, headers)}; it is not followed.")
    return OutboundResponse(status, headers, content, (time.perf_counter() - started) * 1000)


def is_public(address: Address) -> bool:
    """Whether an address is of the public internet, looking into addresses that wrap an IPv4 one."""
    if isinstance(address, ipaddress.IPv6Address):
        wrapped = (address.ipv4_mapped, address.sixtofour, *(address.teredo or ()))
        if any(inner is not None and not is_public(inner) for inner in wrapped):
            return False
        if address.is_site_local:
            return False
    if any(address.version == block.version and address in block for block in SPECIAL):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def is_exempt(host: str, port: int) -> bool:
    """Whether the operator lets this host be reached although its address is private."""
    return _listed(host, port, settings.ALLOW_PRIVATE_ADDRESSES)


def _build(request: OutboundRequest) -> httpx.Request:
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "gzip", **request.headers}
    try:
        url = _checked_url(request.url)
        built = httpx.Request(request.method, url, headers=headers, params=request.params or None, json=request.json)
    except (httpx.InvalidURL, UnicodeError, ValueError, TypeError) as problem:
        raise OutboundError("bad_url", "The address or its parameters cannot be sent.") from problem
    if not _listed(url.host, _port(url), request.allowed_hosts):
        raise OutboundError("forbidden", f"{url.host} is not one of the hosts that may be called.")
    return built


def _checked_url(text: str) -> httpx.URL:
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


def _listed(host: str, port: int, names: Iterable[str]) -> bool:
    """Whether "host" or "host:port" is among the names."""
    plain = _plain_host(host)
    wanted = {plain, f"{plain}:{port}"}
    return any(_plain_host(name) in wanted for name in names)


def _plain_host(name: str) -> str:
    return name.strip().lower().replace("[", "").replace("]", "").rstrip(".")


def _port(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


async def _exchange(built: httpx.Request, max_bytes: int) -> tuple[int, dict[str, str], bytes]:
    # httpcore directly: no cookie jar that customers would share, no redirects, no proxy from the environment.
    url = built.url
    target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
    core = httpcore.Request(built.method, target, headers=built.headers.raw, content=built.read())
    response = await _pool().handle_async_request(core)
    try:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
        if response.status in REDIRECTS:
            return response.status, headers, b""
        return response.status, headers, await _read(response, headers, max_bytes)
    finally:
        await response.aclose()


async def _read(response: httpcore.Response, headers: dict[str, str], max_bytes: int) -> bytes:
    """The body, unpacked; never more of it in memory than allowed, also where a small one unpacks into a huge one."""
    too_large = OutboundError("too_large", f"The answer is larger than {max_bytes:,} bytes.")
    length = headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length) > max_bytes:
        raise too_large
    unpacker = zlib.decompressobj(wbits=47) if headers.get("content-encoding", "").lower() == "gzip" else None
    content = bytearray()
    async for packed in response.aiter_stream():
        try:
            content += unpacker.decompress(packed, max_bytes + 1 - len(content)) if unpacker else packed
        except zlib.error as problem:
            raise OutboundError("unreachable", "The answer cannot be unpacked.") from problem
        if len(content) > max_bytes:
            raise too_large
    return bytes(content)


def _shown_target(url: httpx.URL, headers: dict[str, str]) -> str:
    """Where a redirect leads, without the query, which may hold a secret."""
    try:
        target = url.join(headers.get("location", ""))
    except (httpx.InvalidURL, ValueError):
        return "an address that cannot be read"
    return str(target.copy_with(userinfo=b"", query=None, fragment=None))[:200]


class _CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Opens connections: resolves a name once, and connects to the very address that was checked."""

    def __init__(self) -> None:
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface's own
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await _resolve(host, port)
        if not is_exempt(host, port) and not all(is_public(address) for address in addresses):
            raise OutboundError("forbidden", f"{host} has a private address, which may not be called.")
        for address in addresses[:ADDRESSES_TRIED]:
            try:
                return await self._network.connect_tcp(str(address), port, timeout, local_address, socket_options)
            except httpcore.NetworkError:
                continue
        raise httpcore.ConnectError(f"{host} does not accept connections.")

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)


async def _resolve(host: str, port: int) -> list[Address]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as problem:
        raise httpcore.ConnectError(f"{host} has no address.") from problem
    return list(dict.fromkeys(ipaddress.ip_address(str(row[4][0]).split("%")[0]) for row in found))


_pools: WeakKeyDictionary[asyncio.AbstractEventLoop, httpcore.AsyncConnectionPool] = WeakKeyDictionary()
_pools_lock = Lock()


def _pool() -> httpcore.AsyncConnectionPool:
    """The connections of this event loop; they are bound to the loop that opened them."""
    loop = asyncio.get_running_loop()
    with _pools_lock:
        pool = _pools.get(loop)
        if pool is None:
            pool = _pools[loop] = httpcore.AsyncConnectionPool(
                ssl_context=httpx.create_ssl_context(trust_env=False),
                max_connections=MAX_CONNECTIONS,
                max_keepalive_connections=MAX_IDLE_CONNECTIONS,
                keepalive_expiry=IDLE_S,
                network_backend=_CheckedNetwork(),
            )
        return pool
