"""Every large bot has a vector index of its own: made above a line, its recall checked, dropped when the bot shrinks.

Up to the line reading all vectors of a bot is quick, and exact. Tables belong to the owner role, so making and dropping
is done as that role (DATABASE_OWNER_URL); without it large bots are searched exactly, and more slowly.
"""

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from django.db import ProgrammingError, connection, connections
from numpy.typing import NDArray
from pgvector import HalfVector

from knowledge.models import OwnIndex
from knowledge.search import LISTED
from tenants import resolve
from tenants.scope import within

logger = logging.getLogger(__name__)

LINE = 20_000
# Well below the line, so that a bot that sits on it does not have its index made and dropped all day.
KEPT_DOWN_TO = 15_000
LEAST_RECALL = 0.99
BREADTHS = (200, 400, 800)
WANTED, QUESTIONS = 10, 50
# A recall is measured again, and a rejected index tried again, when the bot has grown or shrunk by a quarter.
CHANGED = 0.25
PREFIX = "chunk_vector_of_"
# Any number that nothing else locks: one process at a time tends indexes.
LOCK = 7_013_994_221


@dataclass(frozen=True)
class Large:
    """A bot above the line, in the space that it answers from."""

    group_id: UUID
    space: str
    dimension: int
    chunks: int

    @property
    def index(self) -> str:
        """The name of its index: at most 63 characters."""
        return f"{PREFIX}{self.group_id.hex}_{hashlib.sha256(self.space.encode()).hexdigest()[:8]}"


def tend(line: int = LINE, kept_down_to: int = KEPT_DOWN_TO) -> None:
    """Make what is lacking, check what has changed, drop what is not wanted. Needs no scope, and no transaction."""
    with _alone() as locked:
        if not locked:
            return
        made = _made()
        large = [bot for bot in _large(kept_down_to) if bot.chunks >= line or bot.index in made]
        try:
            for name in made.keys() - {bot.index for bot in large}:
                _drop(name)
            for bot in large:
                _tend_one(bot, made.get(bot.index, False))
        except ProgrammingError as problem:
            logger.warning("Large bots are searched without an index: %s", problem)


def _tend_one(bot: Large, valid: bool) -> None:
    scope = resolve.group_scope(bot.group_id)
    if scope is None:
        return
    with within(scope):
        OwnIndex.objects.filter(group_id=bot.group_id).exclude(space=bot.space).delete()
        known = OwnIndex.objects.filter(group_id=bot.group_id).first()
    changed = known is None or abs(bot.chunks - known.chunks) > CHANGED * known.chunks
    if known and not changed and (valid or not known.usable):
        return
    if not valid:
        _make(bot)
    with within(scope):
        breadth, recall = _recall(bot)
        OwnIndex.objects.update_or_create(
            group_id=bot.group_id,
            space=bot.space,
            defaults={"chunks": bot.chunks, "breadth": breadth, "recall": recall, "usable": recall >= LEAST_RECALL},
        )
    if recall < LEAST_RECALL:
        logger.warning("The index of bot %s finds only %.3f of the nearest: dropped.", bot.group_id, recall)
        _run(f"DROP INDEX CONCURRENTLY IF EXISTS {bot.index}")


def _large(at_least: int) -> list[Large]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT group_id, space, dimension, chunks FROM large_bots(%s)", [at_least])
        return [Large(*row) for row in cursor.fetchall()]


def _made() -> dict[str, bool]:
    """The indexes that there are, by name, and whether each is complete: a build that breaks off leaves half of one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
            "WHERE i.indrelid = 'knowledge_chunkvector'::regclass AND starts_with(c.relname, %s)",
            [PREFIX],
        )
        return dict(cursor.fetchall())


def _make(bot: Large) -> None:
    _run(f"DROP INDEX CONCURRENTLY IF EXISTS {bot.index}")
    _run("SET maintenance_work_mem = '256MB'")
    _run(
        f"CREATE INDEX CONCURRENTLY {bot.index} ON knowledge_chunkvector "
        f"USING hnsw ((embedding::halfvec({bot.dimension})) halfvec_ip_ops) "
        f"WHERE group_id = '{bot.group_id}' AND space = '{_quoted(bot.space)}'"
    )


def _drop(name: str) -> None:
    """Searches stop using it first; then it goes."""
    group_id = UUID(name.removeprefix(PREFIX)[:32])
    scope = resolve.group_scope(group_id)
    if scope:
        with within(scope):
            known = OwnIndex.objects.filter(group_id=group_id)
            known.filter(id__in=[row.id for row in known if Large(group_id, row.space, 0, 0).index == name]).delete()
    _run(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


def _recall(bot: Large) -> tuple[int, float]:
    """The least breadth of search that finds enough of the nearest passages, and the share that it finds."""
    questions = _questions(bot)
    exact = [_exact(bot, question) for question in questions]
    breadth, recall = BREADTHS[0], 0.0
    for breadth in BREADTHS:
        found = [_by_index(bot, question, breadth) for question in questions]
        recall = float(np.mean([len(best & near) / len(best) for best, near in zip(exact, found, strict=True)]))
        if recall >= LEAST_RECALL:
            break
    return breadth, recall


def _questions(bot: Large) -> list[NDArray[np.float32]]:
    """Points halfway between two passages: further from either than a question that one of them answers."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT embedding::text FROM knowledge_chunkvector WHERE group_id = %s AND space = %s "
            "ORDER BY random() LIMIT %s",
            [bot.group_id, bot.space, 2 * QUESTIONS],
        )
        vectors = np.array([HalfVector.from_text(row[0]).to_list() for row in cursor.fetchall()], dtype=np.float32)
    half = len(vectors) // 2
    sums = vectors[:half] + vectors[half : 2 * half]
    return list(sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-6))


def _exact(bot: Large, question: NDArray[np.float32]) -> set[UUID]:
    with connection.cursor() as cursor:
        # The sum hides the distance from the index.
        cursor.execute(
            "SELECT chunk_id FROM knowledge_chunkvector WHERE group_id = %s AND space = %s "
            "ORDER BY (embedding <#> %s::halfvec) + 0 LIMIT %s",
            [bot.group_id, bot.space, HalfVector(question).to_text(), WANTED],
        )
        return {row[0] for row in cursor.fetchall()}


def _by_index(bot: Large, question: NDArray[np.float32], breadth: int) -> set[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT unnest(nearest_passages(%s, %s, %s::halfvec, %s, %s))",
            [bot.group_id, bot.space, HalfVector(question).to_text(), LISTED, breadth],
        )
        return {row[0] for row in cursor.fetchall()}


@contextmanager
def _alone() -> Iterator[bool]:
    """Whether no other process is at it; until the end of the block none will be."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        locked: bool = cursor.fetchone()[0]
    try:
        yield locked
    finally:
        # Gives back the lock, and the memory that making an index was allowed.
        connections["owner"].close()


def _run(statement: str) -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute(statement)


def _quoted(text: str) -> str:
    return text.replace("'", "''")
