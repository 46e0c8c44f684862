"""Turns of the running platform: each message answered exactly once, in order, and never out of turn."""

import contextlib
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise
from uuid import UUID

import httpx
import pytest

from chat.models import Conversation, Event, Interaction, Message, Turn
from tenants.scope import within
from tests.conftest import Business
from tests.over_http import Manager, Visitor, manager, until, visitor
from tests.platform_processes import Platform

SUBJECTS = ("kayaks", "lanterns", "tents", "boots", "maps", "stoves", "ropes", "helmets", "flasks", "gloves")
QUESTION = "How long is the guarantee on {}?"
ANSWER = "The guarantee on {} is {} years."
INTERLEAVINGS = 200
SEED = random.SystemRandom().randrange(10**6)


@pytest.fixture
def shop(platform: Platform, harbor: Business) -> Iterator[Manager]:
    """A bot that knows one answer for each of ten subjects."""
    boss = manager(platform, harbor)
    asked = [
        boss.add_faq(QUESTION.format(subject), ANSWER.format(subject, years))
        for years, subject in enumerate(SUBJECTS, 2)
    ]
    boss.wait_until_indexed(*(f"faqs/{faq}" for faq in asked))
    yield boss
    boss.http.close()


def answer_about(subject: str) -> str:
    return ANSWER.format(subject, SUBJECTS.index(subject) + 2)


def test_the_same_message_twenty_times_at_once_is_answered_once(platform: Platform, shop: Manager) -> None:
    customer = visitor(platform, shop.business)
    with ThreadPoolExecutor(20) as threads:
        said = [threads.submit(customer.say, QUESTION.format("tents"), client_id="once") for _ in range(20)]
        answers = [each.result() for each in said]
    assert {answer["id"] for answer in answers} == {answers[0]["id"]}
    assert answers[0]["text"] == answer_about("tents")
    assert [(each["role"], each["text"]) for each in customer.history()] == [
        ("customer", QUESTION.format("tents")),
        ("bot", answer_about("tents")),
    ]
    _check_numbers(shop.business, customer)


def test_ten_messages_at_once_are_answered_one_at_a_time_and_in_order(platform: Platform, shop: Manager) -> None:
    customer = visitor(platform, shop.business)
    with ThreadPoolExecutor(10) as threads:
        said = {subject: threads.submit(customer.say, QUESTION.format(subject)) for subject in SUBJECTS}
        for subject, answer in said.items():
            assert answer.result()["text"] == answer_about(subject)
    history = customer.history()
    asked = [message["text"] for message in history if message["role"] == "customer"]
    answered = [message["text"] for message in history if message["role"] == "bot"]
    assert sorted(asked) == sorted(QUESTION.format(subject) for subject in SUBJECTS)
    in_order = [next(subject for subject in SUBJECTS if QUESTION.format(subject) == text) for text in asked]
    assert answered == [answer_about(subject) for subject in in_order]
    with within(shop.business.scope):
        turns = list(Interaction.objects.filter(conversation_id=customer.conversation).order_by("created_at"))
    for before, after in pairwise(turns):
        # Within "load" a turn waits for the one before it to be written.
        worked = sum(taken for step, taken in after.steps.items() if step != "load")
        began = after.created_at - timedelta(milliseconds=worked)
        assert began > before.created_at - timedelta(milliseconds=5), "two turns ran at once"
    _check_numbers(shop.business, customer)


def test_a_client_that_leaves_in_the_middle_loses_nothing(platform: Platform, shop: Manager) -> None:
    customer = visitor(platform, shop.business)
    with customer.stream(QUESTION.format("boots")) as events:
        assert next(events).type == "route"
    until(lambda: _texts(customer, "bot") == [answer_about("boots")], "the answer is in the history")


