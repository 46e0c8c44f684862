"""finetune --bot KEY: trains, evaluates and publishes the bot's own adapter; prints the figures as JSON."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from chat.models import TuningRow, TuningRun
from chat.tuning import row_files, rows, runs
from chat.tuning.settings import BadSettings, TuningSettings, read
from knowledge.imports import UnreadableFile
from switchboard.commands import bot_of
from tenants.models import Bot
from tenants.resolve import ResolvedBot
from tenants.scope import within

SETTINGS = {
    "rank": int, "alpha": int, "dropout": float, "projections": str, "epochs": float, "learning-rate": float,
    "length": int, "batch": int, "accumulate": int, "seed": int,
}  # fmt: skip
FILES = {
    "data": (TuningRow.Kind.FILE, TuningRow.Split.TRAIN, "prompts and completions of the business to learn as well"),
    "held_out": (TuningRow.Kind.FILE, TuningRow.Split.HELD_OUT, "prompts and completions to measure on, never learnt"),
    "generic": (TuningRow.Kind.GENERIC, TuningRow.Split.TRAIN, "generic support exchanges, which are learnt first"),
}


class Command(BaseCommand):
    help = "Train, evaluate and publish a bot's own adapter of the language model."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bot", required=True, metavar="KEY")
        for name, (_, _, help) in FILES.items():
            flag = f"--{name.replace('_', '-')}"
            parser.add_argument(flag, type=Path, metavar="FILE", help=f"{help}; CSV or JSONL")
        parser.add_argument("--rivals", default="", metavar="NAME,NAME", help="whom the bot is not to be compared with")
        parser.add_argument("--without", default="", metavar="KIND,KIND", help=f"not to learn: {', '.join(rows.MADE)}")
        parser.add_argument("--conversations", action="store_true", help="offer resolved conversations for review")
        published = TuningSettings().as_json()
        for name, kind in SETTINGS.items():
            value = published[name.replace("-", "_")]
            shown = ",".join(value) if isinstance(value, list) else value
            parser.add_argument(f"--{name}", type=kind, help=f"as for the version that answers now, else {shown}")
        parser.add_argument("--full-precision", action="store_true", help="no four-bit weights on a GPU")

    def handle(self, *args: Any, **options: Any) -> None:
        resolved = bot_of(options["bot"])
        problems = self._read_files(resolved, options)
        run = self._start(resolved, options)
        runs.work_off(resolved.group_id, run.id)
        with within(resolved.scope):
            run.refresh_from_db()
        if run.state != TuningRun.State.DONE:
            raise CommandError(run.error or "The training was stopped.")
        figures = {name: value for name, value in run.figures.items() if name != "answers"}
        self.stdout.write(json.dumps({"bot": options["bot"], **figures}))
        if problems:
            raise CommandError(f"{problems} rows of the files could not be used.", returncode=1)
        if not run.figures["published"]:
            raise CommandError(f"Not published: {run.figures['verdict']}", returncode=1)

    def _read_files(self, resolved: ResolvedBot, options: dict[str, Any]) -> int:
        """How many rows are bad; each is named, and the good ones are kept."""
        problems = 0
        for name, (kind, split, _) in FILES.items():
            path: Path | None = options[name]
            if path is None:
                continue
            try:
                with within(resolved.scope):
                    company = Bot.objects.get(id=resolved.group_id).name
                    report = row_files.read(path.read_bytes(), path.name, company, kind, split)
                    rows.save(resolved.group_id, report.drafts)
            except OSError as problem:
                raise CommandError(f"{path}: {problem.strerror}.") from problem
            except UnreadableFile as problem:
                raise CommandError(str(problem)) from problem
            for error in report.errors:
                self.stderr.write(f"{path.name}: {error}")
            problems += len(report.errors)
        return problems

    def _start(self, resolved: ResolvedBot, options: dict[str, Any]) -> TuningRun:
        given = {name.replace("-", "_"): options[name.replace("-", "_")] for name in SETTINGS}
        if options["full_precision"]:
            given["four_bit"] = False
        rivals, without = (
            [name.strip() for name in options[option].split(",") if name.strip()] for option in ("rivals", "without")
        )
        try:
            with within(resolved.scope):
                bot = Bot.objects.get(id=resolved.group_id)
                return runs.start(
                    bot,
                    read(given, runs.settings_for(bot)),
                    rivals=rivals,
                    without=without,
                    with_conversations=options["conversations"],
                    started_by="the command line",
                    enqueued=False,
                )
        except BadSettings as problem:
            raise CommandError("; ".join(f"--{name}: {text}" for name, text in problem.problems.items())) from problem
        except ValidationError as problem:
            raise CommandError(" ".join(problem.messages)) from problem
