"""The held-out questions, asked of the demo businesses as customers would; see README.md for what they are.

The floors are what is reached today, a little below the figures in the README: they keep a change from losing it.
"""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from chat import asking
from tests.platform_processes import Platform

HERE = Path(__file__).parent
pytestmark = pytest.mark.usefixtures("platform")
# Of the first and of the second set.
FLOORS = {
    "faqs": (0.78, 0.93),
    "documents": (0.75, 0.6),
    "absent": (0.6, 0.75),
    "follow_ups": (0.8, 0.9),
    "persons": (0.95, 0.95),
    "not_persons": (0.9, 0.95),
    "routes": (0.75, 0.0),
}
SETS = ("first", "second")
each_set = pytest.mark.parametrize("of", SETS)


def rows(of: str, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (HERE / of / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def answers(asked: list[tuple[dict[str, Any], str]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    async def ask_all() -> list[tuple[dict[str, Any], dict[str, Any]]]:
        return [(row, (await asking.ask(row["bot"], text)).answer or {}) for row, text in asked]

    return asyncio.run(ask_all())


def right(row: dict[str, Any], answer: dict[str, Any]) -> bool:
    """The right FAQ is cited, or the right page of the right document."""
    faqs, documents = set(_several(row.get("faq"))), set(_several(row.get("document")))
    return any(
        citation["external_id"] in faqs
        or (citation["external_id"] in documents and row.get("page") in (None, citation.get("page")))
        for citation in answer["citations"]
    )


def quoted(row: dict[str, Any], answer: dict[str, Any]) -> bool:
    return right(row, answer) and row.get("contains", "").lower() in answer["text"].lower()


def share(name: str, of: str, judged: list[bool]) -> None:
    """Also printed: `bin/test tests/questions -s` gives the README's figures."""
    print(f"\n{of} {name}: {sum(judged)} of {len(judged)}")
    assert sum(judged) / len(judged) >= FLOORS.get(name, (0, 0))[SETS.index(of)]


@each_set
def test_questions_about_faqs(platform: Platform, of: str) -> None:
    found = answers([(row, row["question"]) for row in rows(of, "faqs")])
    share("faqs", of, [right(row, answer) for row, answer in found])


@each_set
def test_questions_about_documents(platform: Platform, of: str) -> None:
    found = answers([(row, row["question"]) for row in rows(of, "documents")])
    share("documents", of, [right(row, answer) for row, answer in found])
    share("facts quoted from documents", of, [quoted(row, answer) for row, answer in found])


@each_set
def test_plausible_questions_about_what_is_absent(platform: Platform, of: str) -> None:
    found = answers([(row, row["question"]) for row in rows(of, "absent")])
    share("absent", of, [answer["route"] == "unknown" for _, answer in found])


@each_set
def test_follow_ups(platform: Platform, of: str) -> None:
    async def ask_both(row: dict[str, Any]) -> dict[str, Any]:
        first = await asking.ask(row["bot"], row["first"])
        second = await asking.ask(row["bot"], row["second"], conversation_id=first.conversation_id)
        return second.answer or {}

    found = [(row, asyncio.run(ask_both(row))) for row in rows(of, "follow_ups")]
    share("follow_ups", of, [right(row, answer) for row, answer in found])


@each_set
def test_asking_for_a_person_in_whatever_words(platform: Platform, of: str) -> None:
    found = answers([(row, row["question"]) for row in rows(of, "persons")])
    asking_for_one = [answer["route"] == "human" for row, answer in found if row.get("route") == "human"]
    not_asking = [answer["route"] != "human" for row, answer in found if row.get("route_not") == "human"]
    share("persons", of, asking_for_one)
    share("not_persons", of, not_asking)


def test_questions_for_live_data(platform: Platform) -> None:
    found = answers([(row, row["question"]) for row in rows("first", "routes")])
    share("routes", "first", [answer["route"] == row["route"] for row, answer in found])


def _several(value: str | list[str] | None) -> list[str]:
    return [value] if isinstance(value, str) else value or []
