"""Who a customer is: a JWT (RFC 7519) that the tenant's server has signed, with a secret that it shares with the bot
(HS256) or with a key that it publishes (RS256, ES256)."""

import hashlib
import hmac
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import jwt
from django.utils import timezone

from tenants import jwks
from tenants.jwks import KeysError
from tenants.models import Bot, Customer, UsedToken
from tenants.text import storable

LEEWAY_S = 30
MAX_TOKEN = 8000
MAX_LIFETIME_S = 24 * 3600
BY_SECRET = "HS256"
BY_KEY = ("RS256", "ES256")


class IdentityError(Exception):
    """A sign-in that is refused; the message says why without repeating the token."""


@dataclass(frozen=True)
class VerifiedIdentity:
    issuer: str
    subject: str
    name: str
    email: str
    locale: str
    claims: dict[str, Any]


@dataclass(frozen=True)
class TokenUse:
    """What is remembered of a token until it expires, so that nobody else can use it again."""

    digest: str
    expires_at: datetime


@dataclass(frozen=True)
class IdentityPolicy:
    """What a bot asks of the tokens that say who its customers are."""

    group_id: UUID
    bot_key: str
    issuer: str
    jwks_url: str
    secret: str = field(repr=False)

    @classmethod
    def of(cls, bot: Bot) -> "IdentityPolicy":
        return cls(bot.id, bot.key, bot.identity_issuer, bot.identity_jwks_url, bot.identity_secret)


async def verify(policy: IdentityPolicy, token: str) -> tuple[VerifiedIdentity, TokenUse]:
    """The identity in a token signed for this bot. Raises IdentityError. May fetch keys: hold no scope around it."""
    if not policy.secret and not policy.jwks_url:
        raise IdentityError("This bot has neither an identity secret nor identity keys, so it cannot verify customers.")
    if not isinstance(token, str) or not token or len(token) > MAX_TOKEN:
        raise IdentityError("The identity token is missing or too long.")
    algorithm, key = await _key(policy, token)
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=policy.bot_key,
            issuer=policy.issuer or None,
            leeway=LEEWAY_S,
            options={"require": ["exp", "sub", "aud"]},
        )
    except jwt.PyJWTError as problem:
        raise IdentityError(f"The identity token was refused: {problem}.") from problem
    except (ValueError, OverflowError, TypeError) as problem:
        raise IdentityError("The identity token was refused: it holds what is not text or not a time.") from problem
    expires = int(claims["exp"])
    if expires - int(claims.get("iat") or time.time()) > MAX_LIFETIME_S + LEEWAY_S:
        raise IdentityError("The identity token lives longer than a day.")
    return identity_from(claims), TokenUse(_digest(token, claims), datetime.fromtimestamp(expires + LEEWAY_S, UTC))


def identity_from(claims: dict[str, Any]) -> VerifiedIdentity:
    """The identity that verified claims describe. Raises IdentityError when they name nobody."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject or len(subject) > 255 or storable(subject) != subject:
        raise IdentityError("The identity token's subject is empty, too long, or holds what is not a character.")
    kept = {key: value for key, value in claims.items() if key not in ("exp", "iat", "jti", "nonce", "at_hash")}
    return VerifiedIdentity(
        _text(claims, "iss", 200),
        subject,
        _text(claims, "name", 200),
        _text(claims, "email", 254),
        _text(claims, "locale", 35),
        storable(kept),
    )


def customer_for(group_id: UUID, identity: VerifiedIdentity) -> Customer:
    """The customer of (group, issuer, subject), made or brought up to date. Needs the group's scope."""
    customer, _ = Customer.objects.update_or_create(
        group_id=group_id,
        issuer=identity.issuer,
        subject=identity.subject,
        defaults={
            "name": identity.name,
            "email": identity.email,
            "locale": identity.locale,
            "claims": identity.claims,
        },
    )
    return customer


def use_once(group_id: UUID, use: TokenUse, conversation_id: UUID) -> None:
    """Remember that the token has signed in this conversation. Raises IdentityError when it was another.

    The same page, loaded again, shows the same token in the same conversation: that is no replay. Whoever got hold of
    the token cannot sign in a conversation of their own with it.
    """
    UsedToken.objects.filter(group_id=group_id, expires_at__lt=timezone.now()).delete()
    used, _ = UsedToken.objects.get_or_create(
        group_id=group_id,
        digest=use.digest,
        defaults={"conversation_id": conversation_id, "expires_at": use.expires_at},
    )
    if used.conversation_id != conversation_id:
        raise IdentityError("The identity token has been used in another conversation. Ask the website for a new one.")


async def _key(policy: IdentityPolicy, token: str) -> tuple[str, Any]:
    """The one algorithm by which the token may be checked, and its key: never a public key as a secret."""
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError) as problem:
        raise IdentityError("The identity token cannot be read.") from problem
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm == BY_SECRET and policy.secret:
        return BY_SECRET, policy.secret
    if algorithm in BY_KEY and policy.jwks_url:
        try:
            return algorithm, await jwks.find(policy.jwks_url, kid, algorithm, owner=str(policy.group_id))
        except KeysError as problem:
            raise IdentityError(str(problem)) from problem
    accepted = [*([BY_SECRET] if policy.secret else []), *(BY_KEY if policy.jwks_url else [])]
    raise IdentityError(f"The identity token must be signed with {' or '.join(accepted)}.")


def _digest(token: str, claims: dict[str, Any]) -> str:
    """What tells the token from others: its jti, else all that was signed (one can write a signature twice)."""
    jti = claims.get("jti")
    told = ["jti", str(claims.get("iss", "")), str(jti)] if jti else ["signed", token.rpartition(".")[0]]
    return hashlib.sha256("\0".join(told).encode("utf-8", "surrogatepass")).hexdigest()


def same(one: str, other: str) -> bool:
    """Compared in constant time."""
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))


def _text(claims: dict[str, Any], name: str, longest: int) -> str:
    value = claims.get(name)
    return storable(value)[:longest] if isinstance(value, str) else ""
