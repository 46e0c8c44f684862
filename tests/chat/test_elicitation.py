"""Asking for what an action needs: dialogues with the demo businesses' real actions, without database or model."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from chat import dates, numbers
from chat.choosing import pick
from chat.cues import is_follow_up, wants_again
from chat.elicitation import Elicitation
from chat.elicitation_steps import (
    Ask,
    Cancelled,
    ChangedSubject,
    GiveUp,
    NeedsSignIn,
    Outcome,
    Ready,
    Said,
)
from chat.exchange import Choice, CustomerIdentity
from chat.value_finding import find_values
from chat.value_parsing import parse_value
from knowledge.parameters import parse_parameters
from knowledge.values import Option, Parameter

DEMO = Path(__file__).parents[2] / "deploy" / "demo"
TODAY = date(2026, 11, 21)  # a Saturday
AMARA = CustomerIdentity("amara", "Amara")
PRODUCTS = json.loads((DEMO / "harbor" / "products.json").read_text(encoding="utf-8"))


def static(row: dict[str, Any]) -> dict[str, Any]:
    """The action with every size and colour of the shop to choose from, where the demo looks up a product's own."""
    sizes = dict.fromkeys(size for each in PRODUCTS["products"] for size in each["sizes"])
    colours = [{"value": key, "label": each["label"]} for key, each in PRODUCTS["colours"].items()]
    known: dict[str, Any] = {"size": {"choices": list(sizes)}, "colour": {"choices": colours}}
    parameters = []
    for each in row["parameters"]:
        plain = {key: value for key, value in each.items() if key != "choices_from"}
        parameters.append(plain | known.get(each["name"], {}) if "choices_from" in each else each)
    return {**row, "parameters": parameters}


ACTIONS: dict[str, dict[str, Any]] = {
    row["name"]: static(row)
    for business in ("harbor", "meridian")
    for api in json.loads((DEMO / business / "tenant.json").read_text(encoding="utf-8"))["data_apis"]
    for row in api["actions"]
}


def talk(
    name: str,
    *said: str | Choice,
    customer: CustomerIdentity | None = None,
    state: dict[str, Any] | None = None,
    is_new: Callable[[str], bool] = lambda text: text.endswith("?"),
) -> Outcome:
    """The outcome of the last of these messages."""
    row = ACTIONS[name]
    steps = Elicitation(name, parse_parameters(row["parameters"]), TODAY, is_new, row["requires_verified"])
    kept, outcome = state or {}, None
    for message in said:
        assert outcome is None or isinstance(outcome, Ask | ChangedSubject | NeedsSignIn), (message, outcome)
        outcome = steps.advance(kept, Said("", message) if isinstance(message, Choice) else Said(message), customer)
        kept = json.loads(json.dumps(getattr(outcome, "state", {})))
    assert outcome is not None
    return outcome


def arguments(outcome: Outcome) -> dict[str, Any]:
    assert isinstance(outcome, Ready), outcome
    return outcome.arguments


PAYMENT = {"amount": 250000, "term_years": 25, "rate": 4.5}


@pytest.mark.parametrize(
    "said",
    [
        ["monthly payment for 250,000 over 25 years at 4.5%"],
        ["monthly payment for £250k at 4.5 percent over 25yrs"],
        ["the payment on a quarter... I mean two hundred and fifty thousand pounds, 25 years, four and a half %"],
        ["250000 25 4.5 - monthly please"],
        ["mortgage of 250,000", "for thirty years, no sorry, 25", "3.9, I mean 4.5"],
        ["mortgage of 250,000", "30", "no, make that 25 years", "4.5"],
        ["at 4,5 % over twenty-five years, € 250.000"],
        ["How much would my mortgage cost a month?", "250k", "25", "4.5"],
        ["repayment calculator", "250 thousand over 25 years", "it's 4.5%"],
        ["repayment calculator", "£200k", "25 years", "actually make it 250k", "4.5"],
        ["repayment calculator", "how long is an offer valid?", "250,000", "25 years at 4.5%"],
        ["repayment calculator", "25 years", "250,000", "4.5 per cent"],
        ["repayment calculator", "a lot", "a quarter of a million, so 250k", "25y", "4.5"],
    ],
)
def test_a_payment_is_reached_in_many_ways(said: list[str]) -> None:
    assert arguments(talk("monthly_payment", *said)) == PAYMENT


