"""Switchboard through its own doors: documents saved as an import saves them and indexed by the running workers,
questions searched in the bot's scope as the unprivileged role."""

import os
import secrets
import time
from collections.abc import Sequence

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "switchboard.settings")
django.setup()

from django.db import connection  # noqa: E402

from benchmarks.peers.system import Setting, Text  # noqa: E402
from knowledge import outbox  # noqa: E402
from knowledge.documents import save_document  # noqa: E402
from knowledge.search import search  # noqa: E402
from knowledge.spaces import InUse, answering  # noqa: E402
from tenants import bots, resolve  # noqa: E402
from tenants.resolve import ResolvedBot  # noqa: E402
from tenants.scope import Scope, within  # noqa: E402


class Switchboard:
    modes = ("hybrid",)

    def __init__(self, setting: Setting) -> None:
        self._bots: dict[str, tuple[ResolvedBot, InUse]] = {}
        self._keys: dict[str, str] = {}

    def door(self, collection: str) -> dict[str, str]:
        """What a client needs to talk to the collection's bot over HTTP."""
        return {"bot": collection, "api_key": self._keys[collection]}

    def ingest(self, collection: str, texts: Sequence[Text]) -> None:
        bot, self._keys[collection] = make_bot(collection)
        for text in texts:
            with within(bot.scope):
                save_document(
                    bot.group_id,
                    filename=f"{text.id}.md",
                    data=text.body.encode(),
                    title=text.title,
                    external_id=text.id,
                )
        wait_until_indexed(bot)
        with within(bot.scope):
            self._bots[collection] = bot, answering([bot.group_id])

    def search(self, collection: str, question: str, k: int, mode: str) -> list[str]:
        bot, space = self._bots[collection]
        encoded = space.embedder().encode_queries([question])[0]
        with within(bot.scope):
            found = search(question, encoded.vector, [bot.group_id], space.key, k, tokens=encoded.tokens)
        return [passage.external_id for passage in found]

    def leave(self) -> None:
        """Gives the thread's connection back to the pool, as a request does at its end."""
        connection.close()


def make_bot(key: str) -> tuple[ResolvedBot, str]:
    """A bot of a tenant of its own, and the tenant's API key."""
    tenant = bots.create_tenant(f"Benchmark {secrets.token_hex(4)}")
    with within(Scope(frozenset([tenant.id]))):
        bots.create_bot(tenant.id, key, key)
        _, api_key = bots.create_api_key(tenant.id, "Benchmark")
    bot = resolve.bot(key)
    assert bot is not None
    return bot, api_key


def wait_until_indexed(bot: ResolvedBot) -> None:
    while True:
        with within(bot.scope):
            if not outbox.pending(bot.group_id):
                return
        time.sleep(0.02)
