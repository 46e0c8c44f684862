"""What calls are sampled for: answers with their questions, of the bot's own or of a file."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chat.models import Interaction
from knowledge.models import Faq

LONGEST = 1_000


@dataclass(frozen=True)
class Exchange:
    question: str
    answer: str


def own(group_id: UUID, most: int) -> list[Exchange]:
    """What the bot has answered from live data, the latest first, then its vetted answers. Needs the bot's scope."""
    live = Interaction.objects.filter(group_id=group_id, route="dynamic").exclude(calls=[]).exclude(answer="")
    told = [
        Exchange(each.understood or each.question, each.answer)
        for each in live.order_by("-created_at")[:most]
        if any(call.get("outcome") == "ok" for call in each.calls)
    ]
    vetted = Faq.objects.filter(group_id=group_id, enabled=True).order_by("created_at", "id")[:most]
    found = [*told, *(Exchange(faq.question, faq.answer) for faq in vetted)]
    return [each for each in dict.fromkeys(map(_on_one_line, found)) if _fits(each)][:most]


def read(data: bytes) -> tuple[list[Exchange], list[str]]:
    """Those of a CSV or JSONL file with `question` and `answer`, and what is wrong with the other rows, by line."""
    text = data.decode("utf-8-sig", "replace")
    found: list[Exchange] = []
    problems: list[str] = []
    for number, row in _json_rows(text) if text.lstrip().startswith("{") else _csv_rows(text):
        values = {name: row.get(name) if isinstance(row, dict) else None for name in ("question", "answer")}
        bad = next((name for name, value in values.items() if not isinstance(value, str) or not value.strip()), None)
        if not isinstance(row, dict):
            problems.append(f"line {number}: This is no JSON object.")
        elif bad:
            problems.append(f"line {number}, {bad}: This is empty.")
        elif not _fits(exchange := _on_one_line(Exchange(str(values["question"]), str(values["answer"])))):
            problems.append(f"line {number}, answer: At most {LONGEST:,} characters, without square brackets.")
        else:
            found.append(exchange)
    return found, problems


def _on_one_line(exchange: Exchange) -> Exchange:
    return Exchange(" ".join(exchange.question.split()), " ".join(exchange.answer.split()))


def _fits(exchange: Exchange) -> bool:
    """Whether calls can be told apart in it."""
    return len(exchange.answer) <= LONGEST and not set("[]") & set(exchange.answer)


def _json_rows(text: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except ValueError:
                yield number, None


def _csv_rows(text: str) -> Iterator[tuple[int, Any]]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    for row in reader:
        yield reader.line_num, {(name or "").strip().lower(): value for name, value in row.items()}
