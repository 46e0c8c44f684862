"""The Redis connection of each event loop."""

import asyncio
from weakref import WeakKeyDictionary

import redis.asyncio
from django.conf import settings

_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, redis.asyncio.Redis] = WeakKeyDictionary()


def client() -> redis.asyncio.Redis:
    """A client whose commands fail fast, so that a chat never waits for a Redis that is away."""
    loop = asyncio.get_running_loop()
    if loop not in _clients:
        _clients[loop] = redis.asyncio.from_url(
            settings.REDIS_URL, socket_connect_timeout=0.3, socket_timeout=15, health_check_interval=0
        )
    return _clients[loop]