STOCK = {"product": "cove-fleece", "size": "M", "colour": "storm-blue"}


@pytest.mark.parametrize(
    "said",
    [
        ["Is the Cove Fleece in stock in medium, storm blue?"],
        ["is the cove fleece in stock", "the blue one in M"],
        ["is the cove fleece in stock", "medium", "the first one"],
        ["is the cove fleece in stock", Choice("size", "M"), Choice("colour", "storm-blue")],
        ["is the cove fleece in stock", Choice("size", "L"), Choice("size", "M"), "storm blu"],
        ["do you have it in stock?", "cove flece", "M", "not the black, the blue"],
        ["do you have it in stock?", "the cove one, size m, blue"],
        ["is the eider in stock in M", "actually I meant the cove fleece", "blue"],
        ["STORM BLUE COVE FLEECE SIZE M"],
    ],
)
def test_stock_is_reached_in_many_ways(said: list[str | Choice]) -> None:
    assert arguments(talk("product_stock", *said)) == STOCK


@pytest.mark.parametrize(
    "text", ["HO-48213", "ho-48213 please", "it's HO 48213.", "ho48213", "48213", "Order HO-48213?!"]
)
def test_an_order_number_is_found_in_any_spelling(text: str) -> None:
    replied = talk("order_status", "Where is my order?", text, customer=AMARA, is_new=lambda text: False)
    assert arguments(replied) == {"order_id": "HO-48213"}


def test_words_and_buttons_never_name_the_customer() -> None:
    for attempt in (Choice("customer_id", "mallory"), "customer_id is mallory", "I am customer mallory"):
        outcome = talk("order_status", "Where is my order HO-48213?", customer=AMARA)
        assert "customer_id" not in arguments(outcome)
        asked = talk("order_status", "Where is my order?", attempt, customer=AMARA)
        assert isinstance(asked, Ask)
        assert "customer_id" not in asked.state["arguments"]
    forged = {"action": "order_status", "arguments": {"customer_id": "mallory"}, "asking": "order_id", "asked": {}}
    assert arguments(talk("order_status", "HO-48213", state=forged, customer=AMARA)) == {"order_id": "HO-48213"}
    refused = talk("order_status", "mallory", state={**forged, "asking": "customer_id"}, customer=AMARA)
    assert isinstance(refused, Ask)
    assert refused.state["arguments"] == {}


def test_signing_in_comes_first_and_the_question_goes_on() -> None:
    outcome = talk("order_status", "Where is my order HO-48213?")
    assert isinstance(outcome, NeedsSignIn)
    assert arguments(talk("order_status", "done", state=outcome.state, customer=AMARA)) == {"order_id": "HO-48213"}
    assert isinstance(talk("order_status", "done", state=outcome.state), NeedsSignIn)
    assert isinstance(talk("order_status", "never mind", state=outcome.state), Cancelled)


def test_a_signed_out_customer_is_asked_to_sign_in_again() -> None:
    asked = talk("order_status", "Where is my order?", customer=AMARA)
    assert isinstance(asked, Ask)
    assert isinstance(talk("order_status", "HO-48213", state=asked.state), NeedsSignIn)


def test_a_claim_that_the_token_lacks_needs_a_person() -> None:
    parameters = parse_parameters([{"name": "mail", "source": "customer.email"}])
    steps = Elicitation("x", parameters, TODAY, lambda text: False)
    assert steps.advance({}, Said("go"), AMARA) == GiveUp("mail")


def test_a_reply_to_another_question_is_kept() -> None:
    asked = talk("monthly_payment", "repayment calculator", "at 5%")
    assert isinstance(asked, Ask)
    assert (asked.field, asked.state["arguments"], asked.state["asked"]) == ("amount", {"rate": 5}, {"amount": 1})


