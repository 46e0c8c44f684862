"""Vectors without a text are thrown away; those of anything that is known, or being indexed, stay."""

import threading
from collections.abc import Callable

from django.db import connection

from knowledge import data_apis, outbox, unused_vectors
from knowledge.documents import delete_document, save_document
from knowledge.faqs import save_faq
from knowledge.models import Action, DataApi, Faq, IndexJob, Vector
from tenants.scope import within
from tests.conftest import Business


def hashes(business: Business) -> set[str]:
    with within(business.scope):
        return set(Vector.objects.filter(group_id=business.bot.id).values_list("content_hash", flat=True))


def add_unused(business: Business, *keys: str) -> None:
    with within(business.scope):
        Vector.objects.bulk_create(
            [Vector(group_id=business.bot.id, space="s", content_hash=key, embedding=[1.0]) for key in keys]
        )


def test_what_any_text_needs_stays_and_the_rest_goes(
    meridian: Business, harbor: Business, settle: Callable[..., None]
) -> None:
    with within(meridian.scope):
        save_faq(Faq(group=meridian.bot, question="Is it “free”?", answer="Yes, ü " * 80), ["Does it cost?"])
        save_document(meridian.bot.id, filename="fees.txt", data=b"The account is free.\n\nA card costs five pounds.")
        api = DataApi.objects.create(group=meridian.bot, name="Bank", base_url="https://bank.example")
        data_apis.save_action(
            Action(
                group=meridian.bot, data_api=api, name="balance", title="Your balance", description="What you have.",
                path="/balance", answer="{{ response.amount }}", examples=["How much have I got?"],
            )
        )  # fmt: skip
    settle(meridian)
    needed = hashes(meridian)
    assert len(needed) >= 7
    add_unused(meridian, "old", "older")
    unused_vectors.collect()
    assert hashes(meridian) == needed


def test_a_deleted_document_leaves_nothing(meridian: Business, settle: Callable[..., None]) -> None:
    with within(meridian.scope):
        document = save_document(meridian.bot.id, filename="a.txt", data=b"We open at nine.")
    settle(meridian)
    assert hashes(meridian)
    with within(meridian.scope):
        delete_document(document)
    unused_vectors.collect()
    assert hashes(meridian) == set()


def test_more_than_one_batch_goes(meridian: Business) -> None:
    add_unused(meridian, *(f"old {number}" for number in range(unused_vectors.BATCH + 5)))
    unused_vectors.collect()
    assert hashes(meridian) == set()


def test_nothing_is_taken_from_a_bot_that_is_being_indexed(meridian: Business, settle: Callable[..., None]) -> None:
    """Texts are embedded before the transaction that stores their chunks."""
    with within(meridian.scope):
        save_document(meridian.bot.id, filename="a.txt", data=b"We open at nine.")
    add_unused(meridian, "of a chunk to come")
    unused_vectors.collect()
    assert "of a chunk to come" in hashes(meridian)
    settle(meridian)
    unused_vectors.collect()
    assert "of a chunk to come" not in hashes(meridian)


def test_a_job_that_is_being_written_is_waited_for(meridian: Business) -> None:
    """Somebody saves while vectors are collected: whoever comes second sees what the first has done."""
    add_unused(meridian, "about to be needed")
    collected = threading.Thread(target=_collect)
    with within(meridian.scope):
        faq = Faq.objects.create(group=meridian.bot, question="?", answer="!")
        outbox.put(meridian.bot.id, IndexJob.Kind.FAQ, faq.id)
        collected.start()
        collected.join(0.3)
        assert collected.is_alive(), "the collector waits until the job is there or not"
    collected.join(30)
    assert "about to be needed" in hashes(meridian)


def _collect() -> None:
    try:
        unused_vectors.collect()
    finally:
        connection.close()
