"""Whole turns with a model, as a test looks at them."""

from typing import Any

import pytest

from chat import asking, events
from chat.models import Interaction
from knowledge.models import Call
from tenants.database import in_database
from tests.conftest import Business


class Turn:
    """One question: the answer, what was heard of it live, and the record that explains it."""

    def __init__(self, answer: dict[str, Any], heard: list[events.Live], interaction: Interaction) -> None:
        self.answer, self.interaction = answer, interaction
        self.heard = "".join(live.data["text"] for live in heard if live.type == "delta" and live.data)
        self.types = [live.type for live in heard if live.type]

    @property
    def generation(self) -> dict[str, Any]:
        (found,) = self.interaction.generations
        return found


async def ask(shop: Business, question: str, monkeypatch: pytest.MonkeyPatch) -> Turn:
    heard: list[events.Live] = []
    publish = events.publish

    async def listen(*lives: events.Live) -> None:
        heard.extend(lives)
        await publish(*lives)

    monkeypatch.setattr(events, "publish", listen)
    asked = await asking.ask(shop.bot.key, question)
    assert asked.answer is not None
    found = await in_database(interaction_of, asked.answer["interaction_id"], scope=shop.scope)
    return Turn(asked.answer, heard, found)


def interaction_of(id: str) -> Interaction:
    return Interaction.objects.get(id=id)


async def calls_of(shop: Business) -> list[Call]:
    return await in_database(lambda: list(Call.objects.filter(group=shop.bot)), scope=shop.scope)