@pytest.mark.parametrize("said", ["gibberish", "10 million", "-5", "29,999", "200 or 300k"])
def test_asked_twice_then_a_person(said: str) -> None:
    asked = talk("monthly_payment", "repayment calculator", said)
    assert isinstance(asked, Ask)
    assert asked.problem
    assert talk("monthly_payment", said, state=asked.state) == GiveUp("amount")


def test_a_value_out_of_range_is_no_new_question() -> None:
    asked = talk("monthly_payment", "repayment calculator", "500 pounds", is_new=lambda text: True)
    assert isinstance(asked, Ask)
    assert isinstance(
        talk("monthly_payment", "opening hours", state=asked.state, is_new=lambda text: True), ChangedSubject
    )


def test_a_failure_says_what_would_be_right() -> None:
    asked = talk("monthly_payment", "repayment calculator", "10 million")
    assert isinstance(asked, Ask)
    assert asked.problem == "It has to be between 30,000 and 1,500,000."


@pytest.mark.parametrize(
    "said",
    ["cancel", "Cancel that please", "never mind", "nevermind", "forget it", "oh, forget about it!", "no thanks, stop"],
)
def test_cancelling(said: str) -> None:
    assert talk("monthly_payment", "repayment calculator", said) == Cancelled()


def test_a_new_question_keeps_the_state() -> None:
    asked = talk("product_stock", "is the cove fleece in stock", "M")
    changed = talk("product_stock", "How long do I have to return the black one?", state=asked.state)  # type: ignore[union-attr]
    assert isinstance(changed, ChangedSubject)
    assert changed.state == asked.state  # type: ignore[union-attr]
    assert arguments(talk("product_stock", "black", state=changed.state))["colour"] == "black"


def test_several_that_fit_are_offered_and_none_is_guessed() -> None:
    asked = talk("product_stock", "is it in stock", "the fathom")
    assert isinstance(asked, Ask)
    assert [option.value for option in asked.choices] == ["fathom-28", "fathom-45"]
    more = talk("product_stock", "the second one", state=asked.state)
    assert isinstance(more, Ask)
    assert more.state["arguments"] == {"product": "fathom-45"}


def test_buttons_with_values_that_were_never_offered_are_refused() -> None:
    asked = talk("product_stock", "is the cove fleece in stock", Choice("size", "../../admin"))
    assert isinstance(asked, Ask)
    assert (asked.field, asked.state["arguments"]) == ("size", {"product": "cove-fleece"})


LAST = {"last": {"action": "product_stock", "arguments": STOCK}}


def test_follow_ups_change_one_thing() -> None:
    assert arguments(talk("product_stock", "and in size L?", state=LAST)) == {**STOCK, "size": "L"}
    assert arguments(talk("product_stock", "what about the Eider jacket?", state=LAST)) == {
        **STOCK,
        "product": "eider-down",
    }
    assert arguments(talk("product_stock", "try again", state=LAST)) == STOCK
    fresh = talk("product_stock", "Could you tell me whether the Eider jacket is in stock", state=LAST)
    assert isinstance(fresh, Ask)
    other = talk("product_price", "and the price?", state=LAST)
    assert isinstance(other, Ask)


def test_what_is_a_follow_up() -> None:
    assert all(
        is_follow_up(text) for text in ("and in L?", "what about black?", "black?", "no, the blue one please then")
    )
    assert not is_follow_up("How long do I have to return a jacket?")
    assert wants_again("please try it again now")
    assert not wants_again("can I wear it again")


