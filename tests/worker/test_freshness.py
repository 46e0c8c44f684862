"""What is saved is what is said next: on the running platform, with Redis and without."""

import os
import signal
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from knowledge.outbox import MUCH
from tests.conftest import Business
from tests.embedded_services import SERVICES
from tests.over_http import Manager, Visitor, manager, until, visitor
from tests.platform_processes import Platform

EDITS = 20
FRESH_WITHIN_S = 2.0
SAVED_WITHIN_S = 1.0
IMPORTED = 400
FAQ = "What does engraving a compass cost?"
FAQ_ANSWER = "Engraving a compass costs {} euros."
DOCUMENT = "How many days does a parcel to the Aran Islands take?"
PAGE = """# Delivery to islands

We deliver to every inhabited island with a ferry or an air service. The carrier hands the parcel over at the pier,
and a text message tells you when the ferry has left.

## How long it takes

A parcel to the Aran Islands takes {} working days. In storms the ferries stay in harbour, and parcels wait with them.

## Heavy goods

Canoes and stoves travel by freight boat on the first Monday of the month. The freight office calls before each
crossing to agree on an hour. Somebody with a trailer should be there, because the pier has no crane.

## Damage

Photograph a damaged parcel before you open it, and write to the returns desk within a week. The desk sends a
replacement with the next boat and collects the broken one at the same time.
"""


@pytest.fixture
def shop(platform: Platform, harbor: Business) -> Iterator[Manager]:
    boss = manager(platform, harbor)
    yield boss
    boss.http.close()


@pytest.fixture
def customer(platform: Platform, shop: Manager) -> Visitor:
    return visitor(platform, shop.business)


def test_an_edited_faq_is_in_the_next_answer(shop: Manager, customer: Visitor) -> None:
    faq = shop.add_faq(FAQ, FAQ_ANSWER.format(0))
    shop.wait_until_indexed(f"faqs/{faq}")

    def edit(number: int) -> None:
        shop.patch(f"faqs/{faq}", answer=FAQ_ANSWER.format(number))

    delays = [_delay(customer, FAQ, lambda n=n: edit(n), FAQ_ANSWER.format(n)) for n in range(1, EDITS + 1)]
    assert statistics.median(delays) < FRESH_WITHIN_S, delays


def test_an_edited_document_is_in_the_next_answer(shop: Manager, customer: Visitor) -> None:
    document = shop.add_document("Delivery to islands", PAGE.format(100))
    shop.wait_until_indexed(f"documents/{document}")

    def edit(number: int) -> None:
        shop.put(f"documents/{document}", title="Delivery to islands", text=PAGE.format(number))

    delays = [_delay(customer, DOCUMENT, lambda n=n: edit(n), f"takes {n} working") for n in range(101, 101 + EDITS)]
    assert statistics.median(delays) < FRESH_WITHIN_S, delays


def test_what_is_deleted_is_never_said_again(shop: Manager, customer: Visitor) -> None:
    faq = shop.add_faq(FAQ, FAQ_ANSWER.format(12))
    document = shop.add_document("Delivery to islands", PAGE.format(100))
    shop.wait_until_indexed(f"faqs/{faq}", f"documents/{document}")
    assert customer.say(FAQ)["text"] == FAQ_ANSWER.format(12)
    shop.delete(f"faqs/{faq}")
    assert "12 euros" not in customer.say(FAQ)["text"]
    assert "takes 100 working" in customer.say(DOCUMENT)["text"]
    shop.delete(f"documents/{document}")
    gone = customer.say(DOCUMENT)
    assert "100" not in gone["text"]
    assert gone["citations"] == []


def test_a_new_phrasing_finds_its_answer(shop: Manager, customer: Visitor) -> None:
    faq = shop.add_faq(FAQ, FAQ_ANSWER.format(12))
    shop.add_faq("Do you repair tents?", "We repair tents in winter.")
    shop.wait_until_indexed(f"faqs/{faq}")
    shop.patch(f"faqs/{faq}", alternates=["Personalised gift with initials"])
    shop.wait_until_indexed(f"faqs/{faq}")
    assert customer.say("Personalised gift with initials")["text"] == FAQ_ANSWER.format(12)


