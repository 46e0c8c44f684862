"""The recorded actions of 74 retail tasks, by actions imported from an OpenAPI file: exactly those, once, in order."""

import json
import os
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chat import carrying_out, confirming
from chat.exchange import CustomerIdentity
from chat.models import Conversation
from knowledge import actions, openapi
from knowledge.actions import ActionSpec
from knowledge.models import Call, DataApi
from knowledge.writes import NotOpen
from tenants.database import in_database
from tests.chat.changing_api import Talk, talk_of
from tests.conftest import Business
from tests.knowledge.retail_api import DOCUMENT, RetailApi, retail_api

DATA = Path(os.environ.get("TEST_DATA", Path(__file__).parents[3] / "shared" / "data")) / "retail"
pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the shared data are not here")
OF_CUSTOMER = {"user_id": {"source": "customer.sub"}, "x_customer": {"source": "customer.sub"}}
ATTEMPTS = 1000


def recorded() -> list[list[tuple[str, dict[str, Any]]]]:
    tasks = json.loads((DATA / "tasks_train.json").read_text(encoding="utf-8"))
    return [[(each["name"], each["arguments"]) for each in task["evaluation_criteria"]["actions"]] for task in tasks]


def database() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / "db.json").read_text(encoding="utf-8"))
    return found


def customer_of(task: list[tuple[str, dict[str, Any]]], db: dict[str, Any]) -> str:
    """Whose task it is: the owner of its orders, or else the user whom it names."""
    for _, arguments in task:
        if arguments.get("order_id") in db["orders"]:
            return str(db["orders"][arguments["order_id"]]["user_id"])
        if "user_id" in arguments:
            return str(arguments["user_id"])
    return "somebody"


def imported(business: Business, site: str) -> dict[str, ActionSpec]:
    """All operations of the document, as actions of the business; the customer fills in nothing about themselves."""
    api = DataApi.objects.create(
        group=business.bot, name="Retail", base_url=f"{site}/shop", allowed_hosts=["127.0.0.1"], timeout_s=20
    )
    described = openapi.describe(openapi.read(DOCUMENT.read_bytes()), f"{site}/openapi.yaml")
    assert described.base_url == f"{site}/shop"
    assert [each.problem for each in described.operations] == [""] * len(described.operations)
    picks = []
    for each in described.operations:
        own = OF_CUSTOMER.keys() & {row["name"] for row in each.parameters}
        changes = {name: OF_CUSTOMER[name] for name in own}
        picks.append({"operation": each.key, "only_reads": each.name == "calculate", "parameters": changes})
    made = openapi.import_actions(api, described, picks)
    return {each.name: actions.load_action(business.bot.id, each.id) for each in made}


async def do(talk: Talk, spec: ActionSpec, words: dict[str, Any]) -> str:
    """Run the action as the customer; what changes something is confirmed. How it ended."""
    if not spec.writes:
        return (await actions.run(spec, words, talk.asker.customer)).outcome
    answer = await confirming.propose(talk.asker, spec, words, (), 0.9)
    if answer.confirm is None:
        return answer.text
    group, scope = talk.business.bot.id, talk.business.scope
    decided = await in_database(confirming.decide, group, talk.conversation, answer.confirm.id, yes=True, scope=scope)
    assert not isinstance(decided, NotOpen)
    carried = await carrying_out.carry_out(answer.confirm.id, group, talk.conversation, scope)
    assert carried is not None
    return carried.call.outcome


async def test_the_recorded_actions_of_all_tasks_reach_the_api_exactly(harbor: Business) -> None:
    db, tasks = database(), recorded()
    assert (len(tasks), sum(map(len, tasks))) == (74, 365)
    async with retail_api(db) as api:
        specs = await in_database(imported, harbor, api.site, scope=harbor.scope)
        assert sum(spec.writes for spec in specs.values()) == 7
        for task in tasks:
            customer = customer_of(task, db)
            talk = await talk_of(harbor, customer)
            api.seen.clear()
            outcomes = [await do(talk, specs[name], arguments) for name, arguments in task]
            assert [(name, sent) for _, name, sent in api.seen] == task
            assert {who for who, _, _ in api.seen} <= {customer}
            assert set(outcomes) <= {"ok"}, list(zip(task, outcomes, strict=True))


async def test_no_action_runs_for_another_customer(harbor: Business) -> None:
    db, chance = database(), random.Random(7)
    users = sorted(name for name, user in db["users"].items() if user["orders"])
    async with retail_api(db) as api:
        specs = await in_database(imported, harbor, api.site, scope=harbor.scope)
        talks = [await talk_of(harbor, each) for each in chance.sample(users, 20)]
        for number in range(ATTEMPTS):
            thief, victim = chance.sample(talks, 2)
            await (_words if number % 4 else _confirmation)(api, chance, specs, thief, victim, db)
    assert len(api.seen) >= ATTEMPTS / 2
    calls = await in_database(_done_for, harbor, scope=harbor.scope)
    assert calls == set()


async def _words(
    api: RetailApi, chance: random.Random, specs: dict[str, ActionSpec], thief: Talk, victim: Talk, db: dict[str, Any]
) -> None:
    """Say that one is somebody else, in every place that words can reach."""
    spec, theirs = chance.choice(list(specs.values())), _name(victim)
    order = db["users"][theirs]["orders"][0]
    words: dict[str, Any] = {each.name: _made_up(each, order) for each in spec.parameters}
    for name in ("user_id", "x_customer", "X-Customer", "customer.sub", "source", "sub"):
        words[name] = theirs
    claims = {"user_id": theirs, "customer": {"sub": theirs}}
    before = len(api.seen)
    me = CustomerIdentity(_name(thief), claims=claims, id=thief.asker.customer.id if thief.asker.customer else None)
    outcome = await do(Talk(thief.business, thief.conversation, thief.token, _as(thief, me)), spec, words)
    for who, _, sent in api.seen[before:]:
        assert who == _name(thief)
        assert sent.get("user_id", who) == who
        if "order_id" in sent:
            assert outcome == "unauthorized"


async def _confirmation(
    api: RetailApi, chance: random.Random, specs: dict[str, ActionSpec], thief: Talk, victim: Talk, db: dict[str, Any]
) -> None:
    """Confirm what another was asked, in one's own conversation and in theirs."""
    own = db["users"][_name(victim)]["orders"][0]
    words = {"order_id": own, "reason": "no longer needed"}
    asked = await confirming.propose(victim.asker, specs["cancel_pending_order"], words, (), 0.9)
    before = len(api.seen)
    if asked.confirm is None:
        return
    with pytest.raises(NotOpen):
        await in_database(
            confirming.decide, thief.business.bot.id, thief.conversation, asked.confirm.id, yes=True,
            scope=thief.business.scope,
        )  # fmt: skip
    assert len(api.seen) == before


def _as(talk: Talk, customer: CustomerIdentity) -> Any:
    return replace(talk.asker, customer=customer)


def _name(talk: Talk) -> str:
    assert talk.asker.customer is not None
    return talk.asker.customer.subject


def _made_up(parameter: Any, order: str) -> Any:
    if parameter.name == "order_id":
        return order
    if parameter.choices:
        return parameter.choices[0].value
    return ["1151293680"] if parameter.type == "array" else "10001"


def _done_for(business: Business) -> set[str]:
    """Customers for whom something was done in a conversation that is not theirs."""
    owners = dict(Conversation.objects.values_list("id", "customer__subject"))
    calls = Call.objects.filter(state=Call.State.DONE).values_list("conversation_id", "customer_subject")
    return {subject for conversation, subject in calls if owners[conversation] != subject}
