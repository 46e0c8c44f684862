"""What one client sees of a conversation: stored events in order, and live ones in between."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chat import events, metrics, store
from tenants.database import in_database
from tenants.scope import Scope

LOOK_EVERY_S = 1.0
KEEP_ALIVE_S = 15.0
LONGEST_TURN_S = 120.0


@dataclass(frozen=True)
class Seen:
    """An event for a client; without `seq` it was live only; without `type` it only keeps the line alive."""

    type: str = ""
    data: dict[str, Any] | None = None
    seq: int | None = None


async def follow(group_id: UUID, conversation_id: UUID, scope: Scope, after: int) -> AsyncIterator[Seen]:
    """Everything that happens in a conversation after event number `after`, until the client leaves."""
    async with events.listening(conversation_id) as queue, metrics.following():
        last_sent = time.monotonic()
        while True:
            for stored in await in_database(events.stored_after, group_id, conversation_id, after, scope=scope):
                after = stored.seq
                last_sent = time.monotonic()
                yield Seen(stored.type, stored.data, stored.seq)
            async for live in _live(queue):
                last_sent = time.monotonic()
                yield Seen(live.type, live.data)
            if time.monotonic() - last_sent > KEEP_ALIVE_S:
                last_sent = time.monotonic()
                yield Seen()


async def begun(
    group_id: UUID, conversation_id: UUID, scope: Scope, message_id: UUID, begin: Callable[[], None]
) -> AsyncIterator[Seen]:
    """The same as `answer` for a new question: its turn begins once its events are listened for."""
    seen = answer(group_id, conversation_id, scope, message_id, is_new=True)
    await anext(seen)
    begin()
    return seen


async def answer(
    group_id: UUID, conversation_id: UUID, scope: Scope, message_id: UUID, is_new: bool = False
) -> AsyncIterator[Seen]:
    """The events of one question's turn, ending with its `answer`, or with `status` when a person has taken over; the
    first, which is empty, says that they are listened for. What `is_new` cannot have ended yet."""
    async with events.listening(conversation_id) as queue:
        yield Seen()
        deadline = time.monotonic() + LONGEST_TURN_S
        done, data = False, None
        while time.monotonic() < deadline:
            if not is_new:
                done, data = await in_database(store.answer_to, group_id, message_id, scope=scope)
            async for live in _left(queue) if done else _live(queue):
                if live.turn == str(message_id):
                    yield Seen(live.type, live.data)
            if done:
                yield Seen("answer", data) if data else await _why_silent(group_id, conversation_id, scope, message_id)
                return
            is_new = False
    yield Seen("error", {"code": "slow", "message": "The answer takes longer than usual; it will appear here."})


async def _left(queue: "asyncio.Queue[events.Live]") -> AsyncIterator[events.Live]:
    """What is still to be told of a turn that has ended."""
    while not queue.empty():
        yield queue.get_nowait()


async def _live(queue: "asyncio.Queue[events.Live]") -> AsyncIterator[events.Live]:
    """Live events until something was stored, or until it is time to look for what no bus has announced."""
    deadline = time.monotonic() + LOOK_EVERY_S
    while (left := deadline - time.monotonic()) > 0:
        try:
            live = await asyncio.wait_for(queue.get(), left)
        except TimeoutError:
            return
        if not live.type:
            return
        yield live


async def _why_silent(group_id: UUID, conversation_id: UUID, scope: Scope, message_id: UUID) -> Seen:
    owner = await in_database(store.left_to, group_id, conversation_id, message_id, scope=scope)
    return Seen("status", {"owner": owner}) if owner else Seen("error", store.FAILED)
