"""Rows that teach where calls belong: sampled, run as the test customer, kept where they make what follows likelier."""

import asyncio
import io
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from chat import asking, llm
from chat.toolformer import texts
from chat.toolformer.candidates import Sampling, likeliest_places
from chat.toolformer.filtering import weighted_loss
from chat.toolformer.language_model import Token, located
from chat.toolformer.local_model import LocalModel
from chat.tuning import row_files
from knowledge.models import Call
from tenants.safe_http import pressure
from tenants.scope import within
from tests.conftest import Business
from tests.scripted_llm import MODEL, Reply, ScriptedLlm, scripted_llm
from tests.tiny_model import make_causal

QUESTION = "What is the price of the watch cap?"
CALL = 'product_price(product="Watch Cap")'
SAMPLES = [
    CALL,
    'product_price(product="Eider Down Jacket")',
    'product_stock(product="Watch Cap")',
    'cancel_order(order_id="HO-1001")',
    "the price",
]


@pytest.fixture(scope="module")
def model() -> Iterator[ScriptedLlm]:
    with scripted_llm() as server:
        yield server


@pytest.fixture(autouse=True)
def _llm(model: ScriptedLlm, settings: Any) -> None:
    pressure.report(llm.OWNER, f"{model.url}/v1", failed=False)
    settings.LLM_BASE_URL, settings.LLM_MODEL = f"{model.url}/v1", MODEL


@pytest.fixture
def values(tmp_path: Path) -> Path:
    path = tmp_path / "values.json"
    path.write_text(json.dumps({"values": {"product_price": {"product": "Cove Fleece"}}}))
    return path


def price(shop: Business, settings: Any) -> str:
    """What the shop's API says of the watch cap's price."""
    settings.LLM_BASE_URL, address = "", settings.LLM_BASE_URL
    answer = asyncio.run(asking.ask(shop.bot.key, QUESTION)).answer
    settings.LLM_BASE_URL = address
    assert answer
    return str(answer["text"])


