"""evaluate --bot KEY FILE: a test set's figures, as JSON."""

import asyncio
import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chat import evaluation
from switchboard.commands import bot_of


class Command(BaseCommand):
    help = "Measure a bot on a test set (CSV or JSONL)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--bot", required=True, metavar="KEY")
        parser.add_argument("--failures", action="store_true", help="list on standard error what was not right")

    def handle(self, *args: Any, **options: Any) -> None:
        bot_of(options["bot"])
        try:
            data = options["file"].read_bytes()
        except OSError as problem:
            raise CommandError(f"{options['file']}: {problem.strerror}.") from problem
        cases, problems = evaluation.read_cases(data, options["bot"])
        result = asyncio.run(evaluation.evaluate(options["bot"], cases))
        self.stdout.write(json.dumps(result.as_json()))
        if options["failures"]:
            for failure in result.failures:
                self.stderr.write(json.dumps(failure, ensure_ascii=False))
        for line in problems:
            self.stderr.write(line)
        if problems:
            raise CommandError(f"{len(problems)} rows could not be read.", returncode=1)
