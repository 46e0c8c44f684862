"""One exchange over a checked connection: the address that was resolved and checked is the one connected to."""

import asyncio
import zlib
from collections.abc import Iterable
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

import httpcore
import httpx

from tenants.safe_http.addresses import is_exempt, is_public, resolve
from tenants.safe_http.request import OutboundError

MAX_CONNECTIONS = 100
MAX_IDLE_CONNECTIONS = 20
IDLE_S = 15.0
ADDRESSES_TRIED = 3
REDIRECTS = (301, 302, 303, 307, 308)


async def exchange(built: httpx.Request, max_bytes: int) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body. Raises OutboundError; a redirect's body is not read."""
    host = built.url.host
    try:
        return await _exchange(built, max_bytes)
    except httpcore.UnsupportedProtocol as problem:
        raise OutboundError("bad_url", "The address must begin with http:// or https://.") from problem
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError) as problem:
        if isinstance(problem, TimeoutError):
            raise
        raise OutboundError("unreachable", f"{host} could not be reached.") from problem


async def _exchange(built: httpx.Request, max_bytes: int) -> tuple[int, dict[str, str], bytes]:
    # httpcore directly: no cookie jar that customers would share, no redirects, no proxy from the environment.
    url = built.url
    target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
    core = httpcore.Request(
        built.method, target, headers=built.headers.raw, content=built.read(), extensions=built.extensions
    )
    response = await pool().handle_async_request(core)
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


class Departure:
    """Whether any of a request has left: a call that failed before that has certainly changed nothing."""

    def __init__(self, built: httpx.Request) -> None:
        self.sent = False
        built.extensions = {"trace": self._trace}

    async def _trace(self, event: str, info: dict[str, Any]) -> None:
        self.sent = self.sent or event.endswith("send_request_headers.started")


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
        addresses = await resolve(host, port)
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


_pools: WeakKeyDictionary[asyncio.AbstractEventLoop, httpcore.AsyncConnectionPool] = WeakKeyDictionary()
_pools_lock = Lock()


def pool() -> httpcore.AsyncConnectionPool:
    """The connections of this event loop; they are bound to the loop that opened them."""
    loop = asyncio.get_running_loop()
    with _pools_lock:
        found = _pools.get(loop)
        if found is None:
            found = _pools[loop] = httpcore.AsyncConnectionPool(
                ssl_context=httpx.create_ssl_context(trust_env=False),
                max_connections=MAX_CONNECTIONS,
                max_keepalive_connections=MAX_IDLE_CONNECTIONS,
                keepalive_expiry=IDLE_S,
                network_backend=_CheckedNetwork(),
            )
        return found
