"""Measuring a bot on a test set: the right line, the right source, and silence where silence is right."""

import csv
import io
import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from chat import asking

ROUTES = ("faq", "document", "dynamic", "human", "unknown")


@dataclass(frozen=True)
class Case:
    """One question and what is expected of its answer; several FAQs or documents mean any of them."""

    line: int
    question: str
    route: str = ""
    faq: tuple[str, ...] = ()
    document: tuple[str, ...] = ()
    contains: str = ""
    unanswerable: bool = False


@dataclass
class Tally:
    """How many of how many."""

    right: int = 0
    total: int = 0

    def count(self, right: bool) -> None:
        self.right += right
        self.total += 1

    def rate(self) -> float | None:
        return round(self.right / self.total, 4) if self.total else None


@dataclass
class Result:
    tallies: dict[str, Tally] = field(default_factory=dict)
    milliseconds: list[float] = field(default_factory=list)
    failures: list[dict[str, Any]] = field(default_factory=list)

    def count(self, name: str, right: bool) -> bool:
        self.tallies.setdefault(name, Tally()).count(right)
        return right

    def as_json(self) -> dict[str, Any]:
        names = (
            "route_accuracy", "faq_accuracy", "document_hit@1", "document_hit@5", "contains", "answered",
            "refused_right", "refused_wrong",
        )  # fmt: skip
        times = sorted(self.milliseconds)
        rates = {name: self.tallies.get(name, Tally()).rate() for name in names}
        return {
            "n": len(times),
            **rates,
            "p50_ms": round(statistics.median(times), 1) if times else None,
            "p95_ms": round(times[min(len(times) - 1, int(len(times) * 0.95))], 1) if times else None,
        }


async def evaluate(bot_key: str, cases: Sequence[Case]) -> Result:
    """Ask every question in a conversation of its own."""
    result = Result()
    for case in cases:
        asked = await asking.ask(bot_key, case.question)
        result.milliseconds.append(asked.milliseconds)
        if not _judge(case, asked, result):
            said = asked.answer or {}
            result.failures.append(
                {
                    "line": case.line,
                    "question": case.question,
                    "route": said.get("route"),
                    "confidence": said.get("confidence"),
                    "text": str(said.get("text", ""))[:200],
                    "cited": [citation["external_id"] for citation in said.get("citations", [])],
                }
            )
    return result


def _judge(case: Case, asked: asking.Asked, result: Result) -> bool:
    answer = asked.answer or {"route": "", "text": "", "citations": []}
    cited = [(each["kind"], each["external_id"]) for each in answer["citations"]]
    # Without an answer (a failure) the customer was told nothing either.
    unknown = answer["route"] in ("unknown", "")
    checks = []
    if case.route:
        checks.append(result.count("route_accuracy", answer["route"] == case.route))
    if case.faq:
        checks.append(result.count("faq_accuracy", any(("faq", id) in cited for id in case.faq)))
    if case.document:
        found = [entry["external_id"] for entry in asked.retrieved if entry["kind"] == "document"]
        cited_documents = [id for kind, id in cited if kind == "document"]
        checks.append(result.count("document_hit@1", bool(set(case.document) & set(cited_documents[:1]))))
        result.count("document_hit@5", bool(set(case.document) & set(found[:5])))
    if case.contains:
        checks.append(result.count("contains", case.contains.lower() in answer["text"].lower()))
    result.count("answered", not unknown)
    if case.unanswerable:
        checks.append(result.count("refused_right", unknown))
    else:
        result.count("refused_wrong", unknown)
    return all(checks)


def read_cases(data: bytes, bot_key: str) -> tuple[list[Case], list[str]]:
    """The test set's rows (those for another bot left out) and, line by line, what was wrong with the others."""
    cases: list[Case] = []
    problems: list[str] = []
    text = data.decode("utf-8-sig", "replace")
    for line, row in _json_rows(text, problems) if text.lstrip().startswith("{") else _csv_rows(text):
        if row.get("bot") and row["bot"] != bot_key:
            continue
        question = row.get("question")
        route = row.get("route") or ""
        if not isinstance(question, str) or not question.strip():
            problems.append(f"line {line}, question: This is empty.")
        elif route and route not in ROUTES:
            problems.append(f"line {line}, route: “{route}” is none of {', '.join(ROUTES)}.")
        else:
            cases.append(
                Case(
                    line,
                    question,
                    route,
                    _several(row.get("faq")),
                    _several(row.get("document")),
                    str(row.get("contains") or ""),
                    str(row.get("unanswerable") or "").lower() in ("true", "1", "yes"),
                )
            )
    return cases, problems


def _json_rows(text: str, problems: list[str]) -> list[tuple[int, dict[str, Any]]]:
    rows = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as problem:
            problems.append(f"line {number}: Not readable as JSON: {problem}.")
            continue
        if isinstance(row, dict):
            rows.append((number, row))
        else:
            problems.append(f"line {number}: Each line must be a JSON object.")
    return rows


def _csv_rows(text: str) -> list[tuple[int, dict[str, Any]]]:
    header = text.split("\n", 1)[0]
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=header.count))
    return [(reader.line_num, {(name or "").strip().lower(): value for name, value in row.items()}) for row in reader]


def _several(value: Any) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple(map(str, value))
    return tuple(part.strip() for part in str(value).split("|") if part.strip()) if value else ()
