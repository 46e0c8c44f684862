"""tend_large_bots: give large bots a vector index of their own; for where the workers may not act as the owner."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from knowledge import large_bots


class Command(BaseCommand):
    help = (
        "Makes a vector index for each large bot, checks what it finds, and drops those no longer needed. "
        "Workers with DATABASE_OWNER_URL do this by themselves every five minutes."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--line", type=int, default=large_bots.LINE, help=f"passages that make a bot large ({large_bots.LINE})"
        )

    def handle(self, *args: Any, line: int, **options: Any) -> None:
        large_bots.tend(line, min(line, large_bots.KEPT_DOWN_TO))
