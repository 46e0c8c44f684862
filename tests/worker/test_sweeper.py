"""Nothing that was saved stays unsearchable: lost tasks, tasks that run twice, and workers that are killed."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from celery import current_app

from knowledge import indexing
from knowledge.documents import save_document
from knowledge.faqs import save_faq
from knowledge.models import Chunk, Document, Faq, IndexJob, Posting, Vector
from tenants import enqueue
from tenants.scope import within
from tests.conftest import Business
from tests.embedded_services import SERVICES
from tests.over_http import Manager, manager, until
from tests.platform_processes import Platform

PAGE = "# Chapter {0}\n\n" + "\n\n".join(
    f"## Rule {{0}}.{number}\n\nRule {number} of chapter {{0}} says that boat number {number} leaves from pier {{0}}."
    for number in range(12)
)
# So much that no worker takes on all of them together.
LONG_PAGE = PAGE + "\n\nBring a rope for each boat that you moor at this pier." * 200
DOCUMENTS = 8


@pytest.fixture
def shop(platform: Platform, harbor: Business) -> Iterator[Manager]:
    boss = manager(platform, harbor)
    yield boss
    boss.http.close()


@pytest.fixture
def broker_loses_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks of this process never arrive."""
    monkeypatch.setattr(enqueue, "now", lambda task, **arguments: False)


def test_lost_tasks_are_found_by_the_sweeper(platform: Platform, shop: Manager, broker_loses_everything: None) -> None:
    business = shop.business
    with within(business.scope):
        faq = save_faq(Faq(group=business.bot, question="Is there a ferry?", answer="Yes."), ["Do boats go there?"])
        document = save_document(business.bot.id, filename="rules.md", data=PAGE.format(1).encode())
    shop.wait_until_indexed(f"faqs/{faq.id}", f"documents/{document.id}")
    _check_index(business)


def test_tasks_that_run_twice_and_at_once_leave_one_index(harbor: Business, broker_loses_everything: None) -> None:
    with within(harbor.scope):
        documents = [_save(harbor, number) for number in range(2)]
        jobs = list(IndexJob.objects.values_list("group_id", "kind", "object_id"))
    assert len(jobs) == len(documents)
    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(indexing.index, *job) for job in jobs * 3]:
            done.result()
    _check_index(harbor)


def test_an_older_task_does_not_overtake_a_newer_revision(harbor: Business, broker_loses_everything: None) -> None:
    with within(harbor.scope):
        document = _save(harbor, 1)
        save_document(harbor.bot.id, filename="rules.md", data=PAGE.format(2).encode(), document=document)
    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(indexing.index, harbor.bot.id, "document", document.id) for _ in range(4)]:
            done.result()
    _check_index(harbor)
    with within(harbor.scope):
        assert set(Chunk.objects.values_list("revision", flat=True)) == {2}
        assert not Chunk.objects.filter(text__contains="pier 1").exists()


def test_killed_workers_lose_nothing(platform: Platform, shop: Manager) -> None:
    business = shop.business
    with within(business.scope):
        documents = [_save(business, number, LONG_PAGE) for number in range(DOCUMENTS)]
    until(lambda: _indexed(business) >= 1, "the first document is indexed", every_s=0.01)
    _kill_the_workers()
    assert _indexed(business) < DOCUMENTS, "everything was indexed before the workers were killed"
    shop.wait_until_indexed(*(f"documents/{document.id}" for document in documents))
    _check_index(business)
    platform.wait_until_ready()


def test_a_task_for_something_that_is_gone_is_harmless(platform: Platform, shop: Manager) -> None:
    """The ids in a task may be old, or nonsense; the next task is worked off all the same."""
    nobody = str(UUID(int=7))
    for group in (nobody, str(shop.business.bot.id)):
        for kind in ("faq", "document", "action"):
            current_app.send_task("worker.index", kwargs={"group_id": group, "kind": kind, "object_id": nobody})
        current_app.send_task("worker.finish_turns", kwargs={"group_id": group, "conversation_id": nobody})
    faq = shop.add_faq("Is there a ferry?", "Yes.")
    shop.wait_until_indexed(f"faqs/{faq}")
    with within(shop.business.scope):
        assert not IndexJob.objects.exists()


def _save(business: Business, number: int, page: str = PAGE) -> Document:
    return save_document(
        business.bot.id, filename="rules.md", data=page.format(number).encode(), title=f"Rules {number}"
    )


def _kill_the_workers() -> None:
    """The pool's processes with their parent: nobody may tidy up."""
    os.killpg(SERVICES.supervisor.pid_of("worker"), signal.SIGKILL)


def _indexed(business: Business) -> int:
    with within(business.scope):
        return Document.objects.filter(state=Document.State.READY).count()


def _check_index(business: Business) -> None:
    """Every document and FAQ is indexed at its revision, each chunk once, with its vector and its postings."""
    with within(business.scope):
        assert not IndexJob.objects.exists()
        for found in [*Document.objects.all(), *Faq.objects.all()]:
            assert found.indexed_revision == found.revision
        vectors = set(Vector.objects.values_list("content_hash", flat=True))
        for document in Document.objects.all():
            chunks = list(Chunk.objects.filter(document=document).order_by("position"))
            assert [chunk.position for chunk in chunks] == list(range(len(chunks)))
            assert chunks
            assert {chunk.revision for chunk in chunks} == {document.revision}
            assert {chunk.content_hash for chunk in chunks} <= vectors
            for chunk in chunks:
                assert Posting.objects.filter(chunk_id=chunk.id).exists()
        chunk_ids = set(Chunk.objects.values_list("id", flat=True))
        assert set(Posting.objects.values_list("chunk_id", flat=True)) == chunk_ids
