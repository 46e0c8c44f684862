"""Who a customer is: a JWT signed by the tenant's server with the bot's secret (HS256, RFC 7519)."""

import time
from dataclasses import dataclass
from typing import Any

import jwt

from tenants.models import Bot, Customer
from tenants.text import storable

LEEWAY_S = 30
MAX_TOKEN = 8000
MAX_LIFETIME_S = 24 * 3600


class IdentityError(Exception):
    """A token that does not verify; the message says why without repeating the token."""


@dataclass(frozen=True)
class VerifiedIdentity:
    issuer: str
    subject: str
    name: str
    email: str
    locale: str
    claims: dict[str, Any]


def verify(bot: Bot, token: str) -> VerifiedIdentity:
    """The identity in a token signed for this bot. Raises IdentityError."""
    if not bot.identity_secret:
        raise IdentityError("This bot has no identity secret, so it cannot verify customers.")
    if not isinstance(token, str) or not token or len(token) > MAX_TOKEN:
        raise IdentityError("The identity token is missing or too long.")
    try:
        claims = jwt.decode(
            token,
            bot.identity_secret,
            algorithms=["HS256"],
            audience=bot.key,
            issuer=bot.identity_issuer or None,
            leeway=LEEWAY_S,
            options={"require": ["exp", "sub", "aud"]},
        )
    except jwt.PyJWTError as problem:
        raise IdentityError(f"The identity token was refused: {problem}.") from problem
    except (ValueError, OverflowError) as problem:
        raise IdentityError("The identity token was refused: it holds what is not text or not a time.") from problem
    subject = claims["sub"]
    if not subject or len(subject) > 255 or storable(subject) != subject:
        raise IdentityError("The identity token's subject is empty, too long, or holds what is not a character.")
    if int(claims["exp"]) - int(claims.get("iat") or time.time()) > MAX_LIFETIME_S + LEEWAY_S:
        raise IdentityError("The identity token lives longer than a day.")
    kept = {key: value for key, value in claims.items() if key not in ("exp", "iat", "jti")}
    return VerifiedIdentity(
        _text(claims, "iss", 200),
        subject,
        _text(claims, "name", 200),
        _text(claims, "email", 254),
        _text(claims, "locale", 35),
        storable(kept),
    )


def customer_for(group_id: Any, identity: VerifiedIdentity) -> Customer:
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


def _text(claims: dict[str, Any], name: str, longest: int) -> str:
    value = claims.get(name)
    return storable(value)[:longest] if isinstance(value, str) else ""
