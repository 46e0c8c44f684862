"""Switchboard's router through `ask`: phrasings imported as FAQs, each question a whole turn of its own."""

import asyncio
import csv
import io
from collections.abc import Sequence

from benchmarks.peers.switchboard_system import make_bot, wait_until_indexed
from benchmarks.peers.system import Setting

from chat import asking  # isort: skip  # Django is set up by the import above
from knowledge.imports import import_faqs  # isort: skip
from tenants.scope import within  # isort: skip


class SwitchboardRouter:
    def __init__(self, setting: Setting) -> None:
        self._key = self._api_key = ""
        self._number = 0
        self._loop = asyncio.new_event_loop()

    def learn(self, phrasings: Sequence[tuple[str, str]]) -> None:
        self._number += 1
        self._key = f"router-{self._number}"
        bot, self._api_key = make_bot(self._key)
        with within(bot.scope):
            report = import_faqs(bot.group_id, as_csv(phrasings), "faqs.csv")
        if report.errors:
            raise ValueError(str(report.errors[0]))
        wait_until_indexed(bot)
        self._loop.run_until_complete(asking.ask(self._key, "Hello"))

    def door(self, collection: str) -> dict[str, str]:
        """What a client needs to talk over HTTP to the bot that has learnt last."""
        return {"bot": self._key, "api_key": self._api_key}

    def choose(self, question: str) -> str:
        """The FAQ that is cited; '' where the bot says that it does not know, or chooses another line."""
        asked = self._loop.run_until_complete(asking.ask(self._key, question))
        cited = asked.answer["citations"] if asked.answer else []
        return next((each["external_id"] for each in cited if each["kind"] == "faq"), "")


def as_csv(phrasings: Sequence[tuple[str, str]]) -> bytes:
    by_intent: dict[str, list[str]] = {}
    for text, intent in phrasings:
        by_intent.setdefault(intent, []).append(text.replace("|", " "))
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(["id", "question", "answer", "alternates"])
    for intent, texts in by_intent.items():
        answer = f"This is about {intent.replace('_', ' ')}."
        writer.writerow([intent, texts[0], answer, "|".join(texts[1:])])
    return written.getvalue().encode()
