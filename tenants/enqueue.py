"""Hand work to the workers by the task's name, after commit; a broker that is down costs next to nothing.

What is not enqueued is not lost: every task's work is also written in the database, where a sweeper finds it.
"""

import logging
import time
from typing import Any

from celery import current_app
from django.db import transaction
from kombu import pools
from kombu.exceptions import LimitExceeded, OperationalError

logger = logging.getLogger(__name__)
PAUSE_S = 3.0
# Redis has a list for each priority; workers look into that of the lowest number first.
AT_ONCE, BEHIND = 0, 6
SEND_WITHIN_S = 0.4
_broken_until = 0.0


def on_commit(task: str, **arguments: Any) -> None:
    """Enqueue `task` when the current transaction commits, with what `now` takes."""
    transaction.on_commit(lambda: now(task, **arguments))


def now(task: str, *, behind: bool = False, **arguments: Any) -> bool:
    """Enqueue at once; False when the broker could not be reached. Arguments are ids, as strings; what is `behind` may
    wait for all that is not."""
    global _broken_until
    if time.monotonic() < _broken_until:
        return False
    try:
        with _producers().acquire(block=True, timeout=SEND_WITHIN_S) as producer:
            current_app.send_task(
                task,
                kwargs=arguments,
                producer=producer,
                retry=False,
                ignore_result=True,
                expires=3600,
                priority=BEHIND if behind else AT_ONCE,
            )
    except (OperationalError, LimitExceeded, OSError) as problem:
        # After one failure, do not make every save wait for the next one.
        _broken_until = time.monotonic() + PAUSE_S
        logger.warning("The broker is unreachable (%s); %s is left to the sweeper.", type(problem).__name__, task)
        return False
    return True


def _producers() -> pools.ProducerPool:
    # Workers wait long for a broker that is silent; somebody who saves must not.
    connection = current_app.connection_for_write(transport_options={"socket_timeout": SEND_WITHIN_S})
    return pools.producers[connection]
