"""/v1/chat/completions: what an OpenAI client sends and expects, on the running platform."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.conftest import Business
from tests.over_http import Manager, manager
from tests.platform_processes import Platform

QUESTION = "Do you rent out snow sledges?"
ANSWER = "We rent out snow sledges from December.\nA day costs 9 euros."
PATH = "/v1/chat/completions"


@pytest.fixture
def shop(platform: Platform, harbor: Business) -> Iterator[Manager]:
    boss = manager(platform, harbor)
    faq = boss.add_faq(QUESTION, ANSWER)
    boss.wait_until_indexed(f"faqs/{faq}")
    yield boss
    boss.http.close()


def ask(shop: Manager, *messages: tuple[str, Any], **fields: Any) -> httpx.Response:
    said = [{"role": role, "content": content} for role, content in messages or [("user", QUESTION)]]
    return shop.http.post(PATH, json={"model": shop.business.bot.key, "messages": said, **fields})


def test_a_completion_is_the_bots_answer(shop: Manager) -> None:
    response = ask(shop, ("system", "Talk like a pirate."), ("user", QUESTION), temperature=0.2, user="u-1")
    assert response.status_code == 200, response.text
    found = response.json()
    assert (found["object"], found["model"]) == ("chat.completion", shop.business.bot.key)
    assert found["id"].startswith("chatcmpl-")
    assert {"prompt_tokens", "completion_tokens", "total_tokens"} <= set(found["usage"])
    (choice,) = found["choices"]
    assert (choice["index"], choice["finish_reason"]) == (0, "stop")
    assert (choice["message"]["role"], choice["message"]["content"]) == ("assistant", ANSWER)


def test_a_stream_is_chunks_that_join_to_the_answer(shop: Manager) -> None:
    response = ask(shop, stream=True)
    assert response.headers["Content-Type"].startswith("text/event-stream")
    lines = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    assert lines.pop() == "[DONE]"
    chunks = [json.loads(line) for line in lines]
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk["id"] for chunk in chunks}) == 1
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert deltas[0]["role"] == "assistant"
    assert "".join(delta.get("content", "") for delta in deltas) == ANSWER
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]


def test_earlier_messages_are_the_conversation_so_far(shop: Manager) -> None:
    response = ask(
        shop,
        ("user", "Hello"),
        ("assistant", "Hello! How can I help?"),
        ("user", [{"type": "text", "text": QUESTION}]),
    )
    assert response.json()["choices"][0]["message"]["content"] == ANSWER
    newest = shop.get(f"conversations?bot={shop.business.bot.key}")["results"][0]
    said = shop.get(f"conversations/{newest['id']}")["messages"]
    assert [message["role"] for message in said] == ["customer", "bot", "customer", "bot"]


def test_without_a_valid_key_there_is_no_answer(shop: Manager) -> None:
    body = {"model": shop.business.bot.key, "messages": [{"role": "user", "content": QUESTION}]}
    for header in ("Bearer sb_wrong", "Bearer", "Basic abc", ""):
        response = shop.http.post(PATH, json=body, headers={"Authorization": header})
        assert response.status_code == 401, header
        assert response.json()["error"]["code"] == "invalid_api_key"


def test_another_tenants_bot_is_not_there(shop: Manager, meridian: Business) -> None:
    messages = [{"role": "user", "content": QUESTION}]
    answers = [
        shop.http.post(PATH, json={"model": model, "messages": messages}) for model in (meridian.bot.key, "no-such-bot")
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert {answer.json()["error"]["code"] for answer in answers} == {"model_not_found"}


def test_bad_requests_are_refused_by_what_is_wrong(shop: Manager) -> None:
    key = shop.business.bot.key
    good = [{"role": "user", "content": QUESTION}]
    for body, word in (
        (b"{", "JSON"),
        (b"[]", "model"),
        ({"messages": good}, "model"),
        ({"model": key}, "messages"),
        ({"model": key, "messages": []}, "messages"),
        ({"model": key, "messages": good * 201}, "messages"),
        ({"model": key, "messages": [1]}, "messages[0]"),
        ({"model": key, "messages": [{"role": "user", "content": 7}]}, "messages[0].content"),
        ({"model": key, "messages": [*good, {"role": "assistant", "content": "Hm"}]}, "last"),
        ({"model": key, "messages": [{"role": "user", "content": "a\0b"}]}, "NUL"),
        ({"model": key, "messages": [{"role": "user", "content": "\ud800"}]}, "surrogate"),
        ({"model": key, "messages": [{"role": "user", "content": "\ud800"}, *good]}, "surrogate"),
        ({"model": key, "messages": [{"role": "user", "content": " "}]}, "Say something"),
        ({"model": key, "messages": [{"role": "user", "content": "x" * 4001}]}, "4,000"),
    ):
        response = shop.http.post(PATH, content=body if isinstance(body, bytes) else json.dumps(body).encode())
        assert response.status_code == 400, (body, response.text)
        assert word in response.json()["error"]["message"], (body, response.text)
    for model in ("a\0b", "\ud800", "x" * 5000):
        response = shop.http.post(PATH, content=json.dumps({"model": model, "messages": good}).encode())
        assert response.status_code in (400, 404), (model[:9], response.text)
    assert shop.http.get(PATH).status_code == 405
