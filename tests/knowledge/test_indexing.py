"""Small things of one bot that wait are indexed together, and none of them can spoil it for the others."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

from knowledge import document_index, indexing, outbox, prepared_texts
from knowledge.documents import save_document, update_details
from knowledge.faqs import save_faq
from knowledge.models import Chunk, Document, Faq, IndexJob
from tenants import enqueue
from tenants.scope import within
from tests.conftest import Business

PATIENCE_S = 20.0


@pytest.fixture(autouse=True)
def no_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks of this process never arrive."""
    monkeypatch.setattr(enqueue, "now", lambda task, **arguments: False)


def _save(business: Business, *texts: str) -> list[Document]:
    with within(business.scope):
        return [
            save_document(business.bot.id, filename=f"{number}.md", data=text.encode(), title=f"Rule {number}")
            for number, text in enumerate(texts)
        ]


def _states(business: Business) -> list[str]:
    with within(business.scope):
        return list(Document.objects.order_by("title").values_list("state", flat=True))


def _waiting(business: Business) -> set[UUID]:
    with within(business.scope):
        return set(IndexJob.objects.values_list("object_id", flat=True))


def test_what_waits_is_indexed_with_the_first_and_nothing_of_another_tenant(
    harbor: Business, meridian: Business
) -> None:
    first, *_ = _save(harbor, *(f"Boat {number} leaves from pier {number}." for number in range(5)))
    theirs = _save(meridian, "Accounts are free.")
    with within(harbor.scope):
        faqs = [
            save_faq(Faq(group=harbor.bot, question=f"Is boat {number} slow?", answer="No."), [f"speed of {number}"])
            for number in range(3)
        ]
    indexing.index(harbor.bot.id, "document", first.id)
    assert _states(harbor) == ["ready"] * 5
    assert _waiting(harbor) == {faq.id for faq in faqs}, "another kind of thing"
    indexing.index(harbor.bot.id, "faq", faqs[0].id)
    assert not _waiting(harbor)
    with within(harbor.scope):
        assert {faq.indexed_revision for faq in Faq.objects.all()} == {1}
        found = list(Chunk.objects.order_by("document__title").values_list("text", flat=True))
        assert found == [f"Boat {number} leaves from pier {number}." for number in range(5)]
    assert (_states(meridian), _waiting(meridian)) == (["queued"], {theirs[0].id})


def test_a_long_text_waits_for_its_own_turn(harbor: Business) -> None:
    first, _, _ = _save(harbor, "Short.", "It is long. " * indexing.BYTES_TOGETHER, "Short, too.")
    indexing.index(harbor.bot.id, "document", first.id)
    assert _states(harbor)[:2] == ["ready", "queued"]


def test_what_is_edited_by_hand_does_not_wait_for_an_import(harbor: Business) -> None:
    [edited] = _save(harbor, "Boats are red.")
    indexing.index(harbor.bot.id, "document", edited.id)
    with outbox.much_at_once():
        _save(harbor, *(f"Boat {number} leaves from pier {number}." for number in range(outbox.MUCH + 5)))
    with within(harbor.scope):
        save_document(harbor.bot.id, filename="0.md", data=b"Boats are blue.", document=edited)
        later = IndexJob.objects.filter(due_at__gt=timezone.now() + 2 * outbox.SWEEP_AFTER)
        behind = set(later.values_list("object_id", flat=True))
    assert len(behind) == 5
    indexing.index(harbor.bot.id, "document", edited.id)
    assert behind <= _waiting(harbor)
    assert edited.id not in _waiting(harbor)
    indexing.index(harbor.bot.id, "document", next(iter(behind)))
    assert not behind & _waiting(harbor), "those go together"


def test_what_cannot_be_read_fails_alone(harbor: Business) -> None:
    first, broken, _ = _save(harbor, "Boats leave at nine.", "\x00\x00", "Boats return at five.")
    indexing.index(harbor.bot.id, "document", first.id)
    assert _states(harbor) == ["ready", "failed", "ready"]
    with within(harbor.scope):
        broken.refresh_from_db()
        assert broken.error == "This file is empty."
    assert not _waiting(harbor)


def test_what_ended_a_worker_is_tried_again_alone(harbor: Business, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third = _save(harbor, "Boats leave at nine.", "Boats return at five.", "Boats are blue.")
    parse = document_index.parse_in_process

    def dies(data: bytes, *rest: Any) -> Any:
        if b"return" in data:
            raise SystemExit("as if the worker had been killed")
        return parse(data, *rest)

    monkeypatch.setattr(document_index, "parse_in_process", dies)
    with pytest.raises(SystemExit):
        indexing.index(harbor.bot.id, "document", first.id)
    assert "ready" not in _states(harbor)
    with within(harbor.scope):
        IndexJob.objects.update(due_at="2000-01-01T00:00Z")
    for each in (first, third):
        indexing.index(harbor.bot.id, "document", each.id)
    assert [_states(harbor)[at] for at in (0, 2)] == ["ready", "ready"]
    assert _waiting(harbor) == {second.id}


def test_one_that_somebody_is_saving_is_not_waited_for_by_the_others(harbor: Business) -> None:
    """Whoever saves several at once may hold one and wait for another: that must not become a circle."""
    first, held = _save(harbor, "Boats leave at nine.", "Boats return at five.")
    saving, saved = Event(), Event()

    def save() -> None:
        try:
            with within(harbor.scope):
                Document.objects.select_for_update().get(id=held.id)
                saving.set()
                assert saved.wait(PATIENCE_S)
                Document.objects.select_for_update().get(id=first.id)
        finally:
            connection.close()

    def index() -> None:
        try:
            indexing.index(harbor.bot.id, "document", first.id)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        holder = threads.submit(save)
        assert saving.wait(PATIENCE_S)
        worker = threads.submit(index)
        while _states(harbor)[0] != "ready":
            assert not worker.done()
        saved.set()
        holder.result(PATIENCE_S)
        worker.result(PATIENCE_S)
    assert _states(harbor) == ["ready", "ready"]


def test_a_title_that_changes_meanwhile_is_kept_and_searched(
    harbor: Business, settle: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    [document] = _save(harbor, "Boats leave at nine.")
    embed = prepared_texts.embed

    def rename_and_embed(*arguments: Any) -> Any:
        monkeypatch.setattr(prepared_texts, "embed", embed)
        with within(harbor.scope):
            document.refresh_from_db()
            document.title = "Ferry times"
            update_details(document)
        return embed(*arguments)

    monkeypatch.setattr(prepared_texts, "embed", rename_and_embed)
    settle(harbor)
    settle(harbor)
    with within(harbor.scope):
        document.refresh_from_db()
        assert (document.title, document.state, document.indexed_revision) == ("Ferry times", "ready", 1)
        assert Chunk.objects.filter(postings__term="ferri").exists(), "the title is part of what is searched"
