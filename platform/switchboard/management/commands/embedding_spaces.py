"""embedding_spaces: how far bots are on their way to another embedding model; with --bot, that bot's, or a choice."""

import json
import time
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from knowledge import spaces
from knowledge.moving import progress
from knowledge.space_overview import Overview, overview
from switchboard.commands import bot_of
from tenants.models import Bot
from tenants.resolve import ResolvedBot
from tenants.scope import within

LONGEST_STANDSTILL_S = 600.0


class Command(BaseCommand):
    help = "Show the embedding spaces of the installation or of one bot, and move a bot to another."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bot", metavar="KEY")
        parser.add_argument("--wait", action="store_true", help="return once nothing is being built")
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--model", metavar="NAME", help="build this model of the file EMBEDDING_MODELS")
        which.add_argument("--space", metavar="KEY", help="go back to this space")
        which.add_argument("--installed", action="store_true", help="follow the installation's model")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = options["model"] is not None or options["space"] is not None or options["installed"]
        if chosen and not options["bot"]:
            raise CommandError("Name the bot that is to be moved: --bot KEY.")
        bot = bot_of(options["bot"]) if options["bot"] else None
        if bot and chosen:
            _move(bot, options)
        if options["wait"]:
            self._wait(bot)
        shown = asdict(_overview(bot)) if bot else [asdict(each) for each in progress()]
        self.stdout.write(json.dumps(shown, indent=1, default=str, ensure_ascii=False))

    def _wait(self, bot: ResolvedBot | None) -> None:
        """Progress, however slow, is waited for; a standstill is an error."""
        before, changed = "", time.monotonic()
        while state := _under_way(bot):
            if state != before:
                before, changed = state, time.monotonic()
            if time.monotonic() - changed > LONGEST_STANDSTILL_S:
                raise CommandError(f"It stands still: {state}. Is a worker running?")
            time.sleep(0.2)


def _move(bot: ResolvedBot, options: dict[str, Any]) -> None:
    try:
        with within(bot.scope):
            row = Bot.objects.get(id=bot.group_id)
            if options["space"] is not None:
                spaces.move_to_space(row, options["space"])
            else:
                spaces.move_to_model(row, options["model"] or "")
    except ValidationError as problem:
        raise CommandError("; ".join(problem.messages)) from problem


def _overview(bot: ResolvedBot) -> Overview:
    with within(bot.scope):
        return overview(Bot.objects.get(id=bot.group_id))


def _under_way(bot: ResolvedBot | None) -> str:
    """What is being built, in words; empty when nothing is."""
    if bot:
        building = _overview(bot).building
        return str(building) if building else ""
    return "; ".join(str(each) for each in progress() if each.moving)
