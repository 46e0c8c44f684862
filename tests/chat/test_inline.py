"""Inline actions: told from text at every token boundary, run once each where valid, and never shown."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest

from chat import llm, speech
from chat.exchange import Answer, Asker, Citation
from chat.grounding.support import Source
from chat.inline import Call, InlineParser, NoAnswer, Part, SourceMarks, Text
from chat.llm import Prompt, Usage
from chat.speech import Spoken, Task
from knowledge.actions import ActionSpec
from knowledge.models import Action, DataApi
from knowledge.snapshot import ActionEntry
from tenants.scope import within
from tests.chat.heard import Heard
from tests.chat.inline_shapes import HEARD, INVALID, VALID, Shape, shapes
from tests.conftest import Business

SHAPES = shapes()
RESULT = "It was shipped on 3 March and is free of damage."
REST = " It was shipped on 3 March."
PARAMETERS: dict[str, list[dict[str, Any]]] = {
    "order_status": [{"name": "order_id", "in": "path", "pattern": "HO-[0-9]{4}"}],
    "in_stock": [{"name": "product", "required": True}],
    "free_rooms": [
        {"name": "nights", "type": "integer", "required": True, "minimum": 1, "maximum": 30},
        {"name": "day", "type": "date", "required": True},
        {"name": "sea_view", "type": "boolean"},
    ],
    "opening_hours": [],
    "my_orders": [{"name": "customer", "source": "customer.sub"}],
    "cancel_order": [{"name": "order_id", "in": "path"}],
}


class Model:
    """What a model writes, token by token: first its beginning, then what follows each result."""

    def __init__(self, *texts: Iterable[str]) -> None:
        self.texts = [list(text) for text in texts]
        self.begun: list[str] = []

    @asynccontextmanager
    async def generating(self, prompt: Prompt) -> AsyncIterator[Any]:
        self.begun.append(prompt.begun)
        tokens = self.texts.pop(0) if self.texts else []

        class Generation:
            usage, tool_calls = Usage(prompt.model), ()

            async def __aiter__(self) -> AsyncIterator[str]:
                for token in tokens:
                    yield token

        yield Generation()


class Runs:
    """Counts what is looked up."""

    def __init__(self) -> None:
        self.made: list[tuple[str, dict[str, Any]]] = []

    async def look_up(self, asker: Asker, spec: ActionSpec, arguments: dict[str, Any]) -> Answer:
        self.made.append((spec.name, arguments))
        return Answer(RESULT, "dynamic", 1.0, (Citation("action", str(spec.id), spec.name, spec.title, "", RESULT),))


@pytest.fixture
def entries(harbor: Business) -> dict[str, ActionEntry]:
    found: dict[str, ActionEntry] = {}
    with within(harbor.scope):
        api = DataApi.objects.create(group=harbor.bot, name="Shop", base_url="http://127.0.0.1:9")
        for name, parameters in PARAMETERS.items():
            action = Action.objects.create(
                group=harbor.bot,
                data_api=api,
                name=name,
                title="Your order, its damage and when it was shipped",
                path="/x/{order_id}" if parameters and parameters[0].get("in") == "path" else "/x",
                parameters=parameters,
                answer="x",
                method="POST" if name == "cancel_order" else "GET",
            )
            found[name] = ActionEntry(action.id, harbor.bot.id, name, action.title, "", False, reads=True)
    return found


async def spoken(
    monkeypatch: pytest.MonkeyPatch, business: Business, entries: dict[str, ActionEntry], runs: Runs, model: Model
) -> tuple[Spoken, str]:
    monkeypatch.setattr(llm, "generating", model.generating)
    asker = Asker(uuid4(), business.bot.id, business.scope)
    sources = (Source(1, "Here is what we know. Good to know: we sell fleeces."),)
    heard = Heard()
    task = Task(asker, Prompt("m", "s", (("user", HEARD),)), sources, runs.look_up, entries, (HEARD,))
    return await speech.speak(task, heard.voice), heard.text


def parsed(pieces: Iterable[str]) -> list[Part]:
    """The parts of a text, with neighbouring texts joined."""
    parser = InlineParser()
    found: list[Part] = []
    for part in [*(part for piece in pieces for part in parser.feed(piece)), *parser.end()]:
        if isinstance(part, Text) and found and isinstance(found[-1], Text):
            found[-1] = Text(found[-1].text + part.text)
        else:
            found.append(part)
    return found


def test_there_are_two_hundred_shapes() -> None:
    assert len(SHAPES) == VALID + INVALID == 200
    assert len({shape.written for shape in SHAPES}) == 200


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: repr(shape.written))
def test_a_shape_is_read_the_same_wherever_it_is_cut(shape: Shape) -> None:
    text = f"Here it is: {shape.written}\nDone."
    whole = parsed([text])
    for cut in range(1, len(text)):
        assert parsed([text[:cut], text[cut:]]) == whole, f"cut at {cut}"
    assert parsed(text) == whole
    assert not any(letter in part.text for part in whole if isinstance(part, Text) for letter in "[]")
    calls = [(part.name, part.arguments) for part in whole if isinstance(part, Call)]
    if shape.call:
        assert [name for name, _ in calls] == [shape.call[0]]


async def test_every_valid_call_runs_once_no_invalid_one_does_and_no_bracket_is_shown(
    monkeypatch: pytest.MonkeyPatch, harbor: Business, entries: dict[str, ActionEntry]
) -> None:
    for shape in SHAPES:
        runs = Runs()
        model = (
            Model(f"{shape.written}", REST)
            if shape.call
            else Model(f"Here is what we know. {shape.written}\nGood to know: we sell fleeces.")
        )
        said, heard = await spoken(monkeypatch, harbor, entries, runs, model)
        assert runs.made == ([shape.call] if shape.call else []), shape.written
        assert not any(letter in said.text + heard for letter in "[]→"), (shape.written, said.text)
        if shape.call:
            assert (said.outcome, said.text, heard) == ("answered", REST.strip(), REST.strip()), shape.written


async def test_the_result_is_in_the_text_that_the_model_goes_on_from(
    monkeypatch: pytest.MonkeyPatch, harbor: Business, entries: dict[str, ActionEntry]
) -> None:
    runs, model = (
        Runs(),
        Model('Your order: [order_status(order_id="HO-1001")] never reached', " was shipped on 3 March."),
    )
    said, heard = await spoken(monkeypatch, harbor, entries, runs, model)
    assert model.begun == ["", f'Your order: [order_status(order_id="HO-1001") → {RESULT}]']
    assert said.text == heard == "Your order: was shipped on 3 March."
    assert [answer.text for answer in said.looked_up] == [RESULT]


async def test_a_call_that_nothing_is_said_after_leaves_its_result(
    monkeypatch: pytest.MonkeyPatch, harbor: Business, entries: dict[str, ActionEntry]
) -> None:
    said, _ = await spoken(
        monkeypatch, harbor, entries, Runs(), Model('Your order: [order_status(order_id="HO-1001")]', ".")
    )
    assert said.text == RESULT


async def test_the_same_call_again_is_not_made_again(
    monkeypatch: pytest.MonkeyPatch, harbor: Business, entries: dict[str, ActionEntry]
) -> None:
    call, runs = '[order_status(order_id="HO-1001")]', Runs()
    said, _ = await spoken(monkeypatch, harbor, entries, runs, Model(call, f"{REST} {call}", REST))
    assert len(runs.made) == 1
    assert said.outcome == "answered"


async def test_a_sentence_that_lost_its_value_is_not_said(
    monkeypatch: pytest.MonkeyPatch, harbor: Business, entries: dict[str, ActionEntry]
) -> None:
    text = 'Good to know: we sell fleeces. We sell fleeces for [price(of="fleece")]. Fleeces we sell.'
    said, heard = await spoken(monkeypatch, harbor, entries, Runs(), Model(text))
    assert said.text == heard == "Good to know: we sell fleeces. Fleeces we sell."


def test_marks_and_the_missing_answer() -> None:
    assert parsed(["It is free [1, 2]. [no", " answer]"]) == [
        Text("It is free "),
        SourceMarks((1, 2)),
        Text(". "),
        NoAnswer(),
    ]
