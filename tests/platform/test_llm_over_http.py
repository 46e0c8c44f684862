"""The platform with a scripted model, as clients see it: the OpenAI library, the stream, and the time it takes."""

import statistics
import sys
import time
from collections.abc import Callable, Iterator

import httpx
import openai
import pytest
from switchboard.embedded import commands, processes
from switchboard.embedded.commands import Places
from switchboard.embedded.demo import environment
from switchboard.embedded.supervisor import Command

from knowledge.faqs import save_faq
from knowledge.models import Faq
from tenants.scope import within
from tests.conftest import Business
from tests.embedded_services import SERVICES
from tests.over_http import Visitor, until, visitor
from tests.platform_processes import Platform
from tests.scripted_llm import MODEL, Reply, ScriptedLlm, scripted_llm, words_of

QUESTION = "Do you rent out snow sledges?"
VETTED = "We rent out snow sledges from December. A day costs 9 euros."
TOLD = ["Yes, we rent out snow sledges from December.", " A day is €9."]
ROUNDS = 15
TOKEN_MS = 8.0


@pytest.fixture(scope="module")
def model() -> Iterator[ScriptedLlm]:
    with scripted_llm() as server:
        yield server


@pytest.fixture(scope="module")
def spoken(django_db_setup: None, model: ScriptedLlm) -> Platform:
    """A web process that has a model; what it answers from is indexed by the tests themselves."""
    places = Places(processes.free_port(), SERVICES.supervisor.folder.path)
    chosen = {"LLM_BASE_URL": f"{model.url}/v1", "LLM_MODEL": MODEL, "ALLOWED_HOSTS": "127.0.0.1,localhost"}
    env = {**environment(SERVICES, places), **chosen}
    words = places.fill(commands.LONG_RUNNING["web"])
    SERVICES.supervisor.start(Command("web-with-llm", (sys.executable, *words), env=env, cwd=commands.ROOT))
    until(lambda: _is_up(f"{places.url}healthz"), "the web process with a model is up", patience_s=60)
    return Platform(places, embedding_port=0)


def _is_up(address: str) -> bool:
    try:
        return httpx.get(address, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.fixture
def shop(spoken: Platform, harbor: Business, model: ScriptedLlm, settle: Callable[..., None]) -> Business:
    model.start()
    with within(harbor.scope):
        save_faq(Faq(group=harbor.bot, question=QUESTION, answer=VETTED), [])
    settle(harbor)
    return harbor


@pytest.fixture
def client(spoken: Platform, shop: Business) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{spoken.url}/v1", api_key=shop.api_key, max_retries=0)


def test_the_openai_client_works_unchanged(client: openai.OpenAI, shop: Business, model: ScriptedLlm) -> None:
    model.will_say(Reply(words_of("".join(TOLD))))
    found = client.chat.completions.create(
        model=shop.bot.key, messages=[{"role": "user", "content": QUESTION}], temperature=0.3
    )
    assert found.choices[0].message.content == "".join(TOLD)
    assert found.choices[0].finish_reason == "stop"
    assert found.usage
    assert (found.usage.prompt_tokens, found.usage.completion_tokens) == (100, len(words_of("".join(TOLD))))


def test_it_streams_sentence_by_sentence(client: openai.OpenAI, shop: Business, model: ScriptedLlm) -> None:
    model.will_say(Reply(words_of("".join(TOLD)), gap_ms=10))
    stream = client.chat.completions.create(
        model=shop.bot.key,
        messages=[{"role": "user", "content": QUESTION}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    pieces = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    assert pieces == TOLD
    assert chunks[-1].usage
    assert chunks[-1].usage.prompt_tokens == 100
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"


def test_a_client_that_appends_gets_the_whole_answer_when_the_model_dies(
    client: openai.OpenAI, shop: Business, model: ScriptedLlm
) -> None:
    model.will_say(Reply(words_of(f"{TOLD[0]} And"), end="die"))
    stream = client.chat.completions.create(
        model=shop.bot.key, messages=[{"role": "user", "content": QUESTION}], stream=True
    )
    said = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    assert said == f"{TOLD[0]}\n\n{VETTED}"


def test_killing_the_model_in_mid_stream_leaves_a_complete_answer_in_the_same_turn(
    spoken: Platform, shop: Business, model: ScriptedLlm
) -> None:
    customer = visitor(spoken, shop)
    model.will_say(Reply(words_of(f"{TOLD[0]} And"), end="hang"))
    seen = []
    with customer.stream(QUESTION) as events:
        for event in events:
            seen.append(event)
            if event.type == "delta" and len(seen) == 2:
                model.kill()
    assert [event.type for event in seen] == ["route", "delta", "answer"]
    assert (seen[1].data["text"], seen[2].data["text"]) == (TOLD[0], VETTED)
    assert [message["text"] for message in customer.history()] == [QUESTION, VETTED]
    assert customer.say("Do you rent sledges?")["text"] == VETTED


def test_how_long_we_keep_the_model_and_the_customer_waiting(
    spoken: Platform, shop: Business, model: ScriptedLlm
) -> None:
    """From the request to the prompt, and from the last token of the first sentence to the first delta, held against
    what a greeting takes, which needs no model: how fast the machine is does not matter then."""
    sent, heard, greeted = [], [], []
    tokens = words_of("".join(TOLD))
    last_of_first = len(words_of(TOLD[0])) - 1
    for _ in range(ROUNDS):
        customer = visitor(spoken, shop)
        model.will_say(Reply(tokens, gap_ms=TOKEN_MS))
        began, first_delta = _first_delta(customer, QUESTION)
        (asked,) = model.log()
        sent.append((asked["at"] - began) * 1000)
        heard.append((first_delta - asked["sent"][last_of_first]) * 1000)
        began, first_delta = _first_delta(visitor(spoken, shop), "Hello!")
        greeted.append((first_delta - began) * 1000)
    to_prompt, to_delta, control = (statistics.median(each) for each in (sent, heard, greeted))
    print(
        f"\np50 of {ROUNDS}: {to_prompt:.1f} ms to the prompt; {to_delta:.1f} ms from a sentence to its delta, at "
        f"{TOKEN_MS:g} ms a token; {control:.1f} ms to the first delta of a greeting"
    )
    assert to_prompt <= 1.5 * control
    assert to_delta <= 1.5 * control + TOKEN_MS


def _first_delta(customer: Visitor, text: str) -> tuple[float, float]:
    began = time.monotonic()
    with customer.stream(text) as events:
        next(event for event in events if event.type == "delta")
        first = time.monotonic()
        list(events)
    return began, first
