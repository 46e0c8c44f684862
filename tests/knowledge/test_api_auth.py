"""How calls prove who they are: secrets, tokens that are asked for and kept, and the customer's own token."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

from chat.exchange import CustomerIdentity
from knowledge.action_spec import ActionSpec
from knowledge.actions import run
from knowledge.api_auth import ApiAuth

AMARA = CustomerIdentity("amara")


@dataclass
class TokenApi:
    """An API with a token endpoint; it takes the tokens that it gave out last."""

    seconds: int = 3600
    refuses: bool = False
    asked: list[dict[str, str]] = field(default_factory=list)
    basic: list[str] = field(default_factory=list)
    used: list[str] = field(default_factory=list)
    good: set[str] = field(default_factory=set)
    site: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = (await reader.readexactly(int(headers.get("content-length", 0)))).decode()
        status, answer = self._token(body, headers) if "/token" in first else self._data(headers)
        content = json.dumps(answer).encode()
        writer.write(f"HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {len(content)}\r\n\r\n".encode())
        writer.write(content)
        await writer.drain()
        writer.close()

    def _token(self, body: str, headers: dict[str, str]) -> tuple[int, Any]:
        if self.refuses:
            return 400, {"error": "invalid_client"}
        self.asked.append(dict(parse_qsl(body)))
        self.basic.append(headers.get("authorization", ""))
        token = f"token-{len(self.asked)}"
        self.good.add(token)
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": self.seconds}

    def _data(self, headers: dict[str, str]) -> tuple[int, Any]:
        token = headers.get("authorization", "").removeprefix("Bearer ")
        self.used.append(token)
        return (200, {"ok": True}) if token in self.good else (401, {"message": "no"})


@asynccontextmanager
async def token_api(**how: Any) -> AsyncIterator[TokenApi]:
    api = TokenApi(**how)
    server = await asyncio.start_server(api.serve, "127.0.0.1", 0)
    api.site = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield api
    finally:
        server.close()


def spec_with(api: TokenApi, type: str, **how: str) -> ActionSpec:
    auth = ApiAuth(type, secret="hush:hush", token_url=f"{api.site}/token", client_id="us", **how)
    where = (api.site, ("127.0.0.1",), 8.0)
    return ActionSpec(uuid4(), uuid4(), "data", "Data", "GET", "/data", (), "x", False, *where, auth)


async def own_token() -> str | None:
    return "amaras-own"


async def test_a_client_token_is_asked_for_once_and_renewed_when_refused() -> None:
    async with token_api() as api:
        spec = spec_with(api, "client_credentials", scope="read", audience="shop")
        results = await asyncio.gather(*(run(spec, {}, None) for _ in range(8)))
        assert all(result.ok for result in results)
        assert api.asked == [{"grant_type": "client_credentials", "scope": "read", "audience": "shop"}]
        assert api.basic == ["Basic dXM6aHVzaCUzQWh1c2g="]
        api.good.clear()
        assert (await run(spec, {}, None)).ok
        assert api.used[-2:] == ["token-1", "token-2"]
        assert len(api.asked) == 2


async def test_a_token_is_not_used_beyond_its_time() -> None:
    async with token_api(seconds=0) as api:
        spec = spec_with(api, "client_credentials")
        for _ in range(2):
            assert (await run(spec, {}, None)).ok
        assert api.used == ["token-1", "token-2"]


async def test_no_token_means_no_call() -> None:
    async with token_api(refuses=True) as api:
        result = await run(spec_with(api, "client_credentials"), {}, None)
        assert (result.error_code, api.used) == ("unreachable", [])


async def test_the_customers_own_token_is_forwarded() -> None:
    async with token_api() as api:
        api.good.add("amaras-own")
        spec = spec_with(api, "customer")
        assert (await run(spec, {}, AMARA, token=own_token)).ok
        assert (await run(spec, {}, AMARA)).error_code == "not_verified"
        assert (await run(spec, {}, None, token=own_token)).error_code == "not_verified"
        assert api.used == ["amaras-own"]


async def test_the_customers_own_token_is_exchanged_and_never_for_another() -> None:
    async def bertas() -> str | None:
        return "bertas-own"

    async with token_api() as api:
        spec = spec_with(api, "exchange", audience="shop")
        for token in (own_token, own_token, bertas):
            assert (await run(spec, {}, AMARA, token=token)).ok
        assert [asked["subject_token"] for asked in api.asked] == ["amaras-own", "bertas-own"]
        assert api.asked[0]["grant_type"] == "urn:ietf:params:oauth:grant-type:token-exchange"
        assert api.asked[0]["subject_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
        assert api.used == ["token-1", "token-1", "token-2"]


def test_secrets_are_not_shown() -> None:
    assert "hush" not in repr(ApiAuth("basic", secret="hush"))