def test_clients_that_leave_at_any_moment_lose_nothing_that_was_accepted(platform: Platform, shop: Manager) -> None:
    customer, chance = visitor(platform, shop.business), random.Random(SEED)
    for subject in SUBJECTS:
        # From 1 ms to half a second: on a slow machine nothing is accepted in the first 50.
        hasty = httpx.Timeout(10, read=10 ** chance.uniform(-3, -0.3))
        with httpx.Client(base_url=platform.url, timeout=hasty, headers=customer.http.headers) as http:
            with contextlib.suppress(httpx.ReadTimeout):
                replace(customer, http=http).post(QUESTION.format(subject), client_id=subject)
    until(lambda: not _open_turns(shop.business), "every turn has ended")
    asked = _texts(customer, "customer")
    assert asked, f"seed {SEED}: not one message was accepted"
    assert sorted(_texts(customer, "bot")) == sorted(
        answer_about(subject) for subject in SUBJECTS if QUESTION.format(subject) in asked
    )


def test_a_stream_resumes_after_any_event_without_gap_or_double(platform: Platform, shop: Manager) -> None:
    customer = visitor(platform, shop.business)
    for subject in SUBJECTS[:3]:
        customer.say(QUESTION.format(subject))
    shop.post(f"conversations/{customer.conversation}/reply", text="May I help?")
    shop.post(f"conversations/{customer.conversation}/release")
    numbers = _stored(shop.business, customer)
    assert len(numbers) == 6  # three answers; taken, said, released
    for after in (None, 0, *numbers[:-1]):
        wanted = [number for number in numbers if number > (after or 0)]
        with customer.follow(after) as events:
            assert [next(events).id for _ in wanted] == wanted


def test_a_stream_that_breaks_again_and_again_misses_nothing(platform: Platform, shop: Manager) -> None:
    customer, chance = visitor(platform, shop.business), random.Random(SEED)
    with ThreadPoolExecutor(1) as thread:
        asking = thread.submit(lambda: [customer.say(QUESTION.format(subject)) for subject in SUBJECTS])
        seen: list[int] = []
        while len(seen) < len(SUBJECTS):
            with customer.follow(seen[-1] if seen else None) as events:
                wanted = min(chance.randint(1, 3), len(SUBJECTS) - len(seen))
                for event in events:
                    if event.id is not None:
                        seen.append(event.id)
                        wanted -= 1
                    if not wanted:
                        break
        asking.result()
    assert seen == _stored(shop.business, customer), f"seed {SEED}"


def test_what_a_killed_web_process_left_is_answered_exactly_once(platform: Platform, shop: Manager) -> None:
    customers = [visitor(platform, shop.business) for _ in SUBJECTS]
    with ThreadPoolExecutor(len(customers)) as threads:
        for customer, subject in zip(customers, SUBJECTS, strict=True):
            threads.submit(customer.post, QUESTION.format(subject), client_id="mine")
        until(lambda: _messages(shop.business) >= 5, "five questions are saved", every_s=0.002)
        platform.kill("web")
    accepted = _messages(shop.business)
    assert _open_turns(shop.business) > 0, "everything was answered before the process was killed"
    platform.wait_until_ready()
    until(lambda: not _open_turns(shop.business), "all that was accepted is answered", patience_s=60)
    assert accepted >= 5
    for customer, subject in zip(customers, SUBJECTS, strict=True):
        # The widget sends again what it had no answer to.
        assert customer.say(QUESTION.format(subject), client_id="mine")["text"] == answer_about(subject)
        assert [message["role"] for message in customer.history()] == ["customer", "bot"]
        _check_numbers(shop.business, customer)


@dataclass
class Tally:
    """How often the bot was heard, and how often it held its tongue because somebody had taken over meanwhile."""

    spoke: int = 0
    silenced: int = 0
    left_to_person: int = 0
    wrong: list[str] = field(default_factory=list)


def test_the_bot_never_speaks_while_a_person_owns_the_conversation(platform: Platform, shop: Manager) -> None:
    """The stored events are replayed: between a person's taking over and release there is no answer."""
    tally = Tally()
    with ThreadPoolExecutor(8) as threads:
        races = [threads.submit(_race, platform, shop, SEED + number) for number in range(INTERLEAVINGS)]
        customers = [each.result() for each in races]
    until(lambda: not _open_turns(shop.business), "all turns have ended")
    for number, customer in enumerate(customers):
        _judge(shop.business, customer, tally, f"seed {SEED + number}")
    assert tally.wrong == []
    assert min(tally.spoke, tally.silenced, tally.left_to_person) > 0, tally