def test_a_long_import_holds_up_nobody(
    platform: Platform, shop: Manager, customer: Visitor, meridian: Business
) -> None:
    """Neither the edit of another tenant nor one in the very bot that is imported into."""
    faq = shop.add_faq(FAQ, FAQ_ANSWER.format(0))
    shop.wait_until_indexed(f"faqs/{faq}")
    importing = manager(platform, meridian)
    own = importing.add_faq("Where do I post a parcel?", "At the blue counter.")
    importing.wait_until_indexed(f"faqs/{own}")
    rows = [
        f"What is room {number} used for?,Room {number} is a store.,"
        + "|".join(f"what happens in room {number} on floor {floor}" for floor in range(6))
        for number in range(IMPORTED)
    ]
    importing.import_faqs("\n".join(["question,answer,alternates", *rows]))
    shop.patch(f"faqs/{faq}", alternates=["Personalised gift with initials"])
    took = _seconds(lambda: shop.wait_until_indexed(f"faqs/{faq}"))
    importing.patch(f"faqs/{own}", alternates=["Sending something off"])
    took_own = _seconds(lambda: importing.wait_until_indexed(f"faqs/{own}"))
    left = _waiting(importing)
    until(lambda: not _waiting(importing), "the import is over", patience_s=120)
    importing.http.close()
    assert left > MUCH, "The import was over before the edits were."
    assert max(took, took_own) < FRESH_WITHIN_S, (took, took_own)
    assert customer.say("Personalised gift with initials")["text"] == FAQ_ANSWER.format(0)


def _waiting(importing: Manager) -> int:
    """How many of the first 200 FAQs have not been indexed as they are."""
    found = importing.get("faqs?limit=200")["results"]
    return sum(each["revision"] != each["indexed_revision"] for each in found)


@contextmanager
def _redis_hangs() -> Iterator[None]:
    """Redis takes connections and bytes, and answers nothing."""
    pid = SERVICES.supervisor.pid_of("redis")
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def _redis_crashes(platform: Platform) -> Iterator[None]:
    """Redis is gone, with all that it held; it is started again meanwhile."""
    platform.kill("redis")
    yield


@pytest.mark.parametrize("how", ["hangs", "crashes"])
def test_without_redis_saving_is_quick_chat_answers_and_all_is_caught_up(
    platform: Platform, shop: Manager, customer: Visitor, how: str
) -> None:
    faq, document = shop.add_faq(FAQ, FAQ_ANSWER.format(12)), shop.add_document("Delivery to islands", PAGE.format(3))
    shop.wait_until_indexed(f"faqs/{faq}", f"documents/{document}")
    added: list[str] = []
    with _redis_hangs() if how == "hangs" else _redis_crashes(platform):
        saving = [
            _seconds(lambda: shop.patch(f"faqs/{faq}", answer=FAQ_ANSWER.format(15))),
            _seconds(lambda: shop.put(f"documents/{document}", title="Islands", text=PAGE.format(5))),
            _seconds(lambda: added.append(shop.add_faq("Do you sell snow shoes?", "Snow shoes come in November."))),
        ]
        assert customer.say(FAQ)["text"] == FAQ_ANSWER.format(15)
        assert "takes 3 working days" in customer.say(DOCUMENT)["text"]
    assert max(saving) <= SAVED_WITHIN_S, saving
    shop.wait_until_indexed(f"faqs/{faq}", f"documents/{document}", f"faqs/{added[0]}")
    assert "takes 5 working days" in customer.say(DOCUMENT)["text"]
    assert customer.say("Do you sell snow shoes?")["text"] == "Snow shoes come in November."
    platform.wait_until_ready()


def _delay(customer: Visitor, question: str, edit: Callable[[], None], wanted: str) -> float:
    """Seconds from the answer to saving until the customer has been told so."""
    edit()
    saved = time.monotonic()
    until(lambda: wanted in customer.say(question)["text"], f"the answer says “{wanted}”")
    return time.monotonic() - saved


def _seconds(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began
