"""import_documents --bot KEY PATH…: files or folders; idempotent by path and content."""

import json
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from knowledge import outbox
from knowledge.documents import save_document
from knowledge.models import Document
from knowledge.parsing import front_matter
from knowledge.parsing.formats import KINDS, SUFFIXES
from switchboard.commands import bot_of, wait_until_searchable
from tenants.resolve import ResolvedBot
from tenants.scope import within


class Command(BaseCommand):
    help = f"Import documents ({KINDS}); folders are walked."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
        parser.add_argument("--bot", required=True, metavar="KEY")
        parser.add_argument("--wait", action="store_true", help="return only once everything is searchable")

    def handle(self, *args: Any, **options: Any) -> None:
        bot = bot_of(options["bot"])
        counts: Counter[str] = Counter()
        problems: list[str] = []
        saved: list[Document] = []
        for path, external_id in _files(options["paths"], problems):
            try:
                document, outcome = _import(bot, path, external_id)
                saved.append(document)
                counts[outcome] += 1
            except (OSError, ValidationError) as problem:
                problems.append(f"{path}: {_words(problem)}")
        if options["wait"]:
            wait_until_searchable(bot)
            problems += _failed(bot, saved)
        names = ("created", "updated", "unchanged")
        self.stdout.write(json.dumps({**{name: counts[name] for name in names}, "bad": len(problems)}))
        for line in problems:
            self.stderr.write(line)
        if problems:
            raise CommandError(f"{len(problems)} could not be imported.", returncode=1)


def _files(paths: list[Path], problems: list[str]) -> Iterator[tuple[Path, str]]:
    """Each file with the ID that it has when it does not bring its own: its path below the folder that was named."""
    for path in paths:
        if path.is_dir():
            for file in sorted(path.rglob("*")):
                if file.is_file() and file.suffix.lower() in SUFFIXES:
                    yield file, str(file.relative_to(path))
        elif path.is_file():
            yield path, path.name
        else:
            problems.append(f"{path}: There is no such file or folder.")


def _import(bot: ResolvedBot, path: Path, external_id: str) -> tuple[Document, str]:
    data = path.read_bytes()
    meta = (
        front_matter.split(data.decode("utf-8", "replace"))[0]
        if path.suffix.lower() in (".md", ".markdown", ".txt")
        else None
    )
    external_id = (meta.id if meta else None) or external_id
    with within(bot.scope), outbox.much_at_once():
        before = Document.objects.filter(group_id=bot.group_id, external_id=external_id).first()
        document = save_document(
            bot.group_id,
            filename=path.name,
            data=data,
            title=(meta.title if meta else None) or ("" if before else path.stem.replace("-", " ").replace("_", " ")),
            url=(meta.url if meta and (meta.url or "").startswith("http") else None) or "",
            external_id=external_id,
            dated=meta.date if meta else None,
        )
    if before is None:
        return document, "created"
    return document, "updated" if document.revision != before.revision else "unchanged"


def _failed(bot: ResolvedBot, saved: list[Document]) -> list[str]:
    with within(bot.scope):
        failed = Document.objects.filter(
            group_id=bot.group_id, id__in=[document.id for document in saved], state="failed"
        )
        return [f"{document.external_id}: {document.error}" for document in failed]


def _words(problem: OSError | ValidationError) -> str:
    if isinstance(problem, ValidationError):
        return "; ".join(f"{name}: {' '.join(texts)}" for name, texts in problem.message_dict.items())
    return f"{problem.strerror}."
