"""Which addresses are of the public internet, which hosts are listed, and resolving a name."""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable

import httpcore
import httpx
from django.conf import settings

# Special-purpose blocks of IANA's registries that the standard library takes for public ones (192.0.0.192: metadata).
SPECIAL = [
    ipaddress.ip_network(block)
    for block in ("192.0.0.0/24", "192.88.99.0/24", "64:ff9b::/32", "2001::/23", "3fff::/20", "5f00::/16")
]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


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
    return is_listed(host, port, settings.ALLOW_PRIVATE_ADDRESSES)


def is_listed(host: str, port: int, names: Iterable[str]) -> bool:
    """Whether "host" or "host:port" is among the names."""
    plain = _plain_host(host)
    wanted = {plain, f"{plain}:{port}"}
    return any(_plain_host(name) in wanted for name in names)


def port_of(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


async def resolve(host: str, port: int) -> list[Address]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as problem:
        raise httpcore.ConnectError(f"{host} has no address.") from problem
    return list(dict.fromkeys(ipaddress.ip_address(str(row[4][0]).split("%")[0]) for row in found))


def _plain_host(name: str) -> str:
    return name.strip().lower().replace("[", "").replace("]", "").rstrip(".")
