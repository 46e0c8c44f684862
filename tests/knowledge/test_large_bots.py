"""A large bot's own index: made above the line, as good as reading everything, nobody else's, dropped below."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest
from django.db import connection

from knowledge import large_bots
from knowledge.models import Document, EmbeddingSpace, OwnIndex
from knowledge.search import search
from tenants.scope import within
from tests.conftest import Business
from tests.knowledge import made_up_passages
from tests.knowledge.made_up_passages import DIMENSION, SPACE, Shelf
from tests.knowledge.test_search import K, found, recall

# By the schedule's own line none of these bots is large.
pytestmark = pytest.mark.usefixtures("no_schedule")

LINE, KEPT_DOWN_TO = 300, 200


def tend() -> None:
    large_bots.tend(LINE, KEPT_DOWN_TO)


def own_index(business: Business) -> OwnIndex | None:
    with within(business.scope):
        return OwnIndex.objects.filter(group_id=business.bot.id).first()


def name(business: Business) -> str:
    return large_bots.Large(business.bot.id, SPACE, DIMENSION, 0).index


def made(*businesses: Business) -> list[str]:
    """The complete indexes of these businesses' bots."""
    complete = {index for index, valid in large_bots._made().items() if valid}
    return sorted(complete & {name(business) for business in businesses})


def answer_from(business: Business, space: str) -> None:
    with within(business.scope):
        EmbeddingSpace.objects.filter(group_id=business.bot.id).update(active=False)
        EmbeddingSpace.objects.update_or_create(
            group_id=business.bot.id, key=space, defaults={"dimension": DIMENSION, "active": True}
        )


@pytest.fixture(autouse=True)
def _small_again(meridian: Business, harbor: Business) -> Iterator[None]:
    """Other tests tend large bots too: leave none behind."""
    yield
    for business in (meridian, harbor):
        with within(business.scope):
            EmbeddingSpace.objects.filter(group_id=business.bot.id).delete()
    tend()
    assert not made(meridian, harbor)


@pytest.fixture
def large(meridian: Business) -> tuple[Business, Shelf, np.random.Generator]:
    """Meridian's bot just above the line, with its index."""
    rng, shelf = np.random.default_rng(1), Shelf()
    made_up_passages.add(meridian, shelf, LINE + 20, rng)
    answer_from(meridian, SPACE)
    tend()
    return meridian, shelf, rng


def test_above_the_line_a_bot_has_an_index_that_finds_the_same(
    large: tuple[Business, Shelf, np.random.Generator],
) -> None:
    business, shelf, rng = large
    own = own_index(business)
    assert own is not None
    assert (own.usable, own.chunks) == (True, LINE + 20)
    assert own.recall >= 0.99
    before = _scans_of(name(business))
    assert recall(business, shelf, rng, 20) >= 0.99
    assert _scans_of(name(business)) >= before + 20


def test_what_is_wanted_of_a_large_bot_is_looked_up_without_reading_all_of_it(
    large: tuple[Business, Shelf, np.random.Generator],
) -> None:
    business, _, rng = large
    before = _rows_read()
    for _ in range(10):
        found(business, made_up_passages.question(rng))
    # To count them and to look up those that are listed; for each one all of them would be 140 times.
    assert _rows_read() - before <= 10 * 4 * (LINE + 20), "all of the bot is read for each passage that is wanted"


def test_below_the_line_and_in_spaces_that_do_not_answer_there_is_none(meridian: Business, harbor: Business) -> None:
    rng = np.random.default_rng(2)
    for business, size, space in ((meridian, LINE - 10, SPACE), (harbor, LINE + 10, "another")):
        made_up_passages.add(business, Shelf(), size, rng)
        answer_from(business, space)
    tend()
    assert own_index(meridian) is None
    assert own_index(harbor) is None
    assert not made(meridian, harbor)


