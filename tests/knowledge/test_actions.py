"""Actions run against real servers: the demo businesses' own, and hostile ones."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from chat.exchange import CustomerIdentity
from deploy.demo.harbor import orders
from knowledge import actions, api_auth
from knowledge.actions import ActionSpec, load_action, record_call, run
from knowledge.api_auth import ApiAuth
from knowledge.models import Action, Call, DataApi
from knowledge.rendering import render
from knowledge.values import Parameter
from tenants.scope import within
from tests.conftest import Business
from tests.knowledge.demo_apis import running_service, specs_of

AMARA = CustomerIdentity("mb-204817", "Amara")
JSON_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def harbor_actions() -> Iterator[dict[str, ActionSpec]]:
    with running_service("harbor") as site:
        yield specs_of("harbor", site)


@pytest.fixture(scope="module")
def meridian_actions() -> Iterator[dict[str, ActionSpec]]:
    with running_service("meridian") as site:
        yield specs_of("meridian", site)


async def said(spec: ActionSpec, words: dict[str, Any], customer: CustomerIdentity | None = None) -> str:
    result = await run(spec, words, customer)
    assert result.ok, result
    return render(spec.answer, response=result.data, arguments=result.arguments)


async def test_the_rates_api_computes_a_payment(meridian_actions: dict[str, ActionSpec]) -> None:
    text = await said(meridian_actions["monthly_payment"], {"amount": 250000, "term_years": 25, "rate": 4.5})
    assert text.startswith("Borrowing £250,000.00 over 25 years at 4.5% costs £1,389.58 a month.")


async def test_every_action_of_the_bank_answers(meridian_actions: dict[str, ActionSpec]) -> None:
    assert "£2,184.63" in await said(meridian_actions["account_balance"], {"account": "current"}, AMARA)
    assert await said(meridian_actions["recent_transactions"], {"account": "current", "limit": 3}, AMARA)
    assert await said(meridian_actions["card_status"], {}, AMARA)
    assert "5-year fixed" in await said(meridian_actions["current_rates"], {})


async def test_every_action_of_the_shop_answers(harbor_actions: dict[str, ActionSpec]) -> None:
    stock = harbor_actions["product_stock"]
    text = await said(stock, {"product": "cove-fleece", "size": "M", "colour": "moss"})
    assert "Cove Fleece" in text
    assert "€" in await said(harbor_actions["product_price"], {"product": "watch-cap"})
    assert "- " in await said(harbor_actions["find_products"], {"category": "fleeces", "max_price": 200})
    order, owner = _an_order()
    customer = CustomerIdentity(owner)
    assert order in await said(harbor_actions["order_status"], {"order_id": order}, customer)
    assert order in await said(harbor_actions["my_orders"], {}, customer)


async def test_the_customer_comes_from_the_identity_alone(harbor_actions: dict[str, ActionSpec]) -> None:
    order, owner = _an_order()
    spec = harbor_actions["order_status"]
    stranger = CustomerIdentity("somebody-else")
    forged = {"order_id": order, "customer_id": owner}
    assert (await run(spec, forged, stranger)).error_code == "not_found"
    nobody = await run(spec, forged, None)
    assert (nobody.ok, nobody.error_code, nobody.status) == (False, "not_verified", None)
    sent = await run(spec, {**forged, "customer_id": "x"}, CustomerIdentity(owner))
    assert sent.ok
    assert sent.arguments["customer_id"] == owner


async def test_what_the_api_says_of_a_bad_request_is_passed_on(harbor_actions: dict[str, ActionSpec]) -> None:
    _, owner = _an_order()
    missing = await run(harbor_actions["order_status"], {"order_id": "HO-99999"}, CustomerIdentity(owner))
    assert (missing.status, missing.message) == (
        404,
        "I looked, but could not find that. This customer has no order HO-99999.",
    )
    free = replace(harbor_actions["find_products"], parameters=(Parameter("category", "query"),))
    invalid = await run(free, {"category": "submarines"}, None)
    assert (invalid.status, invalid.error_code) == (422, "invalid")
    assert invalid.message.startswith("The live data did not accept that. ")


async def test_the_wrong_key_is_not_the_customers_business(harbor_actions: dict[str, ActionSpec]) -> None:
    spec = replace(harbor_actions["product_price"], auth=ApiAuth("bearer", secret="wrong"))
    result = await run(spec, {"product": "watch-cap"}, None)
    assert (result.error_code, result.message) == ("unauthorized", "I am not allowed to look that up.")


@asynccontextmanager
async def api_that(answer: bytes, *, pause_s: float = 0, drops: int = 0) -> AsyncIterator[tuple[str, list[str]]]:
    """A server that says the same to everybody; the first `drops` connections are cut."""
    seen: list[str] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            seen.append(head)
            await asyncio.sleep(pause_s)
            if len(seen) > drops:
                writer.write(answer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", seen
    finally:
        server.close()


def spec_for(site: str, **changes: Any) -> ActionSpec:
    spec = ActionSpec(
        uuid4(), uuid4(), "thing", "A thing", "GET", "/things/{id}", (Parameter("id", "path", required=True),), "x",
        False, f"{site}/api", ("127.0.0.1",), 8.0, ApiAuth("bearer", secret="hush"),
    )  # fmt: skip
    return replace(spec, **changes)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"HTTP/1.1 500 Oops\r\nConnection: close\r\n\r\nTraceback hush", "failed"),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<html>Welcome</html>", "not_json"),
        (JSON_HEAD, "not_json"),
        (JSON_HEAD + b'"text"', "not_json"),
        (JSON_HEAD + b'{"a": NaN}', "not_json"),
        (JSON_HEAD + b"[" * 100_000, "not_json"),
        (JSON_HEAD + b"\xff\xfe{}", "not_json"),
        (JSON_HEAD + b'{"a": "' + b"x" * 10_000_000 + b'"}', "too_large"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest\r\nConnection: close\r\n\r\n", "redirect"),
        (b"HTTP/1.1 429 Slow\r\nConnection: close\r\n\r\n{}", "busy"),
        (b"HTTP/1.1 403 No\r\nConnection: close\r\n\r\n{}", "unauthorized"),
        (b"HTTP/1.1 404 No\r\nConnection: close\r\n\r\n<html>", "not_found"),
        (b'HTTP/1.1 422 No\r\nConnection: close\r\n\r\n{"message": "<script>x</script>"}', "invalid"),
        (b'HTTP/1.1 422 No\r\nConnection: close\r\n\r\n{"message": {"a": 1}}', "invalid"),
    ],
)
async def test_hostile_apis_give_a_clear_error(answer: bytes, code: str) -> None:
    async with api_that(answer) as (site, _):
        result = await run(spec_for(site), {"id": "1"}, None)
    assert (result.ok, result.error_code, result.data) == (False, code, None)
    assert result.message.endswith(".")
    assert not any(word in result.message for word in ("<", "hush", "169.254", "Traceback"))


async def test_a_slow_api_and_one_that_is_down() -> None:
    async with api_that(JSON_HEAD + b"{}", pause_s=3) as (site, _):
        slow = await run(spec_for(site, timeout_s=0.5), {"id": "1"}, None)
        assert slow.error_code == "timeout"
        assert slow.duration_ms < 1500
    down = await run(spec_for(site), {"id": "1"}, None)
    assert (down.error_code, down.message) == ("unreachable", "I could not reach the live data just now.")


async def test_only_a_read_is_tried_again_and_only_once() -> None:
    async with api_that(JSON_HEAD + b"{}", drops=1) as (site, seen):
        assert (await run(spec_for(site), {"id": "1"}, None)).ok
        assert len(seen) == 2
    async with api_that(JSON_HEAD + b"{}", drops=2) as (site, seen):
        assert (await run(spec_for(site), {"id": "1"}, None)).error_code == "unreachable"
        assert len(seen) == 2
    async with api_that(JSON_HEAD + b"{}", drops=1) as (site, seen):
        posted = await run(spec_for(site, method="POST", only_reads=True), {"id": "1"}, None)
        assert posted.error_code == "unreachable"
        assert len(seen) == 1


@pytest.mark.parametrize("value", ["..", ".", "../admin", "a/b", "..\\admin", "a\\b", "", "a\nb", "a\x00b"])
async def test_a_path_value_cannot_leave_its_place(value: str) -> None:
    async with api_that(JSON_HEAD + b"{}") as (site, seen):
        result = await run(spec_for(site), {"id": value}, None)
    assert (result.error_code, seen) == ("invalid", [])


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("a?b=c", "a%3Fb%3Dc"), ("a#b", "a%23b"), ("a;b", "a%3Bb"), ("%2e%2e%2fadmin", "%252e%252e%252fadmin"),
        ("é x", "%C3%A9%20x"), ("..a", "..a"),
    ],
)  # fmt: skip
async def test_a_path_value_is_quoted(value: str, path: str) -> None:
    async with api_that(JSON_HEAD + b"{}") as (site, seen):
        assert (await run(spec_for(site), {"id": value}, None)).ok
    assert seen[0].startswith(f"GET /api/things/{path} HTTP/1.1")


async def test_each_parameter_goes_to_its_place_and_others_nowhere() -> None:
    parameters = (
        Parameter("id", "path", required=True),
        Parameter("q", "query"),
        Parameter("on", "query", "boolean"),
        Parameter("X-Shop", "header", value="cork", fixed=True),
    )
    async with api_that(JSON_HEAD + b"{}") as (site, seen):
        words = {"id": "1", "q": "a&b=c", "on": True, "X-Shop": "galway", "admin": "yes"}
        result = await run(spec_for(site, parameters=parameters), words, None)
    assert result.arguments == {"id": "1", "q": "a&b=c", "on": True, "X-Shop": "cork"}
    assert "q=a%26b%3Dc&on=true " in seen[0]
    assert "x-shop: cork" in seen[0].lower()
    assert "admin" not in seen[0]


async def test_another_host_than_the_allowed_ones_is_never_called() -> None:
    async with api_that(JSON_HEAD + b"{}") as (site, seen):
        result = await run(spec_for(site, allowed_hosts=("api.example.com",)), {"id": "1"}, None)
    assert (result.error_code, seen) == ("forbidden", [])


def test_an_action_is_loaded_with_its_authentication_and_its_calls_are_kept(harbor: Business) -> None:
    with within(harbor.scope):
        api = DataApi.objects.create(
            group=harbor.bot,
            name="Shop",
            base_url="https://api.shop.example/v1/",
            auth_type="basic",
            auth_secret="me:hush",
        )
        action = Action.objects.create(
            group=harbor.bot, data_api=api, name="price", title="Price", path="/p/{id}", answer="x",
            parameters=[{"name": "id", "in": "path"}],
        )  # fmt: skip
        spec = load_action(harbor.bot.id, action.id)
        result = actions.ActionResult(False, 500, None, 12.5, "failed", "No.", {"id": "7"})
        record_call(spec, result, conversation_id=None, customer_subject="c-1")
        call = Call.objects.get(group=harbor.bot)
    assert asyncio.run(api_auth.headers(spec.auth, "", None)) == {"Authorization": "Basic bWU6aHVzaA=="}
    assert (spec.base_url, spec.allowed_hosts) == ("https://api.shop.example/v1", ("api.shop.example",))
    assert "hush" not in repr(spec)
    assert "bWU6" not in repr(spec)
    assert (call.outcome, call.status, call.arguments, call.customer_subject) == ("failed", 500, {"id": "7"}, "c-1")


def test_a_switched_off_or_foreign_action_is_not_loaded(harbor: Business, meridian: Business) -> None:
    with within(harbor.scope):
        api = DataApi.objects.create(group=harbor.bot, name="Shop", base_url="https://api.shop.example")
        fields = {"group": harbor.bot, "data_api": api, "title": "Price", "path": "/p", "answer": "x"}
        off = Action.objects.create(name="off", enabled=False, **fields)
        on = Action.objects.create(name="on", **fields)
        with pytest.raises(Action.DoesNotExist):
            load_action(harbor.bot.id, off.id)
    with within(meridian.scope), pytest.raises(Action.DoesNotExist):
        load_action(harbor.bot.id, on.id)


def _an_order() -> tuple[str, str]:
    """An order of the shop's and whose it is."""
    first = next(iter(orders.CUSTOMERS))
    return orders.orders_of(first)[0].id, first
