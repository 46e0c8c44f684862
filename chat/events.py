"""What clients see: stored events numbered in their conversation, and a bus that wakes the streams.

Stored events are the truth. The bus (this process, and Redis for the others) only carries what is not worth storing
(route, delta, typing) and the news that something was stored; without Redis, streams find stored events by looking.
"""

import asyncio
import json
import logging
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import redis
from django.conf import settings
from django.db import transaction
from django.db.models import Subquery
from django.utils import timezone
from redis.exceptions import RedisError

from chat.models import Conversation, Event
from tenants.redis_client import client

logger = logging.getLogger(__name__)
PROCESS = uuid.uuid4().hex
CHANNEL = "switchboard:events"
QUEUED_PER_STREAM = 1000


@dataclass(frozen=True)
class Live:
    """Something on the bus: an event that is not stored (`type`), or, with `type` empty, the news that one was."""

    conversation_id: UUID
    type: str = ""
    data: dict[str, Any] | None = None
    turn: str = ""


def emit(conversation: Conversation, type: str, data: dict[str, Any], *changed: str) -> Event:
    """Store the conversation's next event; its row must be locked by this transaction. Streams wake on commit.

    `changed` are further fields of the conversation, to be stored with its count.
    """
    conversation.last_seq += 1
    conversation.updated_at = timezone.now()
    conversation.save(update_fields=["last_seq", "updated_at", *changed])
    event = Event.objects.create(
        group_id=conversation.group_id, conversation=conversation, seq=conversation.last_seq, type=type, data=data
    )
    live = Live(conversation.id)
    transaction.on_commit(lambda: _announce_from_thread(live))
    return event


def stored_after(group_id: UUID, conversation_id: UUID, seq: int, most: int = 200) -> list[Event]:
    shown = Conversation.objects.filter(group_id=group_id, id=conversation_id).values("shown_from")
    events = Event.objects.filter(group_id=group_id, conversation_id=conversation_id, seq__gt=seq)
    return list(events.filter(seq__gte=Subquery(shown)).order_by("seq")[:most])


async def publish(*lives: Live) -> None:
    """Put these on the bus, in order: to this process's streams at once, to the others by Redis."""
    for live in lives:
        _deliver(live)
    try:
        async with asyncio.timeout(0.3):
            pipeline = client().pipeline(transaction=False)
            for live in lives:
                pipeline.publish(CHANNEL, _encode(live))
            await pipeline.execute()
    except (RedisError, OSError, TimeoutError):
        logger.debug("Redis is away; other processes' streams will look into the database.")


@asynccontextmanager
async def listening(conversation_id: UUID) -> AsyncIterator["asyncio.Queue[Live]"]:
    """A queue of what is on the bus for one conversation, while the block runs."""
    queue: asyncio.Queue[Live] = asyncio.Queue(QUEUED_PER_STREAM)
    loop = asyncio.get_running_loop()
    _ensure_listener(loop)
    _streams[conversation_id].append((loop, queue))
    try:
        yield queue
    finally:
        _streams[conversation_id].remove((loop, queue))
        if not _streams[conversation_id]:
            del _streams[conversation_id]


_streams: dict[UUID, list[tuple[asyncio.AbstractEventLoop, "asyncio.Queue[Live]"]]] = defaultdict(list)
_listeners: dict[asyncio.AbstractEventLoop, "asyncio.Task[None]"] = {}
_sync_client: redis.Redis | None = None


def _announce_from_thread(live: Live) -> None:
    global _sync_client
    _deliver(live)
    try:
        if _sync_client is None:
            _sync_client = redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=0.2, socket_timeout=0.3)
        _sync_client.publish(CHANNEL, _encode(live))
    except (RedisError, OSError):
        logger.debug("Redis is away; other processes' streams will look into the database.")


def _deliver(live: Live) -> None:
    for loop, queue in list(_streams.get(live.conversation_id, ())):
        loop.call_soon_threadsafe(_put, queue, live)


def _put(queue: "asyncio.Queue[Live]", live: Live) -> None:
    # A client that reads too slowly loses deltas only: the stored answer replaces them.
    if not queue.full():
        queue.put_nowait(live)


def _ensure_listener(loop: asyncio.AbstractEventLoop) -> None:
    for other in [known for known in _listeners if known.is_closed()]:
        del _listeners[other]
    if loop not in _listeners or _listeners[loop].done():
        _listeners[loop] = loop.create_task(_listen())


async def _listen() -> None:
    """One Redis subscription for all streams of this process."""
    while True:
        try:
            async with client().pubsub(ignore_subscribe_messages=True) as pubsub:
                await pubsub.subscribe(CHANNEL)
                while True:
                    message = await pubsub.get_message(timeout=10.0)
                    if message:
                        _receive(message["data"])
        except (RedisError, OSError, TimeoutError):
            await asyncio.sleep(1.0)


def _receive(payload: bytes) -> None:
    fields = json.loads(payload)
    if fields.pop("from") != PROCESS:
        _deliver(Live(UUID(fields.pop("conversation")), **fields))


def _encode(live: Live) -> str:
    return json.dumps(
        {
            "from": PROCESS,
            "conversation": str(live.conversation_id),
            "type": live.type,
            "data": live.data,
            "turn": live.turn,
        }
    )
