"""Whole turns with the real vLLM: the base answers, chooses and is measured; when it dies, the customer hears all."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import pytest

from chat import asking, events, llm, served_models
from chat.models import Interaction, Message
from chat.tuning import live
from knowledge.faqs import save_faq
from knowledge.models import Faq
from tenants.database import in_database
from tenants.safe_http import pressure
from tenants.scope import within
from tests.conftest import Business
from tests.vllm_server import Vllm

ATTEMPTS = 4
QUESTION = "How long do I have to return a tent?"
VETTED = "You can return a tent within 60 days if it was not used. The refund arrives within a week."


@pytest.fixture
def served(vllm: Vllm, settings: Any) -> Vllm:
    for name, value in vllm.settings().items():
        setattr(settings, name, value)
    pressure.report(llm.OWNER, settings.LLM_BASE_URL, failed=False)
    return vllm


@pytest.fixture
def shop(harbor: Business, settle: Callable[..., None]) -> Business:
    with within(harbor.scope):
        save_faq(Faq(group=harbor.bot, question=QUESTION, answer=VETTED), [])
    settle(harbor)
    return harbor


async def test_the_base_answers_a_turn_and_is_measured(served: Vllm, shop: Business) -> None:
    before = await _written()
    asked = await asking.ask(shop.bot.key, QUESTION)
    assert asked.answer is not None
    interaction = await in_database(_interaction, asked.answer["interaction_id"], scope=shop.scope)
    (generation,) = interaction.generations
    assert generation["model"] == live.base()
    assert generation["outcome"] in ("answered", "unsupported", "no answer")
    assert generation["prompt_tokens"] > 100
    assert generation["completion_tokens"] > 0
    assert 0 < generation["first_token_ms"] <= generation["total_ms"]
    assert await _written() > before
    if generation["outcome"] == "unsupported":
        assert asked.answer["text"] == VETTED, "what is not in the source is not said"


async def test_it_chooses_one_of_the_options_and_nothing_else(served: Vllm) -> None:
    options = ("a question about the weather in Galway", "something else")
    prompt = llm.Prompt(served.model, "Choose.", (("user", "Is it raining?"),))
    # The first choice makes the server compile a grammar, beside whatever else the machine does.
    chosen, _ = await llm.chosen(prompt, options, seconds=60)
    assert chosen in options


async def test_what_is_served_is_told_with_its_speed(served: Vllm, settings: Any) -> None:
    name = served.publish_zero_adapter("00000000-0000-4000-8000-000000000001-1")
    assert await llm.complete(llm.Prompt(name, "", (("user", "hello"),), longest=5))
    found = await served_models.served()
    assert (found.problem, found.answers, found.bases) == ("", True, (served.model,))
    assert name in found.adapters
    assert found.speed is not None
    assert found.speed.generation > 0
    assert found.speed.of_one_answer
    settings.LLM_API_KEY = "wrong"
    llm._clients.clear()
    try:
        assert "401" in (await served_models.served()).problem
    finally:
        llm._clients.clear()


async def test_an_adapter_that_is_not_there_is_refused_and_the_answer_is_the_vetted_one(
    served: Vllm, shop: Business, settings: Any
) -> None:
    settings.LLM_MODEL = "00000000-0000-4000-8000-000000000002-1"
    asked = await asking.ask(shop.bot.key, QUESTION)
    assert asked.answer is not None
    assert asked.answer["text"] == VETTED


def test_nobody_is_served_without_the_key(served: Vllm) -> None:
    for path in ("/models", "/load_lora_adapter"):
        answer = httpx.request("POST" if "load" in path else "GET", served.url + path, json={})
        assert answer.status_code == 401


@pytest.mark.last
async def test_killed_in_mid_stream_it_leaves_a_complete_answer_in_the_same_turn(
    served: Vllm, shop: Business, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = llm.Generation._note

    def kill_at_the_first(generation: llm.Generation, pieces: int) -> None:
        note(generation, pieces)
        if pieces == 1:
            served.kill()

    heard: list[events.Live] = []
    publish = events.publish

    async def listen(*lives: events.Live) -> None:
        heard.extend(lives)
        await publish(*lives)

    monkeypatch.setattr(llm.Generation, "_note", kill_at_the_first)
    monkeypatch.setattr(events, "publish", listen)
    for _ in range(ATTEMPTS):
        heard.clear()
        asked = await asking.ask(shop.bot.key, QUESTION)
        assert asked.answer is not None
        assert (asked.answer["text"], asked.answer["route"]) == (VETTED, "faq")
        interactions, said = await in_database(_kept, asked.conversation_id, scope=shop.scope)
        assert len(interactions) == 1, "one turn"
        assert said == [QUESTION, VETTED], "nothing is lost or doubled"
        assert [live.type for live in heard].count("answer") <= 1
        (generation,) = interactions[0].generations
        if generation["outcome"] == "failed":
            assert generation["reason"]
            return
        # A whole sentence had come, and was refused, before the end of the stream was seen: too late a kill.
        await asyncio.to_thread(served.wait)
    pytest.fail(f"In {ATTEMPTS} attempts vLLM was never killed in mid-stream.")


async def _written() -> float:
    return served_models._counters(await llm.metrics())["generation"]


def _interaction(id: str) -> Interaction:
    return Interaction.objects.get(id=id)


def _kept(conversation_id: UUID) -> tuple[list[Interaction], list[str]]:
    messages = Message.objects.filter(conversation_id=conversation_id).order_by("seq")
    interactions = Interaction.objects.filter(conversation_id=conversation_id)
    return list(interactions), [message.text for message in messages]
