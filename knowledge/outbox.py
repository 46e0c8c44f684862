"""Work that an index has to catch up with: written with the change itself, then handed to a worker.

Saving, deleting and indexing lock in one order, so that they never wait for each other in a circle: first the object,
then its job, and the bot's version last.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event, Thread
from uuid import UUID

from django.db import connection
from django.db.models import F, Q
from django.utils import timezone

from knowledge.models import IndexJob
from tenants import enqueue
from tenants.models import Bot
from tenants.scope import Scope, within

SWEEP_AFTER = timedelta(seconds=4)
# Where so much of one bot waits, it takes a while until a worker comes to the last of it.
MUCH = 20
SWEEP_MUCH_AFTER = timedelta(minutes=1)
LEASE = timedelta(seconds=8)
LONGEST_WAIT = timedelta(minutes=10)


@contextmanager
def much_at_once() -> Iterator[None]:
    """An import: where it is a long one, what people save by hand meanwhile, in any tenant, is indexed before it."""
    before = _much_at_once.set(True)
    try:
        yield
    finally:
        _much_at_once.reset(before)


_much_at_once: ContextVar[bool] = ContextVar("much_at_once", default=False)


def put(group_id: UUID, kind: IndexJob.Kind, object_id: UUID, *, new: bool = False) -> None:
    """Note that an object's index lags, in the current transaction; a worker is told on commit.

    What is `new` may wait behind the rest as well: to post a library one by one is an import, too.
    """
    lock(group_id, shared=True)
    behind = (new or _much_at_once.get()) and _much_waits(group_id)
    due = timezone.now() + (SWEEP_MUCH_AFTER if behind else SWEEP_AFTER)
    IndexJob.objects.bulk_create(
        [IndexJob(group_id=group_id, kind=kind, object_id=object_id, due_at=due)],
        update_conflicts=True,
        unique_fields=["group", "kind", "object_id"],
        update_fields=["due_at", "attempts"],
    )
    enqueue.on_commit("worker.index", behind=behind, group_id=str(group_id), kind=str(kind), object_id=str(object_id))


def _much_waits(group_id: UUID) -> bool:
    return IndexJob.objects.filter(group_id=group_id)[MUCH - 1 : MUCH].exists()


def lock(group_id: UUID, *, shared: bool = False) -> None:
    """Until the current transaction ends, nobody adds a job for the bot; shared: nobody relies on that."""
    name = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {name}(hashtextextended(%s, 0))", [f"index jobs of {group_id}"])


@dataclass(frozen=True)
class Taken:
    """A job that was taken on: which attempt this is, and when a worker should have come to it."""

    attempt: int
    due_at: datetime


def take(group_id: UUID, kind: str, object_id: UUID) -> Taken | None:
    """Take a job on; None where there is nothing to do or another worker is at it."""
    now = timezone.now()
    jobs = IndexJob.objects.filter(group_id=group_id, kind=kind, object_id=object_id)
    free = jobs.filter(Q(attempts=0) | Q(due_at__lte=now))
    job = free.select_for_update(skip_locked=True).first()
    if job is None:
        return None
    jobs.update(attempts=job.attempts + 1, due_at=now + LEASE)
    return Taken(job.attempts + 1, job.due_at)


def waiting(group_id: UUID, kind: str, beside: Taken, most: int) -> list[UUID]:
    """Objects of the kind that no worker has taken on yet, those first that have waited longest. Beside what is to be
    done at once, nothing is that may wait."""
    jobs = IndexJob.objects.filter(group_id=group_id, kind=kind, attempts=0, due_at__lte=beside.due_at + SWEEP_AFTER)
    return list(jobs.order_by("due_at").values_list("object_id", flat=True)[:most])


def take_also(group_id: UUID, kind: str, object_ids: Collection[UUID]) -> list[UUID]:
    """Take these on as well, as far as nobody else does so at this moment."""
    jobs = IndexJob.objects.filter(group_id=group_id, kind=kind, object_id__in=object_ids, attempts=0)
    free = list(jobs.select_for_update(skip_locked=True).values_list("object_id", flat=True))
    jobs.filter(object_id__in=free).update(attempts=1, due_at=timezone.now() + LEASE)
    return free


@contextmanager
def at_work(scope: Scope, group_id: UUID, kind: str, object_ids: Collection[UUID]) -> Iterator[None]:
    """Renews the lease of jobs that were taken on, so that another worker takes over only after this one has died."""
    finished = Event()

    def renew() -> None:
        try:
            while not finished.wait(LEASE.total_seconds() / 3):
                with within(scope):
                    jobs = IndexJob.objects.filter(group_id=group_id, kind=kind, object_id__in=object_ids)
                    jobs.filter(attempts__gt=0).update(due_at=timezone.now() + LEASE)
        finally:
            connection.close()

    renewing = Thread(target=renew, daemon=True)
    renewing.start()
    try:
        yield
    finally:
        finished.set()
        renewing.join()


def done(group_id: UUID, kind: str, *object_ids: UUID) -> None:
    """Called with the objects locked: their index is up to date, or they are gone."""
    IndexJob.objects.filter(group_id=group_id, kind=kind, object_id__in=object_ids).delete()


def nothing_to_do(group_id: UUID, kind: str, object_ids: Collection[UUID]) -> None:
    """The jobs were taken on in vain; whoever has changed one of the objects since has put its job anew."""
    IndexJob.objects.filter(group_id=group_id, kind=kind, object_id__in=object_ids, attempts__gt=0).delete()


def failed(group_id: UUID, kind: str, object_ids: Collection[UUID]) -> None:
    """Try again later, and later each time."""
    for job in IndexJob.objects.filter(group_id=group_id, kind=kind, object_id__in=object_ids, attempts__gt=0):
        job.due_at = timezone.now() + min(SWEEP_AFTER * 2 ** min(job.attempts, 20), LONGEST_WAIT)
        job.save(update_fields=["due_at"])


def lagging(most: int = 500) -> list[tuple[UUID, str, UUID]]:
    """(group, kind, object) of what is overdue, of all tenants: ids only."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT group_id, kind, object_id FROM lagging_index_jobs(%s)", [most])
        return cursor.fetchall()


def bump(group_id: UUID) -> None:
    """What the bot knows has changed: every process reads it afresh at the next question."""
    Bot.objects.filter(id=group_id).update(knowledge_version=F("knowledge_version") + 1)


def pending(group_id: UUID) -> int:
    """How many objects of the bot are not yet searchable as they are. Needs its scope."""
    return IndexJob.objects.filter(group_id=group_id).count()
