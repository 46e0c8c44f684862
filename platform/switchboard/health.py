"""/healthz, /readyz and /metrics: alive, ready (and which part is not), and the figures for Prometheus."""

import asyncio
from collections.abc import Awaitable, Callable

from asgiref.sync import sync_to_async
from celery import current_app
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from chat import llm
from tenants.database import in_database
from tenants.redis_client import client

PATIENCE_S = 2.0


async def healthz(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": "alive"})


async def readyz(request: HttpRequest) -> HttpResponse:
    """Each part with "ok" or what is wrong; 503 while one of them is not ready."""
    checks: dict[str, Callable[[], Awaitable[None]]] = {
        "database": _database,
        "broker": _broker,
        "workers": _workers,
    }
    found = dict(zip(checks, await asyncio.gather(*(_check(check) for check in checks.values())), strict=True))
    ready = all(state == "ok" for state in found.values())
    # Without its model the platform still answers, in the vetted words: it is not taken out of service for that.
    found["llm"] = await _check(_llm) if llm.is_configured() else "not configured: answers are extractive"
    return JsonResponse(found, status=200 if ready else 503)


async def metrics(request: HttpRequest) -> HttpResponse:
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)


async def _check(check: Callable[[], Awaitable[None]]) -> str:
    try:
        async with asyncio.timeout(PATIENCE_S):
            await check()
    except TimeoutError:
        return f"no answer within {PATIENCE_S:g} s"
    except Exception as problem:  # whatever it is, it is the answer
        return type(problem).__name__
    return "ok"


async def _database() -> None:
    await in_database(_select_one, scope=None)


def _select_one() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM tenants_tenant LIMIT 1")


async def _broker() -> None:
    await client().ping()


async def _workers() -> None:
    replies = await sync_to_async(_ping, thread_sensitive=False)()
    if not replies:
        raise TimeoutError


async def _llm() -> None:
    await llm.served_models()


def _ping() -> list[dict[str, object]]:
    # Those that train adapters do nothing else, so they do not count.
    asked = {"pattern": "celery@*", "matcher": "glob"}
    return current_app.control.broadcast("ping", reply=True, timeout=1.5, limit=1, **asked) or []
