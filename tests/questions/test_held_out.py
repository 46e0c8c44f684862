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
FLOORS = {
    "faqs": 0.65,
    "documents": 0.70,
    "absent": 0.65,
    "follow_ups": 0.55,
    "persons": 0.90,
    "not_persons": 0.95,
    "routes": 0.75,
}


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (HERE / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def answers(asked: list[tuple[dict[str, Any], str]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    async def ask_all() -> list[tuple[dict[str, Any], dict[str, Any]]]:
        return [(row, (await asking.ask(row["bot"], text)).answer or {}) for row, text in asked]

    return asyncio.run(ask_all())


def right(row: dict[str, Any], answer: dict[str, Any]) -> bool:
    """The right FAQ or document is cited, or the very fact that was asked for is in what is quoted."""
    wanted = {id for kind in ("faq", "document") for id in _several(row.get(kind))}
    cited = {citation["external_id"] for citation in answer["citations"]}
    fact = row.get("contains", "").lower()
    return bool(wanted & cited) and (not fact or "document" not in row or fact in answer["text"].lower())


def share(name: str, judged: list[bool]) -> float:
    """Also printed: `bin/test tests/questions -s` gives the README's figures."""
    print(f"\n{name}: {sum(judged)} of {len(judged)}")
    return sum(judged) / len(judged)


def test_questions_about_faqs(platform: Platform) -> None:
    found = answers([(row, row["question"]) for row in rows("faqs")])
    assert share("faqs", [right(row, answer) for row, answer in found]) >= FLOORS["faqs"]


def test_questions_about_documents(platform: Platform) -> None:
    found = answers([(row, row["question"]) for row in rows("documents")])
    assert share("documents", [right(row, answer) for row, answer in found]) >= FLOORS["documents"]


def test_plausible_questions_about_what_is_absent(platform: Platform) -> None:
    found = answers([(row, row["question"]) for row in rows("absent")])
    assert share("absent", [answer["route"] == "unknown" for _, answer in found]) >= FLOORS["absent"]


def test_follow_ups(platform: Platform) -> None:
    async def ask_both(row: dict[str, Any]) -> dict[str, Any]:
        first = await asking.ask(row["bot"], row["first"])
        second = await asking.ask(row["bot"], row["second"], conversation_id=first.conversation_id)
        return second.answer or {}

    found = [(row, asyncio.run(ask_both(row))) for row in rows("follow_ups")]
    assert share("follow_ups", [right(row, answer) for row, answer in found]) >= FLOORS["follow_ups"]


def test_asking_for_a_person_in_whatever_words(platform: Platform) -> None:
    found = answers([(row, row["question"]) for row in rows("persons")])
    asking_for_one = [answer["route"] == "human" for row, answer in found if row.get("route") == "human"]
    not_asking = [answer["route"] != "human" for row, answer in found if row.get("route_not") == "human"]
    assert share("persons", asking_for_one) >= FLOORS["persons"]
    assert share("not_persons", not_asking) >= FLOORS["not_persons"]


def test_questions_for_live_data(platform: Platform) -> None:
    found = answers([(row, row["question"]) for row in rows("routes")])
    assert share("routes", [answer["route"] == row["route"] for row, answer in found]) >= FLOORS["routes"]


def _several(value: str | list[str] | None) -> list[str]:
    return [value] if isinstance(value, str) else value or []
