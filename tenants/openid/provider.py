"""A bot's OpenID provider: found by its issuer, asked for tokens, and believed only as far as its signatures reach."""

import base64
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote_plus
from uuid import UUID

import jwt

from tenants import jwks, outside
from tenants.identity import LEEWAY_S, IdentityError, VerifiedIdentity, identity_from, same
from tenants.jwks import KeysError
from tenants.models import Bot
from tenants.outside import OutsideError
from tenants.safe_http import OutboundError

WELL_KNOWN = "/.well-known/openid-configuration"
KEPT_S = 600.0
MOST_PROVIDERS = 1000
MAX_ID_TOKEN = 20_000
BASIC, POST, PUBLIC = "client_secret_basic", "client_secret_post", "none"
REFUSED_CLIENT = (400, 401)


@dataclass(frozen=True)
class Client:
    """A bot as its provider knows it: one client for each bot."""

    group_id: UUID
    bot_key: str
    bot_name: str
    issuer: str
    client_id: str
    scope: tuple[str, ...]
    client_secret: str = field(repr=False)

    @classmethod
    def of(cls, bot: Bot) -> "Client | None":
        """None where the bot has no provider."""
        if not bot.openid_issuer or not bot.openid_client_id:
            return None
        scope = tuple(dict.fromkeys(["openid", *bot.openid_scope.split()]))
        return cls(bot.id, bot.key, bot.name, bot.openid_issuer, bot.openid_client_id, scope, bot.openid_client_secret)


@dataclass(frozen=True)
class Provider:
    """What a provider publishes about itself."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str
    auth_methods: tuple[str, ...]
    names_itself: bool


@dataclass(frozen=True)
class Tokens:
    """What a provider has given for a code, or for a refresh token."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    id_token: str = field(repr=False)
    expires_at: datetime | None


async def discover(client: Client) -> Provider:
    """The client's provider, by nothing but its issuer. Raises OutsideError."""
    known = _known.get((client.group_id, client.issuer))
    if known and time.monotonic() < known[1]:
        return known[0]
    issuer = client.issuer.rstrip("/").removesuffix(WELL_KNOWN)
    found = await outside.get_json(issuer + WELL_KNOWN, owner=str(client.group_id))
    provider = _read(found, issuer)
    _known[client.group_id, client.issuer] = (provider, time.monotonic() + KEPT_S)
    while len(_known) > MOST_PROVIDERS:
        _known.popitem(last=False)
    return provider


async def ask_for_tokens(client: Client, provider: Provider, form: dict[str, str]) -> Tokens:
    """The tokens for a code or a refresh token. Raises IdentityError if refused, OutsideError without answer."""
    said: dict[str, Any] = {}
    for method in _methods(client, provider):
        headers, sent = _authenticated(client, method, form)
        response = await outside.send(
            "POST", provider.token_endpoint, owner=str(client.group_id), headers=headers, form=sent
        )
        if response.status >= 500:
            raise OutsideError(f"{provider.issuer} answered with status {response.status}.")
        said = outside.json_of(response, provider.token_endpoint)
        if response.status == 200:
            return _tokens(said)
        if response.status not in REFUSED_CLIENT or said.get("error") != "invalid_client":
            break
    reason = str(said.get("error", ""))[:60]
    if reason == "invalid_client":
        raise OutsideError("The provider does not accept the client ID and secret of this bot.")
    raise IdentityError(f"The provider did not complete the sign-in ({reason or 'no reason given'}).")


async def identify(client: Client, provider: Provider, tokens: Tokens, nonce: str) -> VerifiedIdentity:
    """Who has signed in: the ID token's word, and what the provider adds about the same person."""
    claims = await _id_claims(client, provider, tokens.id_token, nonce)
    about: dict[str, Any] = {}
    if provider.userinfo_endpoint:
        try:
            bearer = {"Authorization": f"Bearer {tokens.access_token}"}
            about = await outside.get_json(provider.userinfo_endpoint, owner=str(client.group_id), headers=bearer)
        except OutsideError:
            about = {}  # Who it is is known already; only a name or an address may be missing.
    if about and about.get("sub") != claims["sub"]:
        raise IdentityError("The provider speaks of two different people.")
    return identity_from({**about, **claims})