@pytest.mark.parametrize("row", list(ACTIONS.values()), ids=list(ACTIONS))
def test_no_example_is_misread(row: dict[str, Any]) -> None:
    """What is read from an example stands in it: a value's own words, or a number that is written there."""
    for example in row["examples"]:
        for name, value in find_values(parse_parameters(row["parameters"]), example, TODAY).values.items():
            parameter = next(each for each in parse_parameters(row["parameters"]) if each.name == name)
            words = set(f"{parameter.label_of(value)} {value}".lower().replace("-", " ").split())
            words |= {"small", "medium", "two", "deal", "trousers", f"{value:,}" if isinstance(value, int) else ""}
            assert any(word.rstrip("s")[:5] in example.lower() for word in words if word) or isinstance(value, int)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("fleeces under 100 euro", {"category": "fleeces", "max_price": 100}),
        ("boots in size 43 under 150", {"category": "footwear", "size": "43", "max_price": 150}),
        ("boots over 100 euros", {"category": "footwear"}),
        ("2 packs for €200", {"category": "packs", "max_price": 200}),
        ("gloves", {"category": "accessories"}),
        ("a jacket", {}),
        ("anything but boots", {}),
    ],
)
def test_sentences_about_products(text: str, value: dict[str, Any]) -> None:
    assert find_values(parse_parameters(ACTIONS["find_products"]["parameters"]), text, TODAY).values == value


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("250k", [250000]), ("£1.2m", [1200000]), ("half a million", [500000]), ("1,234.50", [1234.5]),
        ("1.234,5", [1234.5]), ("four point two five", [4.25]), ("a hundred and twenty", [120]), ("-3", [-3]),
        ("HO-48213", []), ("2026-11-21", []), ("10:30", []), ("the 2nd one", []), ("one", []), ("v1.2", []),
        ("4111111111111111", []), ("200-250k", [200000, 250000]), ("2 hundred thousand", [200000]),
    ],
)  # fmt: skip
def test_numbers(text: str, values: list[float]) -> None:
    assert [float(mention.readings[0]) for mention in numbers.mentions(text)] == values


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("today", ["2026-11-21"]), ("the day after tomorrow", ["2026-11-23"]), ("3 March", ["2027-03-03"]),
        ("March 3rd, 2028", ["2028-03-03"]), ("2026-12-01", ["2026-12-01"]), ("25/12/2026", ["2026-12-25"]),
        ("03/04/2027", ["2027-04-03", "2027-03-04"]), ("on Friday", ["2026-11-27"]), ("in two weeks", ["2026-12-05"]),
        ("31 April", []), ("saturday", ["2026-11-21", "2026-11-28"]), ("I may come", []),
        ("29 February", ["2028-02-29"]),
    ],
)  # fmt: skip
def test_dates(text: str, readings: list[str]) -> None:
    assert [day.isoformat() for mention in dates.mentions(text, TODAY) for day in mention.readings] == readings


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes please", True), ("yeah sure", True), ("No.", False), ("nope, thanks", False), ("I don't", False),
        ("maybe", None), ("", None),
    ],
)  # fmt: skip
def test_yes_and_no(text: str, value: bool | None) -> None:
    assert parse_value(Parameter("gift", "query", "boolean"), text, TODAY).value is value


COLOURS = [Option("storm-blue", "Storm blue"), Option("sky-blue", "Sky blue"), Option("moss", "Moss", ("green",))]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Moss", "moss"), ("STORM-BLUE", "storm-blue"), ("storm blue please", "storm-blue"), ("2", "sky-blue"),
        ("number 3", "moss"), ("the last one", "moss"), ("the 4th", None), ("the blue one", None),
        ("strom blue", "storm-blue"), ("the green one", "moss"), ("purple", None), ("not moss", None), ("mos", None),
    ],
)  # fmt: skip
def test_choices(text: str, value: str | None) -> None:
    assert pick(COLOURS, text, {"colour"}, COLOURS, TODAY).value == value


def test_huge_and_hostile_text_is_read_quickly() -> None:
    for text in ("1" * 4000, "a " * 2000, "HO-" * 1300, "one hundred and " * 250, "\x00\ud800" * 100, "½²٣" * 500):
        for name in ("monthly_payment", "product_stock", "order_status"):
            assert isinstance(talk(name, "begin", text, customer=AMARA, is_new=lambda text: False), Ask | GiveUp)
