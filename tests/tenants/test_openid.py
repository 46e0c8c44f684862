"""A bot's OpenID provider that lies: every lie is one more reason not to sign anybody in."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.test import override_settings
from jwt.algorithms import RSAAlgorithm

from tenants import jwks
from tenants.identity import IdentityError, VerifiedIdentity
from tenants.openid import provider as openid
from tenants.openid.provider import Client, Provider, Tokens
from tenants.outside import OutsideError
from tests.raw_http import serving

KEY, OTHER_KEY = (rsa.generate_private_key(65537, 2048) for _ in range(2))
SECRET = "the client's secret of 32 characters"


@dataclass
class Liar:
    """A provider that says what it is told to: by path, and for the ID token by claim."""

    url: str = ""
    said: dict[str, Any] = field(default_factory=dict)
    posts: list[str] = field(default_factory=list)
    accepts: str = "basic"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split(" ")[1]
        status, content = 200, self.said.get(path, self.truth(path))
        if path == "/token":
            length = next(int(line.split(":")[1]) for line in head.lower().splitlines() if "content-length" in line)
            self.posts.append(head + (await reader.readexactly(length)).decode())
            shown = "basic" if "authorization: basic" in head.lower() else "post"
            if shown != self.accepts:
                status, content = 401, {"error": "invalid_client"}
        body = json.dumps(content).encode()
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
        await writer.drain()

    def truth(self, path: str) -> dict[str, Any]:
        return {
            "/.well-known/openid-configuration": self.configuration(),
            "/keys": {"keys": [{**RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True), "kid": "1", "use": "sig"}]},
            "/me": {"sub": "mary", "name": "Mary", "iss": "https://evil.example"},
            "/token": {"access_token": "a", "refresh_token": "r", "expires_in": 60, "id_token": self.id_token()},
        }.get(path, {})

    def configuration(self, **changes: Any) -> dict[str, Any]:
        addresses = {"authorization_endpoint": "/auth", "token_endpoint": "/token", "jwks_uri": "/keys"}
        found = {name: self.url + path for name, path in {**addresses, "userinfo_endpoint": "/me"}.items()}
        methods = ["client_secret_basic", "client_secret_post"]
        return {"issuer": self.url, **found, "token_endpoint_auth_methods_supported": methods} | changes

    def id_token(self, key: Any = KEY, algorithm: str = "RS256", kid: str = "1", **changes: Any) -> str:
        now = int(time.time())
        claims = {"iss": self.url, "sub": "mary", "aud": "bank", "iat": now, "exp": now + 60, "nonce": "n"} | changes
        said = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(said, key, algorithm, headers={"kid": kid})


@pytest.fixture
async def liar() -> AsyncIterator[Liar]:
    made = Liar()
    async with serving(made.handle) as port:
        made.url = f"http://127.0.0.1:{port}"
        with override_settings(ALLOW_PRIVATE_ADDRESSES=[f"127.0.0.1:{port}"]):
            yield made
    jwks.clear()
    openid.forget()


def client(liar: Liar, **changes: Any) -> Client:
    fields = {"issuer": liar.url, "client_id": "bank", "client_secret": SECRET} | changes
    return Client(uuid4(), "bank", "Bank", scope=("openid",), **fields)


async def sign_in(liar: Liar, **changes: Any) -> VerifiedIdentity:
    who = client(liar, **changes)
    provider = await openid.discover(who)
    tokens = await openid.ask_for_tokens(who, provider, {"grant_type": "authorization_code", "code": "c"})
    return await openid.identify(who, provider, tokens, "n")


async def test_the_truth_is_believed(liar: Liar) -> None:
    identity = await sign_in(liar)
    assert (identity.issuer, identity.subject, identity.name) == (liar.url, "mary", "Mary"), "the ID token outranks"
    assert "nonce" not in identity.claims


@pytest.mark.parametrize(
    "lie",
    [
        {"nonce": "other"}, {"nonce": None}, {"nonce": 5}, {"aud": "shop"}, {"aud": ["shop"]}, {"azp": "shop"},
        {"aud": ["bank", "shop"]}, {"aud": ["bank", "shop"], "azp": "shop"}, {"iss": "https://evil.example"},
        {"iss": None}, {"exp": 1}, {"exp": None}, {"iat": None}, {"iat": 2**40}, {"nbf": 2**40}, {"sub": None},
        {"sub": ""}, {"sub": 7}, {"sub": "sean"}, {"key": OTHER_KEY}, {"kid": "2"},
        {"key": SECRET, "algorithm": "HS256"}, {"key": "", "algorithm": "none"},
        {"key": OTHER_KEY, "algorithm": "RS512"},
    ],
    ids=lambda lie: str({name: "another" if value is OTHER_KEY else value for name, value in lie.items()}),
)  # fmt: skip
async def test_lies_of_an_id_token(liar: Liar, lie: dict[str, Any]) -> None:
    liar.said["/token"] = {"access_token": "a", "id_token": liar.id_token(**lie)}
    with pytest.raises(IdentityError):
        await sign_in(liar)


@pytest.mark.parametrize(
    "said",
    [{}, {"access_token": "a"}, {"access_token": 5, "id_token": "x"}, {"access_token": "a", "id_token": "x.y.z"}],
)
async def test_half_an_answer_signs_nobody_in(liar: Liar, said: dict[str, Any]) -> None:
    liar.said["/token"] = said
    with pytest.raises(IdentityError):
        await sign_in(liar)


async def test_several_audiences_need_their_party(liar: Liar) -> None:
    liar.said["/token"] = {"access_token": "a", "id_token": liar.id_token(aud=["bank", "shop"], azp="bank")}
    assert (await sign_in(liar)).subject == "mary"


@pytest.mark.parametrize(
    "lie",
    [
        {"issuer": "https://evil.example"}, {"issuer": None}, {"token_endpoint": "http://169.254.169.254/token"},
        {"token_endpoint": "http://token.example/"}, {"jwks_uri": "file:///etc/passwd"}, {"jwks_uri": None},
        {"authorization_endpoint": "javascript:alert(1)"}, {"userinfo_endpoint": "http://10.0.0.1/"},
        {"token_endpoint": "http://127.0.0.1:1/token"}, {"token_endpoint": ["x"]},
    ],
    ids=str,
)  # fmt: skip
async def test_lies_of_a_configuration(liar: Liar, lie: dict[str, Any]) -> None:
    liar.said["/.well-known/openid-configuration"] = liar.configuration(**lie)
    with pytest.raises(OutsideError):
        await sign_in(liar)
    assert liar.posts == [], "no secret has gone anywhere"


async def test_what_is_private_is_reached_neither_by_name_nor_by_address(liar: Liar) -> None:
    liar.said["/.well-known/openid-configuration"] = liar.configuration(jwks_uri="https://127.0.0.1:1/keys")
    with pytest.raises(IdentityError, match="cannot be had"):
        await sign_in(liar)
    with override_settings(ALLOW_PRIVATE_ADDRESSES=[]), pytest.raises(OutsideError):
        await openid.discover(client(liar))
    with pytest.raises(OutsideError):
        await openid.discover(client(liar, issuer="https://localhost"))


async def test_the_secret_is_shown_in_whatever_way_the_provider_takes_it(liar: Liar) -> None:
    secret = "a b:c/d+e%&="
    await sign_in(liar, client_secret=secret)
    basic = next(line for line in liar.posts[0].splitlines() if line.lower().startswith("authorization"))
    assert base64.b64decode(basic.split("Basic ")[1]).decode() == "bank:a+b%3Ac%2Fd%2Be%25%26%3D"
    assert "client_secret" not in liar.posts[0]
    liar.accepts = "post"
    assert (await sign_in(liar, client_secret=secret)).subject == "mary"
    assert "client_secret=a+b%3Ac%2Fd%2Be%25%26%3D" in liar.posts[-1]
    liar.accepts = "neither"
    with pytest.raises(OutsideError, match="client ID and secret"):
        await sign_in(liar, client_secret=secret)


async def test_a_word_about_somebody_else_is_not_mixed_in(liar: Liar) -> None:
    liar.said["/me"] = {"sub": "sean", "name": "Seán"}
    with pytest.raises(IdentityError, match="two different people"):
        await sign_in(liar)
    liar.said["/me"] = ["nothing"]
    assert (await sign_in(liar)).name == "", "without a word about her she is still Mary"


def test_nothing_shows_a_secret(liar: Liar) -> None:
    shown = [repr(client(liar)), repr(Tokens("acc", "ref", "idt", None)), repr(Provider)]
    assert not any(secret in text for text in shown for secret in (SECRET, "'acc'", "'ref'", "'idt'"))
