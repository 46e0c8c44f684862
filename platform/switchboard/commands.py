"""What the commands have in common."""

import time

from django.core.management.base import CommandError

from knowledge import outbox
from tenants import resolve
from tenants.resolve import ResolvedBot
from tenants.scope import within

LONGEST_WAIT_S = 1800.0


def bot_of(key: str) -> ResolvedBot:
    bot = resolve.bot(key)
    if bot is None:
        raise CommandError(f"There is no bot with the key “{key}”.")
    return bot


def wait_until_searchable(bot: ResolvedBot) -> None:
    """Until no index of the bot lags. Progress, however slow, is waited for; a standstill is an error."""
    left, changed = -1, time.monotonic()
    while True:
        with within(bot.scope):
            now_left = outbox.pending(bot.group_id)
        if not now_left:
            return
        if now_left != left:
            left, changed = now_left, time.monotonic()
        if time.monotonic() - changed > LONGEST_WAIT_S:
            raise CommandError(f"{left} objects are still not searchable: is a worker running?")
        time.sleep(0.1)
