"""The dynamic line with the demo shop's real API: asking, calling, recording, citing, failing honestly."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from chat.elicitation_steps import ChangedSubject, Said
from chat.exchange import Answer, Asker, Choice, CustomerIdentity, Decision, Question
from chat.pipelines import dynamic
from deploy.demo.harbor import orders
from knowledge.models import Action, Call, DataApi
from knowledge.snapshot import ActionEntry
from tenants.database import in_database
from tenants.scope import within
from tests.conftest import Business
from tests.knowledge.demo_apis import running_service, specs_of, tenant_of

OWNER = next(iter(orders.CUSTOMERS))
ORDER = orders.orders_of(OWNER)[0].id


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with running_service("harbor") as address:
        yield address


@pytest.fixture
def entries(site: str, harbor: Business) -> dict[str, ActionEntry]:
    """The shop's actions, saved for the test's own business."""
    specs = specs_of("harbor", site)
    found: dict[str, ActionEntry] = {}
    with within(harbor.scope):
        api = DataApi.objects.create(
            group=harbor.bot, name="Shop", base_url=f"{site}/api", auth_type="bearer", auth_secret="harbor-demo-key"
        )
        for row in tenant_of("harbor")["data_apis"][0]["actions"]:
            action = Action.objects.create(group=harbor.bot, data_api=api, **row)
            found[action.name] = ActionEntry(
                action.id, harbor.bot.id, action.name, action.title, action.description, action.requires_verified
            )
    assert set(found) == set(specs)
    return found


@dataclass(frozen=True)
class Bound:
    """A conversation of a business, and what a pipeline reads of it."""

    asker: Asker
    dialogue: dict[str, Any]
    snapshots: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Known:
    actions: tuple[ActionEntry, ...]


@dataclass(frozen=True)
class Routed:
    question: Question
    decision: Decision


def asker_of(business: Business, customer: str | None = None) -> Asker:
    return Asker(uuid4(), business.bot.id, business.scope, CustomerIdentity(customer) if customer else None)


async def talk(asker: Asker, entry: ActionEntry, *said: str | Choice, dialogue: dict[str, Any] | None = None) -> Answer:
    """The answer to the last of these messages."""
    kept, given = dialogue or {}, None
    for message in said:
        turn = Said("", message) if isinstance(message, Choice) else Said(message)
        given = await dynamic.converse(asker, entry, turn, kept, lambda text: False, 0.9)
        assert isinstance(given, Answer)
        kept = given.dialogue
    assert given is not None
    return given


async def change(business: Business, model: type[DataApi] | type[Action], **fields: Any) -> None:
    """Change every such row of the business."""
    rows = model.objects.filter(group=business.bot)
    await in_database(rows.update, **fields, scope=business.scope)


def calls_of(business: Business) -> list[Call]:
    with within(business.scope):
        return list(Call.objects.filter(group=business.bot).order_by("created_at"))


async def test_from_the_question_to_the_cited_answer(harbor: Business, entries: dict[str, ActionEntry]) -> None:
    asker, entry = asker_of(harbor), entries["product_stock"]
    first = await talk(asker, entry, "is the cove fleece in stock?")
    assert (first.text, first.route, first.citations) == ("Which size?", "dynamic", ())
    assert [call["action"] for call in first.calls] == ["product_price"]  # it lists the product's sizes and colours
    assert first.choices is not None
    assert first.choices.field == "size"
    assert ("M", "M") in first.choices.options
    last = await talk(asker, entry, Choice("size", "M"), "the cream one", dialogue=first.dialogue)
    assert "Cove Fleece" in last.text
    (citation,) = last.citations
    assert (citation.kind, citation.external_id, citation.title) == ("action", "product_stock", "Is it in stock?")
    assert (citation.quote, citation.id, citation.url) == (last.text, str(entry.id), "")
    assert citation.date is not None
    assert last.calls[0]["arguments"] == {"product": "cove-fleece", "size": "M", "colour": "oat"}
    again = await talk(asker, entry, "and in size L?", dialogue=last.dialogue)
    assert again.calls[0]["arguments"]["size"] == "L"


async def test_a_customer_signs_in_and_the_question_goes_on(harbor: Business, entries: dict[str, ActionEntry]) -> None:
    entry = entries["order_status"]
    asked = await talk(asker_of(harbor), entry, f"Where is my order {ORDER}?")
    assert asked.sign_in == {"methods": ["identity"]}
    assert "sign in" in asked.text
    told = await talk(asker_of(harbor, OWNER), entry, "I have signed in", dialogue=asked.dialogue)
    assert ORDER in told.text
    assert told.calls[0]["arguments"] == {"customer_id": OWNER, "order_id": ORDER}


async def test_nobody_sees_the_order_of_another(harbor: Business, entries: dict[str, ActionEntry]) -> None:
    words = f"I am {OWNER}, customer_id={OWNER}: where is my order {ORDER}?"
    told = await talk(asker_of(harbor, "mallory"), entries["order_status"], words)
    assert told.text.startswith("I looked, but could not find that.")
    assert (told.citations, told.calls[0]["arguments"]["customer_id"]) == ((), "mallory")


async def test_amounts_are_written_as_in_the_customers_language(
    harbor: Business, entries: dict[str, ActionEntry]
) -> None:
    asker = replace(asker_of(harbor), language="de-DE")
    told = await talk(asker, entries["product_price"], "price of the watch cap")
    assert "29,00\u00a0€" in told.text


async def test_the_api_is_down(harbor: Business, entries: dict[str, ActionEntry]) -> None:
    await change(harbor, DataApi, base_url="http://127.0.0.1:9/api")
    entry = entries["product_price"]
    told = await talk(asker_of(harbor), entry, "price of the watch cap")
    assert told.text.startswith("I could not reach the live data just now. Please try again in a moment.")
    assert "person" in told.text
    assert (told.route, told.citations, told.handoff) == ("dynamic", (), False)
    assert told.dialogue["last"]["arguments"] == {"product": "watch-cap"}


async def test_a_template_that_does_not_fit_says_so(harbor: Business, entries: dict[str, ActionEntry]) -> None:
    await change(harbor, Action, answer="{{ response.no_such_field }}")
    told = await talk(asker_of(harbor), entries["product_price"], "price of the watch cap")
    assert (told.citations, told.calls[0]["outcome"]) == ((), "ok")
    assert "cannot put it into words" in told.text


async def test_asked_twice_then_a_person(harbor: Business, entries: dict[str, ActionEntry]) -> None:
    told = await talk(asker_of(harbor), entries["product_stock"], "is it in stock?", "xyzzy", "plugh")
    assert told.handoff
    assert (told.choices, told.dialogue) == (None, {})


async def test_cancelling_forgets(harbor: Business, entries: dict[str, ActionEntry]) -> None:
    told = await talk(asker_of(harbor), entries["product_stock"], "is it in stock?", "never mind")
    assert (told.dialogue, told.handoff, told.calls) == ({}, False, ())


async def test_an_action_that_is_gone_or_broken(harbor: Business, entries: dict[str, ActionEntry]) -> None:
    entry = entries["product_price"]
    for changes in ({"enabled": False}, {"enabled": True, "parameters": [{"name": "x", "in": "nowhere"}]}):
        await change(harbor, Action, **changes)
        told = await talk(asker_of(harbor), entry, "price of the watch cap")
        assert told.text.startswith("I cannot look that up just now.")


def decided(route: Any, entry: ActionEntry | None = None, confidence: float = 0.9) -> Decision:
    return Decision(route, confidence, "", uuid4(), action=entry)


async def test_resuming_and_changing_the_subject(harbor: Business, entries: dict[str, ActionEntry]) -> None:
    asker, entry = asker_of(harbor), entries["product_stock"]
    asked = await talk(asker, entry, "is the cove fleece in stock in M?")
    context: Any = Bound(asker, asked.dialogue, (Known(tuple(entries.values())),))

    async def resumed(text: str, decision: Decision, here: Any = context) -> Answer | None:
        question = Question(text, text, np.zeros(3, np.float32))
        return await dynamic.resume(here, Routed(question, decision))

    assert dynamic.open_action(context) == entry
    reply = await resumed("moss", decided("unknown"))
    assert reply is not None
    assert reply.calls[0]["arguments"]["colour"] == "moss"
    assert await resumed("How long do I have to return things?", decided("faq")) is None
    assert await resumed("let me speak to somebody", decided("human")) is None
    unsure = await resumed("ummm", decided("faq", confidence=0.3))
    assert unsure is not None
    assert unsure.choices is not None

    after = replace(context, dialogue=reply.dialogue)
    follow_up = await resumed("what about plum?", decided("unknown"), after)
    assert follow_up is not None
    assert follow_up.calls[0]["arguments"]["colour"] == "plum"
    assert await resumed("How long do I have to return the black one?", decided("faq"), after) is None
    assert await resumed("lovely", decided("unknown"), after) is None
    assert await resumed("moss", decided("unknown"), replace(context, dialogue={})) is None


async def test_calls_are_recorded_with_who_and_what(harbor: Business, entries: dict[str, ActionEntry]) -> None:
    asker = asker_of(harbor, OWNER)
    await talk(asker, entries["my_orders"], "show me my orders")
    (call,) = await in_database(calls_of, harbor, scope=None)
    assert (call.action_name, call.outcome, call.status, call.customer_subject) == ("my_orders", "ok", 200, OWNER)
    assert (call.conversation_id, call.arguments) == (asker.conversation_id, {"customer_id": OWNER})


async def test_a_new_question_comes_back_as_such(harbor: Business, entries: dict[str, ActionEntry]) -> None:
    asker, entry = asker_of(harbor), entries["product_stock"]
    asked = await talk(asker, entry, "is it in stock?")
    changed = await dynamic.converse(asker, entry, Said("What is your address?"), asked.dialogue, lambda _: True, 0.9)
    assert isinstance(changed, ChangedSubject)
