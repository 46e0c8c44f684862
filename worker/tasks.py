"""Celery tasks: each turns ids into one domain verb. All may run twice, and expire."""

import asyncio
from collections import Counter
from uuid import UUID

from celery import shared_task

from chat import carrying_out, turn
from chat.tuning import runs, versions
from knowledge import indexing, large_bots, moving, outbox, unused_vectors
from tenants import enqueue


@shared_task(name="worker.index", soft_time_limit=600, time_limit=630)
def index(group_id: str, kind: str, object_id: str) -> None:
    """Bring one object's index up to its revision."""
    indexing.index(UUID(group_id), kind, UUID(object_id))


@shared_task(name="worker.sweep", time_limit=60)
def sweep() -> None:
    """Enqueue again whatever lags: lost by a broker, a killed worker or a killed web process."""
    lagging = outbox.lagging()
    of_bots = Counter(group_id for group_id, _, _ in lagging)
    for group_id, kind, object_id in lagging:
        behind = of_bots[group_id] >= outbox.MUCH
        enqueue.now("worker.index", behind=behind, group_id=str(group_id), kind=kind, object_id=str(object_id))
    for group_id, conversation_id in turn.unfinished():
        enqueue.now("worker.finish_turns", group_id=str(group_id), conversation_id=str(conversation_id))
    for group_id, call_id, conversation_group_id in carrying_out.due():
        enqueue.now(
            "worker.look_after_call",
            group_id=str(group_id),
            call_id=str(call_id),
            conversation_group_id=str(conversation_group_id or group_id),
        )
    runs.take_up_again()


@shared_task(name="worker.look_after_call", time_limit=120)
def look_after_call(group_id: str, call_id: str, conversation_group_id: str) -> None:
    """Go on with a call that was approved, was interrupted, or is not known; and say what came of it."""
    asyncio.run(carrying_out.look_after(UUID(group_id), UUID(call_id), UUID(conversation_group_id)))


@shared_task(name="worker.move_spaces", time_limit=60)
def move_spaces() -> None:
    """Move on the bots that are on their way to another embedding space, or left behind by a change of the model."""
    for root in moving.lagging():
        enqueue.now("worker.move_space", behind=True, group_id=str(root))


@shared_task(name="worker.move_space", time_limit=1000)
def move_space(group_id: str) -> None:
    """Do a slice of one bot's move; then let others have the worker before the next."""
    if moving.advance(UUID(group_id)):
        enqueue.now("worker.move_space", behind=True, group_id=group_id)


@shared_task(name="worker.finish_turns", time_limit=120)
def finish_turns(group_id: str, conversation_id: str) -> None:
    """Answer what a process that died has left unanswered."""
    asyncio.run(turn.work_off(UUID(group_id), UUID(conversation_id)))


@shared_task(name="worker.tune")
def tune(group_id: str, run_id: str) -> None:
    """Train a bot's adapter: for hours, maybe, so on a queue of its own. A run that another has is left alone."""
    runs.work_off(UUID(group_id), UUID(run_id))


@shared_task(name="worker.collect_adapters", time_limit=600)
def collect_adapters() -> None:
    """Delete the files of adapters that nobody has been answered by for long."""
    versions.collect()


@shared_task(name="worker.tend_large_bots", time_limit=3600)
def tend_large_bots() -> None:
    """Give large bots an index of their own, and take it from those that are no longer large."""
    large_bots.tend()


@shared_task(name="worker.collect_vectors", time_limit=3600)
def collect_vectors() -> None:
    """Throw away the vectors that no text needs any more."""
    unused_vectors.collect()
