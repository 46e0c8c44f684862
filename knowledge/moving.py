"""Moving a bot to another embedding space, a slice of the work at a time, while the old space answers."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from uuid import UUID

from django.db import connection
from django.utils import timezone

from knowledge import prepared_texts, spaces, vectors
from knowledge.embedding import (
    Embedder,
    Encoded,
    EndpointError,
    ModelChoice,
    ModelNotFound,
    catalogue,
    from_json,
    get_embedder,
    identity_of,
)
from knowledge.models import EmbeddingSpace, SpaceMove
from knowledge.prepared_texts import Text
from knowledge.spaces import InUse
from tenants import resolve
from tenants.scope import Scope, within

logger = logging.getLogger(__name__)

# One worker is to be free for edits: so many moves are worked on at once, and each gives way after a slice.
AT_ONCE = 1
SLICE_S = 8.0
BATCH = 32
READ_AHEAD = 512
LEASE, LEASE_WHILE_LOADING = timedelta(seconds=30), timedelta(minutes=3)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=10)


def lagging() -> list[UUID]:
    """Bots that are to be moved on: on their way, or left behind by a change of the installation's model."""
    model, revision = _identity(catalogue.installed())
    with connection.cursor() as cursor:
        cursor.execute("SELECT root FROM lagging_spaces(%s, %s, %s)", [model, revision, AT_ONCE])
        return [row[0] for row in cursor.fetchall()]


@dataclass(frozen=True)
class Progress:
    """How many bots answer from a space and how many are on their way to it (`failing` of them wait after an error),
    and how far their texts are. The key is empty while the model is not loaded yet."""

    key: str
    answering: int
    moving: int
    failing: int
    done: int
    total: int


def progress() -> list[Progress]:
    """Of all bots together, for the operator. Needs no scope."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT key, answering, moving, failing, done, total FROM space_progress()")
        return [Progress(*row) for row in cursor.fetchall()]


def advance(root: UUID) -> bool:
    """Do a slice of a bot's move. Whether there is more to do at once. Needs no scope; may run twice or at once."""
    scope = resolve.group_scope(root)
    if scope is None:
        return False
    with within(scope):
        move = _take(root)
    if move is None:
        return False
    try:
        return not _slice(scope, move)
    except (EndpointError, ModelNotFound) as problem:
        logger.warning("The move of bot %s to another embedding model waits: %s", root, problem)
        with within(scope):
            _failed(move, str(problem))
    except Exception as problem:
        with within(scope):
            _failed(move, f"{type(problem).__name__}: see the worker's log.")
        raise
    return False


def _take(root: UUID) -> SpaceMove | None:
    """The bot's move, under a lease; begun here where the bot has been left behind."""
    moves = SpaceMove.objects.select_for_update().filter(group_id=root)
    move = moves.first()
    if move is None:
        SpaceMove.objects.bulk_create(_left_behind(root), ignore_conflicts=True)
        move = moves.first()
    if move is None or move.due_at > timezone.now():
        return None
    if not move.chosen and from_json(move.source) != catalogue.installed():
        move.source, move.key = catalogue.installed().as_json(), ""
    move.due_at = timezone.now() + LEASE_WHILE_LOADING
    move.save()
    return move


def _left_behind(root: UUID) -> list[SpaceMove]:
    """The move that a bot needs to make, if any."""
    chosen = EmbeddingSpace.objects.filter(group_id=root, chosen=True).first()
    wanted = (chosen.model, chosen.revision) if chosen else _identity(catalogue.installed())
    answering = EmbeddingSpace.objects.filter(group_id__in=spaces.members_of(root), active=True)
    if all((row.model, row.revision) == wanted for row in answering):
        return []
    source = chosen.source if chosen else catalogue.installed().as_json()
    return [SpaceMove(group_id=root, source=source, key=chosen.key if chosen else "", chosen=chosen is not None)]


def _slice(scope: Scope, move: SpaceMove) -> bool:
    """Embed what lacks a vector, for a while; whether the bot has arrived."""
    target, embedder = _open(scope, move)
    with within(scope):
        members = spaces.members_of(move.group_id)
        counts = [prepared_texts.count(member, target.key) for member in members]
    move.done, move.total = sum(done for done, _ in counts), sum(total for _, total in counts)
    ends = time.monotonic() + SLICE_S
    while True:
        lacking = _lacking(scope, members, target.key)
        if not lacking:
            with within(scope):
                if spaces.arrive(move.group_id, target):
                    return True
        for start in range(0, len(lacking), BATCH):
            _embed(scope, move, embedder, lacking[start : start + BATCH])
            if time.monotonic() > ends:
                with within(scope):
                    _progress(move, due_at=timezone.now())
                return False
        if not lacking and not _still_wanted(scope, move):
            return True


def _open(scope: Scope, move: SpaceMove) -> tuple[InUse, Embedder]:
    """Load the model; the move then knows which space it leads to."""
    choice = from_json(move.source)
    with within(scope):
        members = spaces.members_of(move.group_id)
        row = EmbeddingSpace.objects.filter(group_id__in=members, key=move.key).first() if move.key else None
    embedder = spaces.in_use(row).embedder() if row else get_embedder(choice)
    target = InUse(choice, embedder.space)
    if move.key != target.key:
        move.key = target.key
        with within(scope):
            _progress(move)
    return target, embedder


def _lacking(scope: Scope, members: Sequence[UUID], space: str) -> list[tuple[UUID, Text]]:
    with within(scope):
        return [(member, text) for member in members for text in prepared_texts.missing(member, space, READ_AHEAD)]


def _embed(scope: Scope, move: SpaceMove, embedder: Embedder, batch: Sequence[tuple[UUID, Text]]) -> None:
    found: dict[UUID, dict[str, Encoded]] = {}
    for as_query, encode in ((True, embedder.encode_queries), (False, embedder.encode_passages)):
        part = [(member, text) for member, text in batch if text.as_query == as_query]
        for (member, text), encoded in zip(part, encode([text.text for _, text in part]), strict=True):
            found.setdefault(member, {})[text.key] = encoded
    with within(scope):
        for member, by_key in found.items():
            vectors.store(member, move.key, by_key)
        move.done = min(move.done + len(batch), move.total)
        _progress(move, due_at=timezone.now() + LEASE)


def _progress(move: SpaceMove, **changes: object) -> None:
    """Only while the move still leads where it did: somebody may have chosen another space meanwhile."""
    fields = {"key": move.key, "done": move.done, "total": move.total, "error": "", "attempts": 0, **changes}
    SpaceMove.objects.filter(group_id=move.group_id, id=move.id, source=move.source).update(**fields)


def _still_wanted(scope: Scope, move: SpaceMove) -> bool:
    with within(scope):
        return SpaceMove.objects.filter(group_id=move.group_id, id=move.id, key=move.key).exists()


def _failed(move: SpaceMove, problem: str) -> None:
    pause = min(FIRST_PAUSE * 2 ** min(move.attempts, 10), LONGEST_PAUSE)
    SpaceMove.objects.filter(group_id=move.group_id, id=move.id, source=move.source).update(
        error=problem[:2000], attempts=move.attempts + 1, due_at=timezone.now() + pause
    )


@cache
def _identity(choice: ModelChoice) -> tuple[str, str]:
    return identity_of(choice)
