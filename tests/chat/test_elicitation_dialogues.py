"""Dialogues as customers type them, through whole turns and real APIs, without a model: they reach the right call."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest

from chat import asking
from chat.exchange import Choice
from chat.models import Conversation
from deploy.demo.businesses import BUSINESSES
from knowledge.data_apis import save_action, save_data_api
from knowledge.imports import import_faqs
from knowledge.models import Action, Call, DataApi
from tenants.database import in_database
from tenants.scope import within
from tests.chat import linden_clinic, northmoor_rail
from tests.chat.plain_api import plain_api
from tests.conftest import Business, make_business
from tests.knowledge.demo_apis import running_service

HERE = Path(__file__).parent
AT_LEAST = 38


@dataclass(frozen=True)
class Bots:
    """The businesses by the key that the dialogues name, each with what its people are called."""

    businesses: dict[str, Business]
    people: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Ended:
    """How a dialogue went: every call that changed or told something, and whether a person was asked for."""

    said: list[str]
    calls: list[tuple[str, dict[str, Any], str]]
    waiting: bool


@pytest.fixture(scope="module")
def bots(django_db_setup: None, django_db_blocker: Any) -> Iterator[Bots]:
    with django_db_blocker.unblock(), ExitStack() as stack:
        sites = {name: stack.enter_context(running_service(name)) for name in ("harbor", "meridian")}
        businesses = {}
        for key, made_up in {"northmoor-rail": northmoor_rail, "linden-clinic": linden_clinic}.items():
            businesses[key] = _made_up(key, made_up, stack.enter_context(plain_api(made_up.answer)).site)
        for demo in BUSINESSES:
            for api in demo.tenant["data_apis"]:
                key = api["bot"]
                businesses[key] = _demo(demo.slug, api, demo.folders[key], sites[demo.slug])
        yield Bots(businesses, northmoor_rail.PEOPLE | linden_clinic.PEOPLE)


def dialogues(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (HERE / name).read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("name", ["elicitation_dialogues.jsonl", "elicitation_dialogues_sloppy.jsonl"])
async def test_dialogues_reach_the_right_call(bots: Bots, settle: Callable[..., None], name: str) -> None:
    await in_database(settle, *bots.businesses.values(), scope=None)
    rows = dialogues(name)
    assert len(rows) == 40
    failures = {row["id"]: problem for row in rows if (problem := await _problem(bots, row))}
    report = "\n\n".join(f"{key}: {problem}" for key, problem in failures.items())
    assert len(rows) - len(failures) >= AT_LEAST, f"{len(failures)} of {len(rows)} failed:\n\n{report}"
    print(f"\n{name}: {len(rows) - len(failures)} of {len(rows)}\n{report}")


async def test_what_the_bot_does_not_know_is_no_failed_reply_to_what_it_asks(
    bots: Bots, settle: Callable[..., None]
) -> None:
    shop = bots.businesses["harbor-shop"]
    await in_database(settle, shop, scope=None)
    first = await asking.ask(shop.bot.key, "is the cove fleece in stock in M?")
    assert first.answer is not None
    assert "Which colour?" in first.answer["text"]
    asides = (
        "Could I rent a tent from you for a weekend?",
        "Do you run a pottery class in Belfast?",
        "Have you got a branch in Lisbon?",
    )
    for aside in asides:
        reply = await asking.ask(shop.bot.key, aside, conversation_id=first.conversation_id)
        assert reply.answer is not None
        assert (reply.answer["route"], reply.answer["citations"]) == ("unknown", []), aside
    last = await asking.ask(shop.bot.key, "moss", conversation_id=first.conversation_id)
    assert last.answer is not None
    assert last.answer["route"] == "dynamic"
    ended = await in_database(_ended, shop, first.conversation_id, [], scope=None)
    (call,) = [arguments for name, arguments, _ in ended.calls if name == "product_stock"]
    assert (call["size"], call["colour"], ended.waiting) == ("M", "moss", False)


async def test_after_an_answer_in_between_what_was_asked_is_asked_again_once(
    bots: Bots, settle: Callable[..., None]
) -> None:
    shop = bots.businesses["harbor-shop"]
    await in_database(settle, shop, scope=None)
    first = await asking.ask(shop.bot.key, "is the cove fleece in stock in M?")
    replies = []
    for text in ("How long do I have to return something?", "Which countries do you deliver to?", "moss"):
        reply = await asking.ask(shop.bot.key, text, conversation_id=first.conversation_id)
        assert reply.answer is not None
        replies.append(reply.answer)
    between, again, last = replies
    assert [reply["route"] for reply in replies] == ["faq", "faq", "dynamic"]
    vetted, asked = between["text"].split("\n\nBack to ")
    assert vetted == between["citations"][0]["quote"]
    assert asked.endswith("Which colour?")
    assert {"moss"} <= {option["value"] for option in between["choices"]["options"]}
    assert again["text"] == again["citations"][0]["quote"]
    assert "moss" in last["text"].lower()


async def _problem(bots: Bots, row: dict[str, Any]) -> str:
    """What is wrong with how a dialogue ended; nothing if it reached its call with its arguments, and no other."""
    business = bots.businesses[row["bot"]]
    ended = await _held(bots, business, row)
    story = "\n".join(ended.said)
    if row.get("person"):
        return "" if ended.waiting else f"no person was asked for\n{story}"
    wanted = row["call"]["action"], {name: _day(value) for name, value in row["call"]["arguments"].items()}
    made = [(name, arguments) for name, arguments, method in ended.calls if name == wanted[0]]
    changes = [(name, arguments) for name, arguments, method in ended.calls if method != "GET"]
    if not made or made[-1] != wanted:
        return f"wanted {wanted}\nmade {made}\n{story}"
    others = [each for each in changes if each != wanted]
    return f"something else was changed: {others}\n{story}" if others or len(changes) > 1 else ""


async def _held(bots: Bots, business: Business, row: dict[str, Any]) -> Ended:
    conversation, offered, said = None, {}, []
    who = row["customer"]
    token = await in_database(_token, bots, business, who, scope=None) if who else ""
    for turn in row["say"]:
        choice = _pressed(turn, offered) if isinstance(turn, dict) else None
        text = turn["press"] if isinstance(turn, dict) else turn
        asked = await asking.ask(business.bot.key, text, token=token, conversation_id=conversation, choice=choice)
        conversation, token = asked.conversation_id, ""
        answer = asked.answer or {"text": "(a person owns the conversation)"}
        offered = answer.get("choices") or {}
        buttons = [option["label"] for option in offered.get("options", [])]
        said.append(f"  > {text}\n  < {answer['text']} {buttons or ''}")
    return await in_database(_ended, business, conversation, said, scope=None)


def _pressed(turn: dict[str, Any], offered: dict[str, Any]) -> Choice:
    option = next((each for each in offered.get("options", []) if each["label"] == turn["press"]), None)
    return Choice(offered["field"], option["value"]) if option else Choice("nothing", turn["press"])


def _ended(business: Business, conversation: Any, said: list[str]) -> Ended:
    with within(business.scope):
        rows = Call.objects.filter(conversation_id=conversation)
        rows = rows.exclude(state__in=["proposed", "withdrawn", "declined"])
        calls = []
        for call in rows.order_by("created_at").select_related("action"):
            assert call.action is not None
            own = {each["name"] for each in call.action.parameters if not each.get("source")}
            arguments = {name: value for name, value in call.arguments.items() if name in own}
            calls.append((call.action_name, arguments, call.method))
        waiting = Conversation.objects.get(id=conversation).waiting_since is not None
    return Ended(said, calls, waiting)


def _day(value: Any) -> Any:
    """A day that the dialogue counts from today, such as @+1."""
    if isinstance(value, str) and re.fullmatch(r"@\+\d+", value):
        return (datetime.now(UTC).date() + timedelta(days=int(value[2:]))).isoformat()
    return value


def _token(bots: Bots, business: Business, subject: str) -> str:
    with within(business.scope):
        secret = type(business.bot).objects.get(id=business.bot.id).identity_secret
    claims = {key: value for key, value in bots.people.get(subject, {}).items() if value}
    now = datetime.now(UTC)
    claims |= {"sub": subject, "aud": business.bot.key, "iat": now, "exp": now + timedelta(minutes=10)}
    return jwt.encode(claims, secret, algorithm="HS256")


def _made_up(key: str, described: Any, site: str) -> Business:
    business = make_business(key, key)
    with within(business.scope):
        api = save_data_api(DataApi(group=business.bot, name="Own", base_url=site, allowed_hosts=["127.0.0.1"]))
        for row in sorted(described.ACTIONS, key=_depends):
            save_action(Action(group=business.bot, data_api=api, **row))
        assert not import_faqs(business.bot.id, described.FAQS.encode(), "faqs.csv").errors
    return business


def _depends(row: dict[str, Any]) -> int:
    """What only lists comes before what lets choose from it."""
    return sum("choices_from" in each for each in row["parameters"]) + (row["method"] != "GET")


def _demo(slug: str, described: dict[str, Any], folder: Path, site: str) -> Business:
    business = make_business(slug, slug)
    auth = described["auth"]
    with within(business.scope):
        api = save_data_api(
            DataApi(
                group=business.bot, name=described["name"], base_url=described["base_url"].replace("{site}", site),
                allowed_hosts=["127.0.0.1"], auth_type=auth["type"], auth_name=auth.get("name", ""),
                auth_secret=auth["value"], honours_keys=described.get("honours_keys", False),
            )
        )  # fmt: skip
        for row in described["actions"]:
            save_action(Action(group=business.bot, data_api=api, **row))
        assert not import_faqs(business.bot.id, (folder / "faqs.csv").read_bytes(), "faqs.csv").errors
    return business
