"""A person takes over and hands back: who may speak, who is told, and that nothing is lost on the way."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.exceptions import ValidationError

from chat import handoff, store
from chat.models import Conversation, Event, Message
from tenants.scope import within
from tests.conftest import Business
from tests.over_http import Manager, Visitor, manager, until, visitor
from tests.platform_processes import Platform

QUESTION = "Do you sharpen ice axes?"
ANSWER = "We sharpen ice axes on Fridays."


@pytest.fixture
def shop(platform: Platform, harbor: Business) -> Iterator[Manager]:
    boss = manager(platform, harbor)
    faq = boss.add_faq(QUESTION, ANSWER)
    boss.wait_until_indexed(f"faqs/{faq}")
    yield boss
    boss.http.close()


@pytest.fixture
def customer(platform: Platform, shop: Manager) -> Visitor:
    return visitor(platform, shop.business)


@pytest.fixture
def conversation(harbor: Business) -> Conversation:
    with within(harbor.scope):
        return store.open_conversation(harbor.bot)[0]


def events(business: Business, conversation_id: object) -> list[tuple[str, object]]:
    with within(business.scope):
        found = Event.objects.filter(conversation_id=conversation_id).order_by("seq")
        return [(event.type, event.data.get("owner", event.data.get("text"))) for event in found]


def test_a_person_takes_over_replies_and_hands_back(shop: Manager, customer: Visitor) -> None:
    where, agent = f"conversations/{customer.conversation}", shop.business.members["agent"]
    shop.post(f"{where}/take", member=agent.user.email)
    silent = customer.post(QUESTION)
    assert (silent.status_code, silent.json()) == (202, {"owner": "person"})
    shop.post(f"{where}/reply", member=agent.user.email, text="I do, on Fridays.")
    shop.post(f"{where}/release", member=agent.user.email)
    assert customer.say(QUESTION)["text"] == ANSWER
    assert [(each["role"], each["text"]) for each in customer.history()] == [
        ("customer", QUESTION),
        ("person", "I do, on Fridays."),
        ("customer", QUESTION),
        ("bot", ANSWER),
    ]
    assert customer.history()[1]["name"] == str(agent)
    assert [kind for kind, _ in events(shop.business, customer.conversation)] == [
        "status",
        "message",
        "status",
        "answer",
    ]


def test_a_reply_reaches_the_customer_while_he_listens(shop: Manager, customer: Visitor) -> None:
    with customer.follow() as seen:
        shop.post(f"conversations/{customer.conversation}/reply", text="Hello, this is Sam.")
        status, message = next(seen), next(seen)
    assert (status.type, status.data["owner"]) == ("status", "person")
    assert (message.type, message.data["text"]) == ("message", "Hello, this is Sam.")
    assert {"id", "text", "name", "created_at"} <= set(message.data)


def test_asking_for_a_person_puts_it_in_the_inbox_once_and_the_bot_helps_on(shop: Manager, customer: Visitor) -> None:
    for _ in range(3):
        asked = customer.http.post(f"{customer.address}/handoff", headers=customer.headers)
        assert (asked.status_code, asked.json()) == (202, {"owner": "bot", "waiting": True})
    waiting = shop.get(f"conversations?bot={shop.business.bot.key}&state=waiting")
    assert [each["id"] for each in waiting["results"]] == [customer.conversation]
    assert events(shop.business, customer.conversation) == [("status", "bot")]
    assert customer.say(QUESTION)["text"] == ANSWER
    shop.post(f"conversations/{customer.conversation}/resolve")
    assert shop.get(f"conversations?bot={shop.business.bot.key}&state=waiting")["count"] == 0


def test_a_resolved_conversation_opens_again_when_the_customer_writes(shop: Manager, customer: Visitor) -> None:
    customer.say(QUESTION)
    assert shop.post(f"conversations/{customer.conversation}/resolve")["state"] == "resolved"
    customer.say(QUESTION)
    assert shop.get(f"conversations/{customer.conversation}")["state"] == "bot"


def test_a_message_sent_again_while_a_person_owns_it_stays_one(shop: Manager, customer: Visitor) -> None:
    shop.post(f"conversations/{customer.conversation}/take")
    codes = [customer.post(QUESTION, client_id="m-1").status_code for _ in range(3)]
    assert codes == [202] * 3
    assert len(customer.history()) == 1


def test_a_question_that_waits_is_not_answered_once_somebody_took_over(
    harbor: Business, conversation: Conversation
) -> None:
    """The bot had begun; its answer is dropped although the person has handed back meanwhile."""
    group = harbor.bot.id
    with within(harbor.scope):
        store.save_question(group, conversation.id, QUESTION, None, None)
        turn = store.claim_turn(group, conversation.id)
        handoff.take(group, conversation.id, harbor.members["agent"])
        handoff.release(group, conversation.id, harbor.members["agent"])
        assert turn is not None
        assert turn.version != Conversation.objects.get(id=conversation.id).version


def test_of_two_who_take_it_at_once_one_gets_it(harbor: Business, conversation: Conversation) -> None:
    takers = [harbor.members[role] for role in ("owner", "admin", "agent")] * 2

    def take(number: int) -> str:
        try:
            with within(harbor.scope):
                handoff.take(harbor.bot.id, conversation.id, takers[number])
        except handoff.Conflict as problem:
            return str(problem)
        return "taken"

    with ThreadPoolExecutor(len(takers)) as threads:
        said = list(threads.map(take, range(len(takers))))
    with within(harbor.scope):
        owner = Conversation.objects.get(id=conversation.id).assignee
        assert Conversation.objects.get(id=conversation.id).version == 1
    assert owner is not None
    assert said.count("taken") == 2  # the winner, and again the winner
    assert {text for text in said if text != "taken"} == {f"{owner} has taken this conversation."}


def test_colleagues_may_neither_speak_nor_hand_back(harbor: Business, conversation: Conversation) -> None:
    group, agent, other = harbor.bot.id, harbor.members["agent"], harbor.members["admin"]
    with within(harbor.scope):
        handoff.take(group, conversation.id, agent)
        for verb in (handoff.take, handoff.release, handoff.resolve):
            with pytest.raises(handoff.Conflict, match=str(agent)):
                verb(group, conversation.id, other)
        with pytest.raises(handoff.Conflict):
            handoff.reply(group, conversation.id, other, "Let me.")
        for empty in ("", "  ", "x" * 4001, "a\0b"):
            with pytest.raises(ValidationError):
                handoff.reply(group, conversation.id, agent, empty)
        assert not Message.objects.exists()
        handoff.release(group, conversation.id, agent)
        assert Conversation.objects.get(id=conversation.id).state == "bot"


def test_who_waits_is_answered_when_the_platform_was_away(platform: Platform, shop: Manager, customer: Visitor) -> None:
    """A reply that was given while the customer's stream was down is the first thing it brings."""
    shop.post(f"conversations/{customer.conversation}/reply", text="I am here.")
    platform.kill("web")
    platform.wait_until_ready()
    assert until(lambda: customer.history(), "the history is back")[0]["text"] == "I am here."
    with customer.follow(0) as seen:
        assert [next(seen).type, next(seen).type] == ["status", "message"]
    assert customer.post(QUESTION).status_code == 202
