"""Search against its own formula worked out in full: the same passages, whatever the bot's size and history."""

import numpy as np
import psycopg
import pytest
from django.conf import settings
from django.db import connection

from knowledge import search_index
from knowledge.models import ChunkVector, Posting, Vector
from knowledge.search import Passage, search
from knowledge.text_hash import text_hash
from tenants.scope import within
from tests.conftest import Business
from tests.knowledge import made_up_passages
from tests.knowledge.made_up_passages import SPACE, Shelf
from tests.over_http import until

K = 10


def found(business: Business, asked: tuple[str, np.ndarray], k: int = K) -> list[Passage]:
    with within(business.scope):
        return search(*asked, [business.bot.id], SPACE, k)


def recall(business: Business, shelf: Shelf, rng: np.random.Generator, questions: int = 20) -> float:
    """Of the K best by the formula, the share that search finds too."""
    shares = []
    for _ in range(questions):
        asked = made_up_passages.question(rng)
        best = shelf.best(*asked, K)
        shares.append(len({passage.chunk_id for passage in found(business, asked)} & set(best)) / len(best))
    return float(np.mean(shares))


@pytest.mark.parametrize("size", [1, 9, 50, 700])
def test_the_best_by_the_formula_are_found(meridian: Business, size: int) -> None:
    rng, shelf = np.random.default_rng(size), Shelf()
    made_up_passages.add(meridian, shelf, size, rng)
    asked = made_up_passages.question(rng)
    passages = found(meridian, asked)
    assert [passage.chunk_id for passage in passages] == shelf.best(*asked, K)
    assert [passage.score for passage in passages] == sorted((p.score for p in passages), reverse=True)
    assert passages[0].cosine == pytest.approx(float(shelf.vectors[passages[0].chunk_id] @ asked[1]), abs=1e-3)
    assert recall(meridian, shelf, rng) >= 0.99


def test_nothing_is_found_where_nothing_is_known(meridian: Business) -> None:
    assert found(meridian, made_up_passages.question(np.random.default_rng(1))) == []


def test_a_question_without_words_is_answered_by_meaning(meridian: Business) -> None:
    rng, shelf = np.random.default_rng(2), Shelf()
    made_up_passages.add(meridian, shelf, 20, rng)
    asked = ("", made_up_passages.question(rng)[1])
    assert [passage.chunk_id for passage in found(meridian, asked)] == shelf.best(*asked, K)
    assert {passage.lexical for passage in found(meridian, asked)} == {0}


def test_several_bots_are_searched_as_one(meridian: Business, harbor: Business) -> None:
    """A front's bots: what is rare is rare among all that they know."""
    rng, shelf = np.random.default_rng(3), Shelf()
    for business, size in ((meridian, 300), (harbor, 20)):
        made_up_passages.add(business, shelf, size, rng)
    both = type(meridian.scope)(
        meridian.scope.tenants | harbor.scope.tenants, meridian.scope.groups | harbor.scope.groups
    )
    asked = made_up_passages.question(rng)
    with within(both):
        passages = search(*asked, [meridian.bot.id, harbor.bot.id], SPACE, K)
    assert [passage.chunk_id for passage in passages] == shelf.best(*asked, K)


def test_another_business_is_neither_found_nor_counted(meridian: Business, harbor: Business) -> None:
    rng, shelf, other = np.random.default_rng(4), Shelf(), Shelf()
    made_up_passages.add(meridian, shelf, 40, rng)
    asked = made_up_passages.question(rng)
    before = found(meridian, asked)
    made_up_passages.add(harbor, other, 400, rng)
    with within(meridian.scope):
        widened = search(*asked, [meridian.bot.id, harbor.bot.id], SPACE, K)
    assert found(meridian, asked) == before == widened
    with within(harbor.scope):
        assert search(*asked, [meridian.bot.id], SPACE, K) == []


def test_what_is_saved_is_found_at_once_and_what_is_deleted_never_again(meridian: Business) -> None:
    """Churn: the same connection, with its plans made long ago, sees each change as soon as it is committed."""
    rng, shelf = np.random.default_rng(5), Shelf()
    documents = [made_up_passages.add(meridian, shelf, 30, rng) for _ in range(3)]
    for _ in range(12):
        made_up_passages.remove(meridian, shelf, documents.pop(0))
        documents.append(made_up_passages.add(meridian, shelf, int(rng.integers(1, 60)), rng))
        asked = made_up_passages.question(rng)
        assert [passage.chunk_id for passage in found(meridian, asked)] == shelf.best(*asked, K)
    with within(meridian.scope):
        assert ChunkVector.objects.count() == len(shelf.texts)
        assert Posting.objects.values("chunk_id").distinct().count() == len(shelf.texts)


def test_vectors_that_come_later_reach_the_chunks_that_wait_for_them(meridian: Business) -> None:
    """A new space is built while its chunks are there already."""
    rng, shelf = np.random.default_rng(6), Shelf()
    made_up_passages.add(meridian, shelf, 10, rng)
    asked = made_up_passages.question(rng)
    with within(meridian.scope):
        hashes = [text_hash(text) for text in shelf.texts.values()]
        copies = Vector.objects.filter(group_id=meridian.bot.id, content_hash__in=hashes)
        newer = {"group_id": meridian.bot.id, "space": "newer"}
        Vector.objects.bulk_create(
            [Vector(**newer, content_hash=each.content_hash, embedding=each.embedding) for each in copies]
        )
        assert search(*asked, [meridian.bot.id], "newer", K) == []
        search_index.add_vectors(meridian.bot.id, "newer", hashes)
        passages = search(*asked, [meridian.bot.id], "newer", K)
    assert [passage.chunk_id for passage in passages] == shelf.best(*asked, K)


def test_search_reads_postings_from_the_index_alone_under_row_level_security(meridian: Business) -> None:
    rng, shelf = np.random.default_rng(7), Shelf()
    made_up_passages.add(meridian, shelf, 600, rng)
    plan = _plan(meridian)
    assert "Index Only Scan using knowledge_posting_pkey" in plan
    assert "Heap Fetches: 0" not in plan
    owner = settings.DATABASES["owner"]
    where = {name.lower(): owner[name] for name in ("HOST", "PORT", "USER", "PASSWORD")}
    with psycopg.connect(dbname=owner["NAME"], **where, autocommit=True) as vacuum:
        # The test server writes commits down a little later, and only then are their rows known to be visible to all.
        until(lambda: vacuum.execute("VACUUM knowledge_posting") and "Heap Fetches: 0" in _plan(meridian), "vacuumed")


def _plan(business: Business) -> str:
    """How search reads the postings of two words."""
    with within(business.scope), connection.cursor() as cursor:
        cursor.execute("SELECT unnest(proconfig) FROM pg_proc WHERE proname = 'search_passages'")
        for (setting,) in cursor.fetchall():
            cursor.execute(f"SET LOCAL {setting}")
        cursor.execute(
            "EXPLAIN (ANALYZE, COSTS OFF) SELECT term, chunk_id, weight FROM knowledge_posting "
            "WHERE group_id = ANY (%s) AND term = ANY (%s)",
            [[business.bot.id], ["bark", "fest"]],
        )
        return "\n".join(row[0] for row in cursor.fetchall())