def _race(platform: Platform, shop: Manager, seed: int) -> Visitor:
    """Two questions, a taking over and a release, at random moments around the time that an answer takes."""
    chance, customer = random.Random(seed), visitor(platform, shop.business)
    where = f"conversations/{customer.conversation}"

    def ask() -> None:
        for subject in chance.sample(SUBJECTS, 2):
            assert customer.post(QUESTION.format(subject)).status_code in (200, 202)

    def take_and_release() -> None:
        time.sleep(random.Random(-seed).uniform(0, 0.25))
        shop.post(f"{where}/take")
        time.sleep(random.Random(seed**2).uniform(0, 0.15))
        shop.post(f"{where}/release")

    with ThreadPoolExecutor(2) as both:
        for done in (both.submit(ask), both.submit(take_and_release)):
            done.result()
    return customer


def _judge(business: Business, customer: Visitor, tally: Tally, seed: str) -> None:
    _check_numbers(business, customer)
    with within(business.scope):
        events = list(Event.objects.filter(conversation_id=customer.conversation).order_by("seq"))
        messages = list(Message.objects.filter(conversation_id=customer.conversation).order_by("seq"))
        explained = {
            each.question_id: each for each in Interaction.objects.filter(conversation_id=customer.conversation)
        }
        version = Conversation.objects.get(id=customer.conversation).version
    ours = {event.seq: event.data["owner"] == "person" for event in events if event.type == "status"}
    if version != len(ours):
        tally.wrong.append(f"{seed}: {len(ours)} changes of owner, but version {version}")
    answers = {event.data["id"]: event.seq for event in events if event.type == "answer"}
    for message in messages:
        if message.role == Message.Role.BOT:
            spoken = (message.seq, answers.pop(str(message.id), 0))
            if any(_person_owns(ours, number) for number in spoken) or not all(spoken):
                tally.wrong.append(f"{seed}: the bot spoke at {spoken}, changes at {ours}")
            tally.spoke += 1
        elif (interaction := explained.get(message.id)) is None:
            if not _person_owns(ours, message.seq):
                tally.wrong.append(f"{seed}: message {message.seq} was never answered")
            tally.left_to_person += 1
        elif interaction.answer_id is None:
            if not any(number > message.seq and person for number, person in ours.items()):
                tally.wrong.append(f"{seed}: silent about message {message.seq} although nobody took over")
            tally.silenced += 1
    if answers:
        tally.wrong.append(f"{seed}: answers without a message: {answers}")


def _person_owns(changes: dict[int, bool], number: int) -> bool:
    before = [seq for seq in changes if seq < number]
    return bool(before) and changes[max(before)]


def _check_numbers(business: Business, customer: Visitor) -> None:
    """Messages and events share one count, without a gap and without a double."""
    with within(business.scope):
        mine = {"conversation_id": UUID(customer.conversation)}
        numbers = [*Message.objects.filter(**mine).values_list("seq", flat=True)]
        numbers += [*Event.objects.filter(**mine).values_list("seq", flat=True)]
        last = Conversation.objects.get(id=customer.conversation).last_seq
    assert sorted(numbers) == list(range(1, last + 1))


def _stored(business: Business, customer: Visitor) -> list[int]:
    with within(business.scope):
        found = Event.objects.filter(conversation_id=customer.conversation).order_by("seq")
        return list(found.values_list("seq", flat=True))


def _texts(customer: Visitor, role: str) -> list[str]:
    return [message["text"] for message in customer.history() if message["role"] == role]


def _messages(business: Business) -> int:
    with within(business.scope):
        return Message.objects.filter(group=business.bot, role=Message.Role.CUSTOMER).count()


def _open_turns(business: Business) -> int:
    with within(business.scope):
        return Turn.objects.filter(group=business.bot).exclude(state=Turn.State.DONE).count()
