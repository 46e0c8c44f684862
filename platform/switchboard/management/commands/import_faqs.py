"""import_faqs --bot KEY FILE: FAQs from CSV or JSONL; good rows are imported, bad ones named."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from knowledge.imports import UnreadableFile, import_faqs
from switchboard.commands import bot_of, wait_until_searchable
from tenants.scope import within


class Command(BaseCommand):
    help = "Import FAQs from a CSV or JSONL file; the same file twice changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--bot", required=True, metavar="KEY")
        parser.add_argument("--wait", action="store_true", help="return only once everything is searchable")

    def handle(self, *args: Any, **options: Any) -> None:
        bot = bot_of(options["bot"])
        path: Path = options["file"]
        try:
            data = path.read_bytes()
        except OSError as problem:
            raise CommandError(f"{path}: {problem.strerror}.") from problem
        try:
            with within(bot.scope):
                report = import_faqs(bot.group_id, data, path.name)
        except UnreadableFile as problem:
            raise CommandError(str(problem)) from problem
        if options["wait"]:
            wait_until_searchable(bot)
        counts = {"created": report.created, "updated": report.updated, "unchanged": report.unchanged}
        self.stdout.write(json.dumps({**counts, "bad": len(report.errors)}))
        for error in report.errors:
            self.stderr.write(f"{path.name}: {error}")
        if report.errors:
            raise CommandError(f"{len(report.errors)} of the rows were not imported.", returncode=1)
