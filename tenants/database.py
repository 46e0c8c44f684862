"""Database work from async code: in a bounded pool of threads, inside a scope, giving the connection back each time.

Left to asgiref, 200 open streams with one query each hold 200 threads and as many connections.
"""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import connections

from tenants.scope import Scope, within

P = ParamSpec("P")
R = TypeVar("R")
THREADS = 8

_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="database")


async def in_database(work: Callable[P, R], *args: P.args, scope: Scope | None, **kwargs: P.kwargs) -> R:  # type: ignore[valid-type]
    """The result of `work(*args, **kwargs)`, run in one transaction that sees `scope`; None: no scope at all."""

    def run() -> R:
        try:
            if scope is None:
                return work(*args, **kwargs)
            with within(scope):
                return work(*args, **kwargs)
        finally:
            connections.close_all()

    # A fresh context: what the caller holds (a scope of its own, say) is not this thread's.
    return await asyncio.get_running_loop().run_in_executor(_threads, contextvars.Context().run, run)
