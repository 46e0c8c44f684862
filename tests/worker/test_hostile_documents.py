"""Documents made to do harm, uploaded over HTTP: each ends in a readable state, and a good one after them is read."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from knowledge import document_index, indexing, outbox
from knowledge.documents import save_document
from knowledge.models import Document, IndexJob
from tenants.scope import within
from tests.conftest import Business
from tests.knowledge import hostile_files
from tests.over_http import Manager, manager, until, visitor
from tests.platform_processes import Platform

UNDER_WAY = ("queued", "reading", "embedding")
ALL_ENDED_WITHIN_S = 300.0
# What is wrong only by its name or size is read all the same.
READ = {"sheet-named.pdf", "picture-of-itself.pdf", "million-columns.csv", "bomb-attached.eml", "mail-in-mail.eml"}
GOOD = "The harbour office opens at a quarter past six, and the ferry to Inis Mór leaves from pier nine."


@pytest.fixture
def shop(platform: Platform, harbor: Business) -> Iterator[Manager]:
    boss = manager(platform, harbor)
    yield boss
    boss.http.close()


def test_every_hostile_file_ends_in_a_readable_state_and_a_good_one_after_them_is_read(
    platform: Platform, shop: Manager
) -> None:
    refused: dict[str, str] = {}
    uploaded: dict[str, str] = {}
    for name, content in hostile_files.files():
        answer = shop.http.post(
            "/api/v1/documents", data={"bot": shop.business.bot.key}, files={"file": (name, content)}
        )
        if answer.status_code == 201:
            uploaded[answer.json()["id"]] = name
        else:
            refused[name] = _said(answer)
    good = shop.add_document("Harbour office", GOOD)
    assert list(refused) == ["too-large.txt"]
    until(lambda: _under_way(shop) == 0, "all have ended", ALL_ENDED_WITHIN_S, every_s=0.5)
    found = {document["id"]: document for document in _all(shop)}
    assert set(found) == {*uploaded, good}
    assert found.pop(good)["state"] == "ready"
    for document in found.values():
        name = uploaded[document["id"]]
        assert document["state"] == "ready" or _is_readable(document["error"]), (name, document)
        assert "given up" not in document["error"], name
        assert "root:" not in str(document), name
    ready = {uploaded[document["id"]] for document in found.values() if document["state"] == "ready"}
    assert ready >= READ
    notices = {uploaded[document["id"]]: document["notice"] for document in found.values()}
    assert "only the first 100 were read" in notices["million-columns.csv"]
    assert "unpacks to far more than it may" in notices["bomb-attached.eml"]
    assert (
        "pier nine" in visitor(platform, shop.business).say("From which pier does the ferry to Inis Mór leave?")["text"]
    )


def _under_way(shop: Manager) -> int:
    return sum(shop.get(f"documents?bot={shop.business.bot.key}&state={state}")["count"] for state in UNDER_WAY)


def _all(shop: Manager) -> Iterator[dict[str, Any]]:
    address = f"documents?bot={shop.business.bot.key}"
    while address:
        page = shop.get(address)
        yield from page["results"]
        address = (page["next"] or "").partition("/api/v1/")[2]


def _said(answer: httpx.Response) -> str:
    assert answer.status_code in (400, 413), answer.text
    return answer.json()["message"]


def _is_readable(error: str) -> bool:
    """Sentences for people: no traceback, no name of an exception."""
    return error.endswith(".") and error[:1].isupper() and "Error" not in error and "Traceback" not in error


class TestGivingUp:
    def test_a_document_that_ends_every_worker_is_given_up_in_words(
        self, harbor: Business, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(outbox.enqueue, "on_commit", lambda *args, **kwargs: None)
        monkeypatch.setattr(document_index, "parse_in_process", _dies)
        with within(harbor.scope):
            document = save_document(harbor.bot.id, filename="a.txt", data=b"Some words.")
        for attempt in range(indexing.MOST_ATTEMPTS):
            with pytest.raises(SystemExit):
                indexing.index(harbor.bot.id, "document", document.id)
            indexing.index(harbor.bot.id, "document", document.id)  # the lease still runs: nobody else starts
            with within(harbor.scope):
                assert IndexJob.objects.get().attempts == attempt + 1
                IndexJob.objects.update(due_at="2000-01-01T00:00Z")
        indexing.index(harbor.bot.id, "document", document.id)
        with within(harbor.scope):
            document.refresh_from_db()
            assert document.state == Document.State.FAILED
            assert document.error.startswith("Preparing this document for search failed 10 times in a row")
            assert not IndexJob.objects.exists()


def _dies(*args: object) -> None:
    raise SystemExit("as if the worker had been killed")
