"""Read actions as OpenAI's tools: the same rules and the same look-ups as inline, and nothing that changes anything."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from chat import llm
from knowledge.parameters import parse_parameters
from knowledge.tool_schema import schema_of
from tenants.safe_http import pressure
from tests.chat.spoken import Turn, ask, calls_of
from tests.conftest import Business
from tests.scripted_llm import MODEL, Reply, ScriptedLlm, scripted_llm, words_of

QUESTION = "Which caps do you sell, the watch cap?"
PRICE = json.dumps({"product": "Watch Cap"})


@pytest.fixture(scope="module")
def model() -> Iterator[ScriptedLlm]:
    with scripted_llm() as server:
        yield server


@pytest.fixture(autouse=True)
def _llm(model: ScriptedLlm, settings: Any) -> None:
    pressure.report(llm.OWNER, f"{model.url}/v1", failed=False)
    settings.LLM_BASE_URL, settings.LLM_MODEL, settings.LLM_ACTIONS = f"{model.url}/v1", MODEL, "tools"


async def price_of_the_cap(model: ScriptedLlm, shop: Business, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the shop's API says, in the action's own words."""
    model.will_say(Reply((), end="error"))
    turn = await ask(shop, "What is the price of the watch cap?", monkeypatch)
    (citation,) = turn.answer["citations"]
    return str(citation["quote"])


@pytest.mark.parametrize("cut", [1, 2, 7, 400])
async def test_a_tool_is_run_and_its_result_is_a_source(
    model: ScriptedLlm, live_shop: Business, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    price = await price_of_the_cap(model, live_shop, monkeypatch)
    made = len(await calls_of(live_shop))
    model.will_say(
        Reply(words_of("We sell the watch cap. "), when="<question>", calls=[("product_price", PRICE)], cut=cut),
        Reply(words_of(price), when=price[:20]),
    )
    turn = await ask(live_shop, QUESTION, monkeypatch)
    assert turn.answer["text"] == turn.heard == f"We sell the watch cap. {price}"
    assert [each["kind"] for each in turn.answer["citations"]] == ["faq", "action"]
    assert [call.outcome for call in await calls_of(live_shop)][made:] == ["ok"]
    first, second = (each["body"] for each in model.log())
    offered = {each["function"]["name"]: each["function"]["parameters"] for each in first["tools"]}
    assert "cancel_order" not in offered
    assert offered["product_price"]["required"] == ["product"]
    assert "square brackets exactly where" not in first["messages"][0]["content"]
    assistant, result = second["messages"][-2:]
    assert assistant["tool_calls"][0]["function"] == {"name": "product_price", "arguments": PRICE}
    assert (result["role"], result["tool_call_id"], result["content"]) == ("tool", "c0", price)
    assert turn.generation["requests"] == 2


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("cancel_order", '{"order_id": "HO-1001"}', "has no action cancel_order"),
        ("delete_everything", "{}", "has no action delete_everything"),
        ("product_price", '{"product": "eider-down"}', "nobody has said product"),
        ("product_price", '{"product": "Watch Cap", "customer": "c-2"}', "takes no argument customer"),
        ("product_price", '{"product": "Watch', "no call that could be read"),
        ("product_price", '["Watch Cap"]', "no call that could be read"),
        ("product_price", "", "needs product"),
    ],
)
async def test_what_may_not_be_called_is_not_called(
    model: ScriptedLlm, live_shop: Business, monkeypatch: pytest.MonkeyPatch, name: str, arguments: str, reason: str
) -> None:
    model.will_say(
        Reply((), when="<question>", calls=[(name, arguments)]),
        Reply(words_of("We sell the watch cap."), when="Not available"),
    )
    turn = await ask(live_shop, QUESTION, monkeypatch)
    assert turn.answer["text"] == "We sell the watch cap."
    assert await calls_of(live_shop) == []
    assert reason in turn.generation["held_back"][0]["reason"]


async def test_the_same_tool_twice_is_one_call_and_calling_ends(
    model: ScriptedLlm, live_shop: Business, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.will_say(Reply((), calls=[("product_price", PRICE), ("product_price", PRICE)], always=True))
    turn: Turn = await ask(live_shop, QUESTION, monkeypatch)
    assert turn.answer["text"] == "We sell the watch cap."
    assert len(await calls_of(live_shop)) == 1
    assert len(model.log()) <= 6
    model.will_say(Reply((), calls=[("nothing", "{}")], always=True))
    assert (await ask(live_shop, QUESTION, monkeypatch)).answer["text"] == "We sell the watch cap."
    assert len(model.log()) <= 6


async def test_a_model_that_dies_while_it_calls_leaves_the_vetted_answer(
    model: ScriptedLlm, live_shop: Business, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.will_say(Reply((), calls=[("product_price", PRICE)], end="abort"))
    turn = await ask(live_shop, QUESTION, monkeypatch)
    assert turn.answer["text"] == turn.heard == "We sell the watch cap."
    assert await calls_of(live_shop) == []


async def test_a_call_written_in_the_text_is_not_shown(
    model: ScriptedLlm, live_shop: Business, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.will_say(Reply(list('We sell the watch cap. It costs [product_price(product="Watch Cap")].')))
    turn = await ask(live_shop, QUESTION, monkeypatch)
    assert turn.answer["text"] == turn.heard == "We sell the watch cap."
    assert await calls_of(live_shop) == []


def test_the_schema_of_a_tool_names_what_a_customer_gives() -> None:
    rows = [
        {"name": "order_id", "in": "path", "pattern": "HO-[0-9]{4}", "description": "On the receipt."},
        {"name": "nights", "type": "integer", "minimum": 1, "maximum": 30},
        {"name": "day", "type": "date"},
        {"name": "sizes", "type": "array", "items": "string"},
        {"name": "size", "choices": [{"value": "m", "label": "Medium"}, "l"]},
        {"name": "customer", "source": "customer.sub"},
        {"name": "channel", "value": "chat"},
    ]
    schema = schema_of(parse_parameters(rows))
    assert schema["required"] == ["order_id"]
    assert schema["properties"] == {
        "order_id": {"type": "string", "pattern": "HO-[0-9]{4}", "description": "On the receipt."},
        "nights": {"type": "integer", "minimum": 1.0, "maximum": 30.0},
        "day": {"type": "string", "format": "date"},
        "sizes": {"type": "array", "items": {"type": "string"}},
        "size": {"type": "string", "enum": ["m", "l"], "description": "(m: Medium)"},
    }
