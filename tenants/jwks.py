"""Public keys that others publish (RFC 7517): fetched by the one way out, kept, and fetched again when a key is
unknown, but at most once a minute."""

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from tenants import outside
from tenants.outside import OutsideError

KEPT_S = 3600.0
AGAIN_AFTER_S = 60.0
LONGEST_WITHOUT_NEWS_S = 24 * 3600.0
MOST_KEYS = 100
MOST_SETS = 1000
LEAST_RSA_BITS = 2048
# What a key must be for an algorithm: its type, and its curve where it has one.
KINDS = {
    "RS256": ("RSA", None), "RS384": ("RSA", None), "RS512": ("RSA", None), "PS256": ("RSA", None),
    "ES256": ("EC", "P-256"), "ES384": ("EC", "P-384"), "EdDSA": ("OKP", "Ed25519"),
}  # fmt: skip


class KeysError(Exception):
    """No key for a token; the message says why."""


async def find(url: str, kid: Any, algorithm: str, *, owner: str) -> Any:
    """The public key for a token's `kid` and algorithm. Raises KeysError."""
    kept = _kept.get((owner, url)) or _KeySet()
    if time.monotonic() - kept.fetched_at > KEPT_S:
        kept = await _fetched(url, owner, kept)
    key = _choose(kept, kid, algorithm)
    if key is None:
        # Keys are rotated: this one may be newer than what is kept.
        kept = await _fetched(url, owner, kept)
        key = _choose(kept, kid, algorithm)
    if key is None:
        raise KeysError(kept.problem or "The token is signed with a key that its issuer does not publish.")
    return key


def clear() -> None:
    _kept.clear()


@dataclass(frozen=True)
class _KeySet:
    keys: tuple[dict[str, Any], ...] = ()
    fetched_at: float = float("-inf")
    tried_at: float = float("-inf")
    problem: str = ""


async def _fetched(url: str, owner: str, kept: _KeySet) -> _KeySet:
    """The key set as it is now, asked at most once a minute, by one caller for all who wait."""
    place = (asyncio.get_running_loop(), owner, url)
    task = _under_way.get(place)
    if task is None:
        if time.monotonic() - kept.tried_at < AGAIN_AFTER_S:
            return kept
        task = _under_way[place] = asyncio.ensure_future(_fetch(url, owner, kept))
        task.add_done_callback(lambda _: _under_way.pop(place, None))
    return await asyncio.shield(task)


async def _fetch(url: str, owner: str, kept: _KeySet) -> _KeySet:
    now = time.monotonic()
    try:
        document = await outside.get_json(url, owner=owner)
        keys = document.get("keys")
        if not isinstance(keys, list):
            raise OutsideError(f"{urlsplit(url).hostname} does not answer with a key set.")
        found = _KeySet(tuple(key for key in keys[:MOST_KEYS] if isinstance(key, dict)), now, now)
    except OutsideError as problem:
        # What was fetched before still counts for a while: an outage must not sign everybody out.
        keys_left = kept.keys if now - kept.fetched_at < LONGEST_WITHOUT_NEWS_S else ()
        found = _KeySet(keys_left, kept.fetched_at, now, f"The issuer's keys cannot be had: {problem}")
    _kept[(owner, url)] = found
    _kept.move_to_end((owner, url))
    while len(_kept) > MOST_SETS:
        _kept.popitem(last=False)
    return found


def _choose(kept: _KeySet, kid: Any, algorithm: str) -> Any:
    """The key of this ID; where the token names none, the only one that fits."""
    fitting = [key for key in kept.keys if _fits(key, algorithm)]
    if kid is not None:
        fitting = [key for key in fitting if key.get("kid") == kid]
    if len(fitting) != 1:
        return None
    try:
        loaded = jwt.PyJWK.from_dict(fitting[0], algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    if isinstance(loaded, RSAPublicKey) and loaded.key_size < LEAST_RSA_BITS:
        return None
    # A key set that shows private keys is not one to believe; secrets ("oct") never get here.
    public = isinstance(loaded, RSAPublicKey | EllipticCurvePublicKey) or algorithm == "EdDSA"
    return loaded if public and "d" not in fitting[0] else None


def _fits(key: dict[str, Any], algorithm: str) -> bool:
    kind, curve = KINDS.get(algorithm, ("", None))
    meant_for = key.get("use") in (None, "sig") and key.get("alg") in (None, algorithm)
    return meant_for and key.get("kty") == kind and (curve is None or key.get("crv") == curve)


_kept: OrderedDict[tuple[str, str], _KeySet] = OrderedDict()
_under_way: dict[tuple[asyncio.AbstractEventLoop, str, str], "asyncio.Future[_KeySet]"] = {}