def forget() -> None:
    _known.clear()


async def _id_claims(client: Client, provider: Provider, token: str, nonce: str) -> dict[str, Any]:
    """The claims of an ID token after every check of OpenID Connect Core, 3.1.3.7."""
    if not token or len(token) > MAX_ID_TOKEN:
        raise IdentityError("The provider gave no ID token.")
    try:
        header = jwt.get_unverified_header(token)
        algorithm = header.get("alg")
        if algorithm not in jwks.KINDS:
            raise IdentityError("The ID token is signed in a way that is not accepted.")
        key = await jwks.find(provider.jwks_uri, header.get("kid"), algorithm, owner=str(client.group_id))
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=client.client_id,
            issuer=provider.issuer,
            leeway=LEEWAY_S,
            options={"require": ["exp", "iat", "sub", "aud", "iss"]},
        )
    except (jwt.PyJWTError, KeysError) as problem:
        raise IdentityError(f"The ID token was refused: {problem}.") from problem
    except (ValueError, OverflowError, TypeError, RecursionError) as problem:
        raise IdentityError("The ID token cannot be read.") from problem
    party = claims.get(
        "azp", client.client_id if not isinstance(claims["aud"], list) or len(claims["aud"]) == 1 else ""
    )
    if party != client.client_id:
        raise IdentityError("The ID token was made for another party.")
    if not nonce or not same(str(claims.get("nonce", "")), nonce):
        raise IdentityError("The ID token belongs to another sign-in.")
    return claims


def _read(found: dict[str, Any], issuer: str) -> Provider:
    """Raises OutsideError where the document is another's, or points to where nobody may be sent."""
    said = found.get("issuer")
    if not isinstance(said, str) or said.rstrip("/") != issuer:
        raise OutsideError(f"The provider at {issuer} says that it is another issuer.")
    addresses = {}
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"):
        address = found.get(name)
        if address is None and name == "userinfo_endpoint":
            address = ""
        elif not isinstance(address, str):
            raise OutsideError(f"The provider's configuration has no {name}.")
        else:
            try:
                outside.check_address(address)
            except OutboundError as problem:
                raise OutsideError(f"The provider's {name} cannot be used. {problem.message}") from problem
        addresses[name] = address
    methods = found.get("token_endpoint_auth_methods_supported", [BASIC])
    known = tuple(each for each in (BASIC, POST) if isinstance(methods, list) and each in methods)
    names_itself = found.get("authorization_response_iss_parameter_supported") is True
    return Provider(said, **addresses, auth_methods=known or (BASIC,), names_itself=names_itself)


def _methods(client: Client, provider: Provider) -> tuple[str, ...]:
    """How the client may show who it is. A provider lists what it can do, not what this client may."""
    return provider.auth_methods if client.client_secret else (PUBLIC,)


def _authenticated(client: Client, method: str, form: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    if method == BASIC:
        # RFC 6749, 2.3.1: both parts are form-encoded before they are joined.
        pair = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret)}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}, form
    secret = {"client_secret": client.client_secret} if method == POST else {}
    return {}, {**form, "client_id": client.client_id, **secret}


def _tokens(said: dict[str, Any]) -> Tokens:
    text = {
        name: said[name] for name in ("access_token", "refresh_token", "id_token") if isinstance(said.get(name), str)
    }
    if not text.get("access_token"):
        raise IdentityError("The provider gave no access token.")
    seconds = said.get("expires_in")
    number = (
        float(seconds) if isinstance(seconds, int | float | str) and str(seconds).replace(".", "", 1).isdigit() else 0
    )
    expires_at = datetime.now(UTC) + timedelta(seconds=min(number, 30 * 86400)) if number else None
    return Tokens(text["access_token"], text.get("refresh_token", ""), text.get("id_token", ""), expires_at)


_known: OrderedDict[tuple[UUID, str], tuple[Provider, float]] = OrderedDict()
