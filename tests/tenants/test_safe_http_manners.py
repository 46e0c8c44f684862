"""How the one way out treats others: redirects, repetitions, places, hosts that are down, and what may be kept."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings

from tenants.safe_http import OutboundError, OutboundRequest, OutboundResponse, cache, fetch, pressure
from tests.raw_http import answering, saying, serving

OK = "HTTP/1.1 200 OK\n\nfine"


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    with override_settings(ALLOW_PRIVATE_ADDRESSES=["127.0.0.1"]):
        yield
    cache.clear()


def to(port: int, method: str = "GET", path: str = "/", **fields: Any) -> OutboundRequest:
    fields.setdefault("allowed_hosts", ("127.0.0.1",))
    return OutboundRequest(method, f"http://127.0.0.1:{port}{path}", **fields)


async def refused(request: OutboundRequest) -> str:
    with pytest.raises(OutboundError) as caught:
        await fetch(request)
    return caught.value.code


class TestRedirects:
    async def test_a_read_is_sent_on_within_the_allowed_hosts(self) -> None:
        async with answering(OK) as (other, asked):
            moved = f"HTTP/1.1 302 Found\nLocation: http://127.0.0.1:{other}/new?a=1"
            async with answering("HTTP/1.1 307 Moved\nLocation: /second", moved) as (port, _):
                answer = await fetch(to(port, headers={"Authorization": "Bearer s3cret", "X-Key": "s3cret"}))
        assert answer.content == b"fine"
        assert asked[0].startswith("GET /new?a=1 HTTP/1.1")
        assert "s3cret" not in asked[0], "credentials stay with the origin that they were meant for"

    async def test_the_same_origin_gets_its_credentials_again(self) -> None:
        async with answering("HTTP/1.1 302 Found\nLocation: /new", OK) as (port, asked):
            await fetch(to(port, headers={"X-Key": "s3cret"}))
        assert "x-key: s3cret" in asked[1].lower()

    @pytest.mark.parametrize(
        "target",
        [
            "http://169.254.169.254/latest", "http://localhost:1/", "http://[::1]/", "//evil.example/", "file:///etc/passwd",
            "http://user:pw@127.0.0.1/", "gopher://127.0.0.1/", "http://127.0.0.1\\@evil.example/", "http://2130706433/",
        ],
    )  # fmt: skip
    async def test_nowhere_else(self, target: str) -> None:
        async with answering(f"HTTP/1.1 302 Found\nLocation: {target}") as (port, _):
            assert await refused(to(port, allowed_hosts=(f"127.0.0.1:{port}",))) == "redirect"

    async def test_a_host_that_is_allowed_but_private_is_refused_after_a_redirect_too(self) -> None:
        async with answering("HTTP/1.1 302 Found\nLocation: http://10.0.0.1/") as (port, _):
            with override_settings(ALLOW_PRIVATE_ADDRESSES=[f"127.0.0.1:{port}"]):
                assert await refused(to(port, allowed_hosts=("127.0.0.1", "10.0.0.1"))) == "forbidden"

    async def test_a_circle_ends_and_a_write_is_never_sent_on(self) -> None:
        async with answering("HTTP/1.1 302 Found\nLocation: /again") as (port, asked):
            assert await refused(to(port)) == "redirect"
            assert len(asked) == 4
            for method in ("POST", "PUT", "DELETE"):
                assert await refused(to(port, method)) == "redirect"
            assert len(asked) == 7


class TestRepeating:
    async def test_a_read_is_repeated_as_often_as_wanted(self) -> None:
        down = "HTTP/1.1 503 Down\nRetry-After: 0\n\n"
        async with answering(down, "", OK) as (port, asked):
            assert (await fetch(to(port, retries=2))).content == b"fine"
            assert len(asked) == 3
        async with answering(down) as (port, asked):
            assert (await fetch(to(port, retries=1))).status == 503
            assert len(asked) == 2

    async def test_a_write_is_repeated_only_with_its_key(self) -> None:
        async with answering("", OK) as (port, asked):
            assert await refused(to(port, "POST", json={}, retries=3)) == "unreachable"
            assert len(asked) == 1
        async with answering("", OK) as (port, asked):
            assert (await fetch(to(port, "POST", json={}, retries=1, headers={"Idempotency-Key": "k"}))).status == 200
            assert len(asked) == 2

    async def test_it_does_not_wait_longer_than_it_may(self) -> None:
        async with answering("HTTP/1.1 429 Slow\nRetry-After: 60\n\n") as (port, asked):
            assert (await fetch(to(port, retries=3))).status == 429
            assert len(asked) == 1


class TestPressure:
    async def test_one_owner_cannot_take_the_places_of_another(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pressure, "CALLS_AT_ONCE", 2)
        async with serving(saying("HTTP/1.1 200 OK\nContent-Length: 0\nConnection: close", pause_s=1)) as port:
            slow = [asyncio.create_task(fetch(to(port, owner="a"))) for _ in range(2)]
            await asyncio.sleep(0.1)
            assert await refused(to(port, owner="a", timeout_s=0.2)) == "busy"
            assert (await fetch(to(port, owner="b"))).status == 200
            assert [answer.status for answer in await asyncio.gather(*slow)] == [200, 200]

    async def test_a_host_that_keeps_failing_is_left_alone_and_tried_again(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with answering(*["HTTP/1.1 502 Down\n\n"] * pressure.FAILURES_IN_A_ROW, "", OK) as (port, asked):
            for _ in range(pressure.FAILURES_IN_A_ROW):
                assert (await fetch(to(port, owner="a"))).status == 502
            assert await refused(to(port, owner="a")) == "unreachable"
            assert len(asked) == pressure.FAILURES_IN_A_ROW, "left alone: nothing was sent"
            monkeypatch.setattr(pressure, "PAUSE_S", 0.0)
            assert await refused(to(port, owner="b")) == "unreachable", "another owner asks, and gets no answer"
            pressure._circuits["a", f"127.0.0.1:{port}"].shut_until = 0.0
            assert (await fetch(to(port, owner="a"))).status == 200
            assert (await fetch(to(port, owner="a"))).status == 200


class TestKeeping:
    async def asked_twice(self, headers: str, first: dict[str, Any], second: dict[str, Any]) -> int:
        """How often the server was asked when these two requests were made."""
        async with answering(f"HTTP/1.1 200 OK\n{headers}\n\n1", f"HTTP/1.1 200 OK\n{headers}\n\n2") as (port, asked):
            await fetch(to(port, **first))
            await fetch(to(port, **second))
            return len(asked)

    @pytest.mark.parametrize(
        ("headers", "times"),
        [
            ("Cache-Control: max-age=60", 1), ("Cache-Control: public, max-age=60", 1), ("X-Nothing: said", 2),
            ("Cache-Control: no-store, max-age=60", 2), ("Cache-Control: private, max-age=60", 2),
            ("Cache-Control: max-age=0", 2), ("Cache-Control: max-age=60\nAge: 60", 2), ("Cache-Control: no-cache", 2),
            ("Cache-Control: max-age=60\nVary: *", 2), ("Cache-Control: max-age=-1", 2),
            ("Cache-Control: max-age=x", 2),
            ("Date: Sat, 21 Nov 2026 10:00:00 GMT\nExpires: Sat, 21 Nov 2026 11:00:00 GMT", 1), ("Expires: 0", 2),
        ],
    )  # fmt: skip
    async def test_as_the_headers_allow(self, headers: str, times: int) -> None:
        assert await self.asked_twice(headers, {}, {}) == times

    @pytest.mark.parametrize(
        "second",
        [
            {"customer": "sean"}, {"owner": "other"}, {"headers": {"Authorization": "Bearer sean"}}, {"path": "/sean"},
            {"params": {"q": "sean"}}, {"allowed_hosts": ("127.0.0.1", "x.example")}, {"method": "HEAD"},
        ],
    )  # fmt: skip
    async def test_never_for_somebody_or_something_else(self, second: dict[str, Any]) -> None:
        first = {"customer": "mary", "owner": "one", "headers": {"Authorization": "Bearer mary"}}
        assert await self.asked_twice("Cache-Control: max-age=60", first, {**first, **second}) == 2

    async def test_what_is_private_is_kept_for_its_customer(self) -> None:
        mary = {"customer": "mary"}
        assert await self.asked_twice("Cache-Control: private, max-age=60", mary, mary) == 1

    async def test_what_may_be_old_is_asked_about(self) -> None:
        old = 'HTTP/1.1 200 OK\nCache-Control: max-age=0\nETag: "v1"\n\nbody'
        still = 'HTTP/1.1 304 Not Modified\nETag: "v1"\nCache-Control: max-age=60\n\n'
        async with answering(old, still) as (port, asked):
            answers: list[OutboundResponse] = [await fetch(to(port)) for _ in range(3)]
        assert [(answer.status, answer.content) for answer in answers] == [(200, b"body")] * 3
        assert len(asked) == 2
        assert 'if-none-match: "v1"' in asked[1].lower()
