"""Who works on a training: one process at a time, under a lease that another takes over when it lapses."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Thread
from typing import Any
from uuid import UUID, uuid4

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from chat.models import TuningRun
from chat.tuning import versions
from tenants.scope import Scope, within

LEASE = timedelta(seconds=30)
MOST_ATTEMPTS = 4


class Interrupted(Exception):
    """Somebody has stopped the run, or another process has it."""


def claim(group_id: UUID, run_id: UUID) -> TuningRun | None:
    """The run, from now on this process's; None where it is over or another has it. Needs the bot's scope."""
    now = timezone.now()
    run = TuningRun.objects.select_for_update().filter(group_id=group_id, id=run_id).first()
    if run is None or not run.is_unfinished or (run.lease and run.due_at > now):
        return None
    if run.attempts >= MOST_ATTEMPTS:
        often = f"It was interrupted {run.attempts} times, the last time without a word."
        end(run, TuningRun.State.FAILED, error=often)
        return None
    run.attempts, run.lease, run.due_at = run.attempts + 1, uuid4(), now + LEASE
    run.save(update_fields=["attempts", "lease", "due_at"])
    return run


def ours(run: TuningRun) -> QuerySet[TuningRun]:
    """The run's row, as long as this process has it."""
    return TuningRun.objects.filter(group_id=run.group_id, id=run.id, lease=run.lease, state__in=TuningRun.UNFINISHED)


def end(run: TuningRun, state: TuningRun.State, *, whosever: bool = True, **fields: Any) -> None:
    """The run is over; with `whosever` False only if this process still has it."""
    anyones = TuningRun.objects.filter(group_id=run.group_id, id=run.id, state__in=TuningRun.UNFINISHED)
    row = anyones if whosever else ours(run)
    if row.update(state=state, lease=None, finished_at=timezone.now(), **fields):
        versions.give_up(run.group_id, run.id, fields.get("error", ""))


@contextmanager
def kept(run: TuningRun, scope: Scope) -> Iterator[None]:
    """Renews the lease, so that another process takes over only after this one has died."""
    finished = Event()

    def renew() -> None:
        try:
            while not finished.wait(LEASE.total_seconds() / 3):
                with within(scope):
                    ours(run).update(due_at=timezone.now() + LEASE)
        finally:
            connection.close()

    renewing = Thread(target=renew, daemon=True)
    renewing.start()
    try:
        yield
    finally:
        finished.set()
        renewing.join()
