"""Tokens that say who a customer is, honest and forged, against a real server that publishes keys."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.test import override_settings
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from tenants import jwks
from tenants.identity import IdentityError, IdentityPolicy, VerifiedIdentity, verify
from tests.raw_http import serving

SECRET = "a-secret-of-at-least-32-characters!"
RSA = {name: rsa.generate_private_key(65537, 2048) for name in ("old", "new", "thief")}
EC = ec.generate_private_key(ec.SECP256R1())


@dataclass
class Publisher:
    """A server that publishes keys; `asked` counts how often it was asked for them."""

    url: str = ""
    keys: list[dict[str, Any]] = field(default_factory=list)
    asked: int = 0
    up: bool = True

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        body = json.dumps({"keys": self.keys}).encode()
        head = "200 OK" if self.up else "500 Down"
        writer.write(f"HTTP/1.1 {head}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
        await writer.drain()


@pytest.fixture
async def publisher() -> AsyncIterator[Publisher]:
    published = Publisher(keys=[public(RSA["old"], "old"), public(EC, "ec")])
    async with serving(published.handle) as port:
        published.url = f"http://127.0.0.1:{port}/keys"
        with override_settings(ALLOW_PRIVATE_ADDRESSES=["127.0.0.1"]):
            yield published
    jwks.clear()


def public(key: Any, kid: str, **changes: Any) -> dict[str, Any]:
    algorithm = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    return {**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig"} | changes


def policy(publisher: Publisher | None = None, **changes: Any) -> IdentityPolicy:
    asked = {"issuer": "", "jwks_url": publisher.url if publisher else "", "secret": "" if publisher else SECRET}
    return IdentityPolicy(uuid4(), "bank", **{**asked, **changes})


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    made = {"sub": "mary", "aud": "bank", "iss": "site", "iat": now, "exp": now + 300, "name": "Mary"} | changes
    return {name: value for name, value in made.items() if value is not None}


def signed(
    key: Any, algorithm: str, kid: str | None = None, headers: dict[str, Any] | None = None, **changes: Any
) -> str:
    head = {**({"kid": kid} if kid else {}), **(headers or {})}
    return jwt.encode(claims(**changes), key, algorithm, headers=head)


async def refusal(asked: IdentityPolicy, token: str) -> str:
    with pytest.raises(IdentityError) as caught:
        await verify(asked, token)
    assert token not in str(caught.value)
    return str(caught.value)


async def name_of(asked: IdentityPolicy, token: str) -> str:
    identity: VerifiedIdentity = (await verify(asked, token))[0]
    return identity.subject


async def test_each_way_of_signing(publisher: Publisher) -> None:
    asked = policy(publisher, secret=SECRET, issuer="site")
    assert await name_of(asked, signed(SECRET, "HS256")) == "mary"
    assert await name_of(asked, signed(RSA["old"], "RS256", "old")) == "mary"
    assert await name_of(asked, signed(EC, "ES256", "ec")) == "mary"
    assert await name_of(asked, signed(EC, "ES256")) == "mary", "the only key that fits needs no name"
    assert publisher.asked == 1


async def test_a_public_key_is_never_a_secret(publisher: Publisher) -> None:
    """The classic confusion: the key that everybody knows, used to sign with HS256."""
    pem = RSA["old"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for secret in (pem, json.dumps(public(RSA["old"], "old")).encode(), b""):
        forged = _by_hand({"alg": "HS256", "typ": "JWT", "kid": "old"}, claims(), secret)
        for asked in (policy(publisher), policy(publisher, secret=SECRET)):
            await refusal(asked, forged)
    publisher.keys.append(
        {"kty": "oct", "kid": "shared", "k": base64.urlsafe_b64encode(b"x" * 32).decode(), "alg": "HS256"}
    )
    assert "must be signed with RS256 or ES256" in await refusal(policy(publisher), signed("x" * 32, "HS256", "shared"))


@pytest.mark.parametrize("algorithm", ["none", "None", "HS384", "HS512", "PS256", "RS384", "", None, 5, ["RS256"]])
async def test_no_other_algorithm(publisher: Publisher, algorithm: Any) -> None:
    token = _by_hand({"alg": algorithm, "kid": "old"}, claims(), SECRET.encode())
    await refusal(policy(publisher, secret=SECRET), token)
    await refusal(policy(publisher, secret=SECRET), token.rpartition(".")[0] + ".")


async def test_keys_in_the_token_itself_count_for_nothing(publisher: Publisher) -> None:
    thief = public(RSA["thief"], "thief")
    for headers in (
        {"jwk": thief},
        {"jku": "http://127.0.0.1:1/keys"},
        {"x5u": "http://127.0.0.1:1/"},
        {"x5c": ["AAAA"]},
    ):
        await refusal(policy(publisher), signed(RSA["thief"], "RS256", "old", headers=headers))
        await refusal(policy(publisher), signed(RSA["thief"], "RS256", "thief", headers=headers))
    await refusal(policy(publisher), signed(RSA["old"], "RS256", "old", headers={"crit": ["b64"]}))


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "shop"}, {"aud": ["shop", "spa"]}, {"aud": None}, {"iss": "thief"}, {"iss": None}, {"exp": None},
        {"exp": int(time.time()) - 60}, {"nbf": int(time.time()) + 80_000}, {"iat": int(time.time()) + 80_000},
        {"sub": None}, {"sub": ""}, {"sub": 5}, {"sub": "x" * 256}, {"exp": int(time.time()) + 90_000}, {"exp": "soon"},
        {"exp": 1e400},
    ],
)  # fmt: skip
async def test_claims_that_do_not_hold(publisher: Publisher, changes: dict[str, Any]) -> None:
    asked = policy(publisher, issuer="site", secret=SECRET)
    await refusal(asked, signed(RSA["old"], "RS256", "old", **changes))
    await refusal(asked, signed(SECRET, "HS256", **changes))


async def test_keys_that_must_not_be_believed(publisher: Publisher) -> None:
    small = rsa.generate_private_key(65537, 1024)
    private = RSAAlgorithm.to_jwk(RSA["new"], as_dict=True)
    publisher.keys = [
        public(RSA["old"], "encrypts", use="enc"), public(RSA["old"], "other", alg="RS512"), public(small, "small"),
        {**private, "kid": "shown"}, public(RSA["new"], "twice"), public(RSA["thief"], "twice"), {"kid": "old"},
        public(RSA["old"], "broken", n="!"), public(EC, "curve", crv="P-521"),
    ]  # fmt: skip
    asked = policy(publisher)
    for kid, key in (
        ("encrypts", "old"),
        ("other", "old"),
        ("shown", "new"),
        ("twice", "new"),
        ("old", "old"),
        ("broken", "old"),
    ):
        assert "does not publish" in await refusal(asked, signed(RSA[key], "RS256", kid)), kid
    await refusal(asked, signed(small, "RS256", "small"))
    await refusal(asked, signed(EC, "ES256", "curve"))


async def test_keys_are_rotated(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = policy(publisher)
    assert await name_of(asked, signed(RSA["old"], "RS256", "old")) == "mary"
    publisher.keys = [public(RSA["new"], "new")]
    await refusal(asked, signed(RSA["new"], "RS256", "new"))
    assert publisher.asked == 1, "not again within a minute: anybody can make up key IDs"
    monkeypatch.setattr(jwks, "AGAIN_AFTER_S", 0.0)
    assert await name_of(asked, signed(RSA["new"], "RS256", "new")) == "mary"
    assert "does not publish" in await refusal(asked, signed(RSA["old"], "RS256", "old"))


async def test_unknown_keys_are_asked_for_once_a_minute_however_many_there_are(publisher: Publisher) -> None:
    asked = policy(publisher)
    tokens = [signed(RSA["thief"], "RS256", f"made-up-{number}") for number in range(20)]
    answers = await asyncio.gather(*(verify(asked, token) for token in tokens), return_exceptions=True)
    assert all(isinstance(answer, IdentityError) for answer in answers)
    assert publisher.asked == 1


async def test_an_outage_signs_nobody_out(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = policy(publisher)
    token = signed(RSA["old"], "RS256", "old")
    assert await name_of(asked, token) == "mary"
    publisher.up = False
    monkeypatch.setattr(jwks, "KEPT_S", 0.0)
    monkeypatch.setattr(jwks, "AGAIN_AFTER_S", 0.0)
    assert await name_of(asked, token) == "mary"
    assert "cannot be had" in await refusal(policy(publisher), token), "another bot's keys are fetched for itself"


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/keys", "https://127.0.0.1/keys", "http://example.com/keys", "x"]
)
async def test_keys_are_not_fetched_from_just_anywhere(url: str) -> None:
    with override_settings(ALLOW_PRIVATE_ADDRESSES=[]):
        assert "cannot be had" in await refusal(policy(jwks_url=url, secret=""), signed(RSA["old"], "RS256", "old"))


async def test_a_bot_without_any_means_believes_nobody() -> None:
    await refusal(policy(secret=""), signed(SECRET, "HS256"))
    await refusal(policy(secret=""), _by_hand({"alg": "HS256"}, claims(), b""))


async def test_what_was_signed_tells_tokens_apart_not_how() -> None:
    asked = policy()
    token = signed(SECRET, "HS256")
    assert (await verify(asked, token))[1] == (await verify(asked, token))[1]
    one, two = (signed(SECRET, "HS256", jti="7", name=name) for name in ("Mary", "Maria"))
    assert (await verify(asked, one))[1].digest == (await verify(asked, two))[1].digest
    assert (await verify(asked, signed(SECRET, "HS256", jti="8")))[1].digest != (await verify(asked, one))[1].digest


def _by_hand(header: dict[str, Any], body: dict[str, Any], secret: bytes) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, body)]
    signature = hmac.new(secret, b".".join(parts), hashlib.sha256).digest()
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()
