"""What a language model adds to the light router: the held-out questions routed by the light one alone, with a model at
an endpoint where the light one is not sure, and with a model that would always choose rightly.

Runs beside bin/demo: `LLM_BASE_URL=… LLM_SMALL_MODEL=… PYTHONPATH=platform:. python -m benchmarks.llm_routing`.
Without an endpoint it prints the first and the last.
"""

import argparse
import asyncio
import json
import os
import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import django

QUESTIONS = Path(__file__).parents[1] / "tests" / "questions"
SETS, KINDS = ("first", "second"), ("faqs", "documents", "absent", "routes")


@dataclass
class Count:
    """How many questions of a kind were put through rightly, and how many the light router was not sure of."""

    asked: int = 0
    unsure: int = 0
    light: int = 0
    model: int = 0
    ceiling: int = 0
    failed: int = 0
    milliseconds: list[float] = field(default_factory=list)


async def measure(sets: Iterable[str]) -> dict[str, Count]:
    """By kind, such as `first/faqs`."""
    found: dict[str, Count] = {}
    for of in sets:
        for kind in KINDS:
            path = QUESTIONS / of / f"{kind}.jsonl"
            for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
                await _count(found.setdefault(f"{of}/{kind}", Count()), json.loads(line))
    return found


async def _count(count: Count, row: dict[str, Any]) -> None:
    from django.conf import settings

    from chat import answering
    from chat.router import arbiter

    settings.LLM_ROUTING = "off"
    routed = await answering.route(await _context(row["bot"], row["question"]), lambda step: None)
    light = routed.decision
    settings.LLM_ROUTING = "on"
    decision, record = await arbiter.settled(routed.question, light)
    count.asked += 1
    count.unsure += bool(light.rivals)
    count.light += is_right(row, light)
    count.model += is_right(row, decision)
    reachable = any(is_right(row, rival) for rival in light.rivals) or (bool(light.rivals) and _unanswerable(row))
    count.ceiling += reachable if light.rivals else is_right(row, light)
    if record:
        count.failed += record["outcome"] == "failed"
        count.milliseconds.append(record.get("total_ms", 1000 * arbiter.PATIENCE_S))


async def _context(key: str, text: str) -> Any:
    """A turn's context, as a customer's message makes it."""
    from chat import store
    from chat.context import load_context
    from tenants import resolve
    from tenants.database import in_database
    from tenants.models import Bot

    bot = await in_database(resolve.bot, key, scope=None)
    assert bot is not None, f"There is no bot {key}: start bin/demo first."

    def begin() -> Any:
        conversation, _ = store.open_conversation(Bot.objects.get(id=bot.group_id))
        store.save_question(bot.group_id, conversation.id, text, None, None)
        turn = store.claim_turn(bot.group_id, conversation.id)
        assert turn is not None  # it has just been made
        return load_context(bot.group_id, conversation.id, turn)

    return await in_database(begin, scope=bot.scope)


def is_right(row: dict[str, Any], decision: Any) -> bool:
    """Whether a decision leads to what answers: the right FAQ, page or action, or an honest "I don't know"."""
    if _unanswerable(row):
        return bool(decision.route == "unknown")
    if row.get("route"):
        named = row.get("action")
        return bool(
            decision.route == row["route"] and (not named or not decision.action or decision.action.name == named)
        )
    faqs, documents = _several(row.get("faq")), _several(row.get("document"))
    return any(
        (part.faq and part.faq.external_id in faqs)
        or any(each.external_id in documents and row.get("page") in (None, each.page) for each in part.passages)
        for part in (decision, decision.also)
        if part
    )


def _unanswerable(row: dict[str, Any]) -> bool:
    return bool(row.get("unanswerable"))


def _several(value: str | list[str] | None) -> list[str]:
    return [value] if isinstance(value, str) else value or []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    arguments = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "switchboard.settings")
    django.setup()
    counts = asyncio.run(measure(arguments.sets))
    from chat.router import arbiter

    has_model = bool(arbiter.model())
    print("| questions | light alone | with the model | always right | not sure of |\n| --- | --- | --- | --- | --- |")
    for name, each in counts.items():
        with_model = each.model if has_model else "–"
        print(f"| {name} | {each.light} of {each.asked} | {with_model} | {each.ceiling} | {each.unsure} |")
    times = [taken for each in counts.values() for taken in each.milliseconds]
    if times:
        failed = sum(each.failed for each in counts.values())
        print(
            f"\n{len(times)} questions to the model, p50 {statistics.median(times):.0f} ms; {failed} without an answer"
        )


if __name__ == "__main__":
    main()
