"""Limits per visitor and bot: a fixed window in Redis, or in this process when Redis is away."""

import asyncio
import logging
import time
from collections import OrderedDict
from dataclasses import dataclass

from redis.exceptions import RedisError

from tenants.redis_client import client

logger = logging.getLogger(__name__)
REDIS_PATIENCE_S = 0.3
KEPT_COUNTERS = 50_000


@dataclass(frozen=True)
class Limit:
    """At most `most` in each window of `seconds`."""

    name: str
    most: int
    seconds: int


MESSAGES_PER_VISITOR = Limit("messages", 30, 60)
CONVERSATIONS_PER_VISITOR = Limit("conversations", 20, 60)
SIGN_INS_PER_VISITOR = Limit("sign-ins", 30, 60)
MESSAGES_PER_BOT = Limit("bot-messages", 3000, 60)

_counters: OrderedDict[str, int] = OrderedDict()
_redis_away_until = 0.0


async def exceeded(limit: Limit, subject: str) -> int:
    """Count one; 0 when it is within the limit, else the seconds until the window ends."""
    global _redis_away_until
    window, passed = divmod(int(time.time()), limit.seconds)
    key = f"limit:{limit.name}:{subject}:{window}"
    count = 0
    if time.monotonic() >= _redis_away_until:
        try:
            async with asyncio.timeout(REDIS_PATIENCE_S):
                pipeline = client().pipeline(transaction=False)
                pipeline.incr(key)
                pipeline.expire(key, limit.seconds)
                count = int((await pipeline.execute())[0])
        except (RedisError, OSError, TimeoutError) as problem:
            _redis_away_until = time.monotonic() + 5
            logger.warning("Redis is unreachable (%s); limits are counted in this process.", type(problem).__name__)
    if not count:
        count = _count_here(key)
    return 0 if count <= limit.most else limit.seconds - passed


def _count_here(key: str) -> int:
    _counters[key] = _counters.pop(key, 0) + 1
    while len(_counters) > KEPT_COUNTERS:
        _counters.popitem(last=False)
    return _counters[key]