def run(shop: Business, *options: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    said = io.StringIO()
    call_command("toolformer", "--bot", shop.bot.key, *map(str, options), stdout=said, stderr=io.StringIO())
    report = json.loads(said.getvalue())
    return report, [json.loads(line) for line in Path(report["file"]).read_text(encoding="utf-8").splitlines()]


def test_a_call_that_helps_is_kept_and_written_as_a_row(
    model: ScriptedLlm, live_shop: Business, values: Path, tmp_path: Path, settings: Any
) -> None:
    told = price(live_shop, settings)
    lines = [
        {"question": QUESTION, "answer": told},
        {"question": "Since when do you sell caps?", "answer": "We have sold the watch cap since 1987."},
        {"question": "", "answer": "x"},
    ]
    file = tmp_path / "texts.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    with within(live_shop.scope):
        made = Call.objects.count()
    model.will_say(Reply(SAMPLES, always=True))
    with pytest.raises(CommandError, match="1 texts could not be read"):
        run(live_shop, "--values", values, "--texts", file, "--out", tmp_path / "rows.jsonl")
    (row,) = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    place = next(place for place, letter in enumerate(told) if letter in "£€$" or letter.isdigit())
    assert row == {"prompt": QUESTION, "completion": f"{told[:place]}[{CALL} → {told}] {told[place:]}"}
    taken = row_files.read((tmp_path / "rows.jsonl").read_bytes(), "rows.jsonl", live_shop.bot.name, "file")
    assert [(draft.prompt, draft.completion) for draft in taken.drafts] == [(row["prompt"], row["completion"])]
    with within(live_shop.scope):
        runs = list(Call.objects.filter(made_by="toolformer").order_by("created_at"))
        assert Call.objects.count() == made + len(runs)
    assert {(call.action_name, call.method) for call in runs} <= {("product_price", "GET"), ("product_stock", "GET")}
    assert len(runs) == len({json.dumps([call.action_name, call.arguments], sort_keys=True) for call in runs})
    report, rows = run(live_shop, "--values", values, "--most", 5, "--plain", "--out", tmp_path / "own.jsonl")
    assert (report["texts"], report["rows"]) == (2, len(rows))
    assert {row["prompt"] for row in rows} == {QUESTION, "Which caps do you sell?"}


def test_it_needs_actions_that_can_be_shown_and_a_model_that_can_be_asked(
    model: ScriptedLlm, live_shop: Business, meridian: Business, values: Path, tmp_path: Path
) -> None:
    model.will_say(Reply((), end="error", always=True))
    with pytest.raises(CommandError, match="No action could be run"):
        run(meridian, "--values", values)
    file = tmp_path / "texts.csv"
    file.write_text('question,answer\nWhat?,"It is 3 o\'clock."\n')
    with pytest.raises(CommandError, match="The model cannot be asked"):
        run(live_shop, "--values", values, "--texts", file)
    for wrong, name in (({"values": 3}, "values"), ({"customer": {"name": "x"}}, "customer"), ([], "object")):
        values.write_text(json.dumps(wrong))
        with pytest.raises(CommandError, match=name):
            run(live_shop, "--values", values)
    with within(meridian.scope):
        assert not Call.objects.exists()


def test_rows_of_a_file_that_cannot_be_used_are_named() -> None:
    found, problems = texts.read(b'question,answer\nA?,"B."\n,C.\nD?,"[E]"\n')
    assert found == [texts.Exchange("A?", "B.")]
    assert problems == [
        "line 3, question: This is empty.",
        "line 4, answer: At most 1,000 characters, without square brackets.",
    ]
    assert texts.read(b'{"question": "A?", "answer": "B."}\n{"question"\n[1]')[1] == [
        "line 2: This is no JSON object.",
        "line 3: This is no JSON object.",
    ]


def test_the_loss_weighs_what_comes_right_after_the_call() -> None:
    tokens = [Token(place, -float(place)) for place in range(10)]
    weights = [1, 0.8, 0.6, 0.4, 0.2]
    expected = sum(weight * place for weight, place in zip(weights, range(3, 8), strict=True)) / sum(weights)
    assert weighted_loss(tokens, 3) == pytest.approx(expected)
    assert weighted_loss(tokens, 99) == math.inf


def test_a_call_begins_between_words_where_it_is_likely() -> None:
    text = "It costs 28.00 today"
    likely = {" [": math.log(0.3), "[": math.log(0.1)}
    tokens = [Token(0, -1), Token(2, -1, {"[": math.log(0.01)}), Token(8, -1, likely), Token(11, -1, likely)]
    assert likeliest_places(text, tokens, Sampling()) == [9]
    assert likeliest_places(text, tokens, Sampling(least_probable=0.5)) == []


@pytest.mark.parametrize(
    ("tokens", "places"),
    [
        (["<s>", "Ab", "c", " de", "f", " gh"], [None, None, None, 0, 3, 4]),
        (["Ab", "c ", "de", "f", "gh"], [None, 0, 1, 3, 5]),
        (["Abc", " ", "d\ufffd", "f", " gh"], [None, 0, 1, 3, 4]),
    ],
)
def test_tokens_are_found_in_the_text_whatever_they_are_called(tokens: list[str], places: list[int | None]) -> None:
    assert located(tokens, "Abc", " def gh") == places


def test_a_model_of_this_machine_is_asked_the_same(tmp_path: Path) -> None:
    make_causal(tmp_path)
    model = LocalModel(str(tmp_path))
    text = "It costs 28 euros."
    tokens = asyncio.run(model.read("Question: how much?\nAnswer: ", text))
    assert [token.start for token in tokens] == sorted(token.start for token in tokens)
    assert tokens[0].start <= 1
    assert all(token.logprob < 0 and 1 <= len(token.others) <= 20 for token in tokens)
    samples = asyncio.run(model.write("Answer: [", 3, ["]", "\n"]))
    assert len(samples) == 3
    assert not any(end in sample for sample in samples for end in "]\n")
    with pytest.raises(llm.LlmError, match="cannot be loaded"):
        asyncio.run(LocalModel(str(tmp_path / "none")).read("a", "b"))
