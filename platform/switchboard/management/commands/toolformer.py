"""toolformer --bot KEY: rows for `finetune --data` that teach a model where calls help it (Schick et al., 2023)."""

import asyncio
import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from chat import toolformer
from chat.llm import LlmError
from chat.toolformer import demonstrating, rows, texts
from chat.toolformer.endpoint_model import EndpointModel
from chat.toolformer.local_model import LocalModel
from knowledge import snapshot, spaces
from switchboard.commands import bot_of
from tenants.models import Bot
from tenants.scope import within


class Command(BaseCommand):
    help = "Sample calls, run them, keep those that make the following words likelier, and write rows to train on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bot", required=True, metavar="KEY")
        parser.add_argument(
            "--values", type=Path, required=True, metavar="FILE",
            help='JSON: {"customer"?: {"subject": …}, "values": {ACTION: {PARAMETER: test value}}}',
        )  # fmt: skip
        parser.add_argument(
            "--texts", type=Path, metavar="FILE", help="CSV or JSONL: question, answer; else the bot's own"
        )
        parser.add_argument("--local", metavar="MODEL", help="a model of this machine, instead of the endpoint's")
        parser.add_argument("--out", type=Path, metavar="FILE", help="else toolformer/KEY.jsonl in the data folder")
        parser.add_argument("--most", type=int, default=200, help="texts (%(default)s)")
        parser.add_argument("--positions", type=int, default=5, help="places in a text (%(default)s)")
        parser.add_argument("--calls", type=int, default=5, help="samples at each place (%(default)s)")
        parser.add_argument("--least-probable", type=float, default=0.05, help="of a call's beginning (%(default)s)")
        parser.add_argument("--least-gain", type=float, default=1.0, help="nats (%(default)s)")
        parser.add_argument("--plain", action="store_true", help="write answers without calls as well")

    def handle(self, *args: Any, **options: Any) -> None:
        bot = bot_of(options["bot"])
        given = _values(options["values"])
        with within(bot.scope):
            row = Bot.objects.get(id=bot.group_id)
            known = snapshot.of(row, spaces.answering([row.id]).key)
            exchanges, problems = _exchanges(options["texts"], bot.group_id, options["most"])
        runner = toolformer.Runner(bot.group_id, bot.scope, known.actions, given.values, given.customer)
        found = asyncio.run(self._annotated(exchanges, runner, options))
        path = options["out"] or settings.DATA_DIR / "toolformer" / f"{options['bot']}.jsonl"
        written = [each for each in found if each.kept or options["plain"]]
        rows.write(path, written)
        self.stdout.write(json.dumps(_report(found, len(written), path)))
        for line in problems:
            self.stderr.write(line)
        if problems:
            raise CommandError(f"{len(problems)} texts could not be read.", returncode=1)

    async def _annotated(
        self, exchanges: list[texts.Exchange], runner: toolformer.Runner, options: dict[str, Any]
    ) -> list[toolformer.Annotated]:
        shown, missing = await demonstrating.demonstrations(runner)
        for line in missing:
            self.stderr.write(f"no demonstration of {line}")
        if not shown:
            raise CommandError("No action could be run with the test values, so there is nothing to show the model.")
        sampling = toolformer.Sampling(
            options["positions"], options["calls"], options["least_probable"], options["least_gain"]
        )
        found = []
        try:
            async for each in toolformer.annotate(exchanges, _model(options["local"]), runner, shown, sampling):
                found.append(each)
                self.stderr.write(f"{len(found)} of {len(exchanges)}: {len(each.kept)} kept")
        except LlmError as problem:
            raise CommandError(f"The model cannot be asked: {problem}") from problem
        return found


def _model(local: str | None) -> toolformer.LanguageModel:
    if local:
        return LocalModel(local)
    if not settings.LLM_BASE_URL or not settings.LLM_MODEL:
        raise CommandError("Set LLM_BASE_URL and LLM_MODEL, or name a model of this machine with --local.")
    return EndpointModel(settings.LLM_MODEL)


def _values(path: Path) -> demonstrating.TestValues:
    try:
        return demonstrating.read_values(json.loads(path.read_bytes()))
    except OSError as problem:
        raise CommandError(f"{path}: {problem.strerror}.") from problem
    except ValueError as problem:
        raise CommandError(f"{path}: {problem}") from problem


def _exchanges(path: Path | None, group_id: Any, most: int) -> tuple[list[texts.Exchange], list[str]]:
    if path is None:
        return texts.own(group_id, most), []
    try:
        found, problems = texts.read(path.read_bytes())
    except OSError as problem:
        raise CommandError(f"{path}: {problem.strerror}.") from problem
    return found[:most], problems


def _report(found: list[toolformer.Annotated], written: int, path: Path) -> dict[str, Any]:
    gains = [each.gain for annotated in found for each in annotated.kept]
    refused = [pair for annotated in found for pair in annotated.refused]
    return {
        "texts": len(found),
        "kept": len(gains),
        "useless": sum(len(each.useless) for each in found),
        "refused": len(refused),
        "refusals": sorted({reason for _, reason in refused})[:20],
        "mean_gain": round(sum(gains) / len(gains), 3) if gains else None,
        "rows": written,
        "file": str(path),
    }
