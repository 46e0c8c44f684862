"""Work that an index has to catch up with: written with the change itself, then handed to a worker.

Saving, deleting and indexing lock in one order, so that they never wait for each other in a circle: first the object,
then its job, and the bot's version last.
"""

from datetime import timedelta
from uuid import UUID

from django.db import connection
from django.db.models import F
from django.utils import timezone

from knowledge.models import IndexJob
from tenants import enqueue
from tenants.models import Bot

SWEEP_AFTER = timedelta(seconds=4)
LONGEST_WAIT = timedelta(minutes=10)


def put(group_id: UUID, kind: IndexJob.Kind, object_id: UUID) -> None:
    """Note that an object's index lags, in the current transaction; a worker is told on commit."""
    lock(group_id, shared=True)
    due = timezone.now() + SWEEP_AFTER
    IndexJob.objects.bulk_create(
        [IndexJob(group_id=group_id, kind=kind, object_id=object_id, due_at=due)],
        update_conflicts=True,
        unique_fields=["group", "kind", "object_id"],
        update_fields=["due_at", "attempts"],
    )
    enqueue.on_commit("worker.index", group_id=str(group_id), kind=str(kind), object_id=str(object_id))


def lock(group_id: UUID, *, shared: bool = False) -> None:
    """Until the current transaction ends, nobody adds a job for the bot; shared: nobody relies on that."""
    name = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {name}(hashtextextended(%s, 0))", [f"index jobs of {group_id}"])


def done(group_id: UUID, kind: str, object_id: UUID) -> None:
    IndexJob.objects.filter(group_id=group_id, kind=kind, object_id=object_id).delete()


def failed(group_id: UUID, kind: str, object_id: UUID) -> None:
    """Try again later, and later each time."""
    job = IndexJob.objects.filter(group_id=group_id, kind=kind, object_id=object_id).first()
    if job:
        job.attempts += 1
        job.due_at = timezone.now() + min(SWEEP_AFTER * 2**job.attempts, LONGEST_WAIT)
        job.save(update_fields=["attempts", "due_at"])


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