def test_the_index_goes_well_below_the_line_and_comes_back_above(
    large: tuple[Business, Shelf, np.random.Generator],
) -> None:
    business, shelf, rng = large
    more = made_up_passages.add(business, shelf, 60, rng)
    first = next(iter(_documents(business, but=more)))
    made_up_passages.remove(business, shelf, more)
    tend()
    assert made(business), "just below and above the line nothing changes"
    made_up_passages.remove(business, shelf, first)
    made_up_passages.add(business, shelf, KEPT_DOWN_TO - 1, rng)
    assert recall(business, shelf, rng, 5) >= 0.99, "also before anybody has noticed"
    tend()
    assert not made(business)
    assert own_index(business) is None
    assert recall(business, shelf, rng, 5) == 1
    made_up_passages.add(business, shelf, LINE, rng)
    tend()
    assert made(business)
    assert recall(business, shelf, rng, 5) >= 0.99


def test_churn_is_seen_through_the_index_at_once(large: tuple[Business, Shelf, np.random.Generator]) -> None:
    business, shelf, rng = large
    documents = [made_up_passages.add(business, shelf, 40, rng)]
    for _ in range(5):
        made_up_passages.remove(business, shelf, documents.pop(0))
        documents.append(made_up_passages.add(business, shelf, 40, rng))
        newest = list(shelf.vectors)[-1]
        passages = found(business, (shelf.texts[newest], shelf.vectors[newest]))
        assert passages[0].chunk_id == newest
        assert {passage.chunk_id for passage in passages} <= shelf.texts.keys()
        assert recall(business, shelf, rng, 5) >= 0.98


def test_another_business_finds_nothing_by_it(
    large: tuple[Business, Shelf, np.random.Generator], harbor: Business
) -> None:
    business, shelf, rng = large
    other = Shelf()
    made_up_passages.add(harbor, other, 30, rng)
    asked = made_up_passages.question(rng)
    with within(harbor.scope), connection.cursor() as cursor:
        cursor.execute(
            "SELECT nearest_passages(%s, %s, (%s::float8[])::vector::halfvec, 50, 200)",
            [business.bot.id, SPACE, asked[1].tolist()],
        )
        assert cursor.fetchone() == ([],)
        assert not OwnIndex.objects.exists()
    assert [passage.chunk_id for passage in found(harbor, asked)] == other.best(*asked, K)
    assert {passage.chunk_id for passage in found(business, asked)} <= shelf.texts.keys()


def test_a_front_searches_large_and_small_bots_together(
    large: tuple[Business, Shelf, np.random.Generator], harbor: Business
) -> None:
    business, shelf, rng = large
    made_up_passages.add(harbor, shelf, 50, rng)
    both = replace(business.scope, groups=business.scope.groups | harbor.scope.groups)
    both = replace(both, tenants=business.scope.tenants | harbor.scope.tenants)
    shares = []
    for _ in range(10):
        asked = made_up_passages.question(rng)
        with within(both):
            passages = _found_together(asked, business, harbor)
        shares.append(len(set(passages) & set(shelf.best(*asked, K))) / K)
    assert np.mean(shares) >= 0.99


def test_an_index_that_misses_too_much_is_not_used_and_not_tried_again_at_once(
    meridian: Business, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng, shelf = np.random.default_rng(3), Shelf()
    made_up_passages.add(meridian, shelf, LINE, rng)
    answer_from(meridian, SPACE)
    monkeypatch.setattr(large_bots, "_by_index", lambda *found: set())
    tend()
    own = own_index(meridian)
    assert own is not None
    assert (own.usable, own.recall) == (False, 0)
    assert not made(meridian)
    assert recall(meridian, shelf, rng, 5) == 1
    monkeypatch.undo()
    tend()
    assert not made(meridian), "nothing has changed since"
    made_up_passages.add(meridian, shelf, LINE // 2, rng)
    tend()
    assert made(meridian)


def _found_together(asked: tuple[str, np.ndarray], *businesses: Business) -> list[UUID]:
    return [passage.chunk_id for passage in search(*asked, [each.bot.id for each in businesses], SPACE, K)]


def _documents(business: Business, but: Document) -> list[Document]:
    with within(business.scope):
        return [document for document in Document.objects.all() if document != but]


def _rows_read() -> int:
    """How many rows of the passages' tables have been read by their indexes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(
            "SELECT sum(idx_tup_read) FROM pg_stat_user_indexes "
            "WHERE relname IN ('knowledge_chunk', 'knowledge_chunkvector')"
        )
        return int(cursor.fetchone()[0])


def _scans_of(index: str) -> int:
    """How often the index has been read; the statistics are a moment late."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = %s", [index])
        return int(cursor.fetchone()[0])
