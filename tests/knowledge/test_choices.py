"""Choices that another action lists: read from its response, and refused where they could not be asked for."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from knowledge import choices, openapi
from knowledge.bad_value import BadValue
from knowledge.data_apis import save_action
from knowledge.formats import checked, mentions
from knowledge.models import Action, DataApi
from knowledge.parameters import parse_parameters
from knowledge.values import ChoicesFrom
from tenants.scope import within
from tests.conftest import Business

DATA = {"rows": [{"id": 1, "name": "Red"}, {"id": 2, "name": "Red"}, {"id": None}, {"id": 1, "name": "Again"}, "x"]}


def test_values_labels_and_words_are_read_from_each_item() -> None:
    source = ChoicesFrom("list", "$.rows[*]", "$.id", "{{ item.name }}", "{{ item.name | lower }}")
    found = choices.read(source, DATA)
    assert [(each.value, each.label, each.synonyms) for each in found] == [
        ("1", "Red", ("red",)), ("2", "Red (2)", ("red",)),
    ]  # fmt: skip
    plain = choices.read(ChoicesFrom("list", "$[*]"), ["S", "M", True, {"a": 1}])
    assert [(each.value, each.label) for each in plain] == [("S", "S"), ("M", "M")]
    failing = choices.read(ChoicesFrom("list", "$[*]", "$", "{{ item.no.such }}"), ["S"])
    assert [each.label for each in failing] == ["S"]
    assert len(choices.read(ChoicesFrom("list", "$[*]"), list(range(1000)))) == choices.MOST


@pytest.mark.parametrize(
    ("parameter", "problem"),
    [
        ({"choices_from": "list"}, "must be an object"),
        ({"choices_from": {"action": "list", "colour": 1}}, "must be an object"),
        ({"choices_from": {"action": ""}}, "needs an action"),
        ({"choices_from": {"action": "list", "items": "$["}}, "is not a JSON path"),
        ({"choices_from": {"action": "list", "label": "{{ item"}}, "template"),
        ({"choices_from": {"action": "list"}, "choices": ["a"]}, "beside choices"),
        ({"choices_from": {"action": "list"}, "type": "date"}, "is for texts and numbers"),
        ({"choices_from": {"action": "list", "arguments": {"a": "x"}}}, "cannot depend on what is chosen"),
        ({"format": "postcode"}, "must be one of email, phone, time"),
        ({"format": "email", "pattern": "x"}, "without choices or a pattern"),
    ],
)
def test_a_wrong_definition_is_named(parameter: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        parse_parameters([{"name": "x", **parameter}])


@pytest.fixture
def add(harbor: Business) -> Callable[..., Action]:
    with within(harbor.scope):
        api = DataApi.objects.create(group=harbor.bot, name="Shop", base_url="https://shop.example")

    def added(name: str, parameters: list[dict[str, Any]], **fields: Any) -> Action:
        with within(harbor.scope):
            given = {"method": "GET", "path": "/x", "answer": "x", "title": name, **fields}
            return save_action(Action(group=harbor.bot, data_api=api, name=name, parameters=parameters, **given))

    return added


def of(action: str, **arguments: str) -> dict[str, Any]:
    return {"action": action, "items": "$[*]", "arguments": arguments}


def test_what_lists_the_choices_must_be_there_and_can_be_asked(add: Callable[..., Action]) -> None:
    add("sizes", [{"name": "product", "required": True}])
    add("clear", [], method="POST")
    add("mine", [{"name": "who", "source": "customer.sub"}], requires_verified=True)
    for parameters, problem in (
        ([{"name": "size", "choices_from": of("nowhere")}], "no other action of this bot"),
        ([{"name": "size", "choices_from": of("clear")}], "no other action of this bot that only reads"),
        ([{"name": "size", "choices_from": of("sizes")}], "sizes needs product"),
        ([{"name": "size", "choices_from": of("sizes", product="item")}], "there is no parameter item"),
        ([{"name": "size", "choices_from": of("sizes", product="item", colour="item")}, {"name": "item"}], "no colour"),
        (
            [{"name": "a", "choices_from": of("sizes", product="b")},
             {"name": "b", "choices_from": of("sizes", product="a")}],
            "what it depends on depends on it",
        ),
        ([{"name": "order", "choices_from": of("mine")}], "signed-in customer"),
    ):  # fmt: skip
        with pytest.raises(ValidationError, match=problem):
            add("buy", parameters)
    made = add("buy", [{"name": "item"}, {"name": "size", "choices_from": of("sizes", product="item")}])
    assert made.revision == 1


def test_an_openapi_document_may_say_where_choices_come_from(harbor: Business, add: Callable[..., Action]) -> None:
    def operation(name: str, *parameters: dict[str, Any]) -> dict[str, Any]:
        return {"operationId": name, "parameters": list(parameters), "responses": {"200": {"description": "ok"}}}

    size = {
        "name": "size", "in": "query", "required": True, "schema": {"type": "string"},
        "x-choices-from": of("sizes", product="product"),
    }  # fmt: skip
    product = {"name": "product", "in": "query", "required": True, "schema": {"type": "string"}}
    mail = {"name": "mail", "in": "query", "schema": {"type": "string", "format": "email"}}
    document = {
        "openapi": "3.0.3",
        "info": {"title": "Shop", "version": "1"},
        "servers": [{"url": "https://shop.example"}],
        "paths": {
            "/buy": {"get": operation("buy", product, size, mail)},
            "/sizes": {"get": operation("sizes", product)},
        },
    }
    described = openapi.describe(openapi.read(json.dumps(document).encode()))
    with within(harbor.scope):
        api = DataApi.objects.get(group=harbor.bot)
        picks = [{"operation": "buy", "answer": "x"}, {"operation": "sizes", "answer": "x"}]
        made = {each.name: parse_parameters(each.parameters) for each in openapi.import_actions(api, described, picks)}
    by_name = {each.name: each for each in made["buy"]}
    assert by_name["size"].choices_from == ChoicesFrom("sizes", "$[*]", arguments={"product": "product"})
    assert by_name["mail"].format == "email"


@pytest.mark.parametrize(
    ("kind", "text", "found"),
    [
        ("email", "write to ben.hall@mail.example, please", ["ben.hall@mail.example"]), ("email", "ben at home", []),
        ("phone", "it's 07700 900-123 or so", ["07700900123"]), ("phone", "+44 20 7946 0958", ["+442079460958"]),
        ("phone", "12", []), ("time", "at 2pm or 14:30", ["14:00", "14:30"]), ("time", "quarter to three", ["02:45"]),
        ("time", "half past 9 pm", ["21:30"]), ("time", "£10.15 for 3", []), ("time", "noon", ["12:00"]),
    ],
)  # fmt: skip
def test_forms_are_read_out_of_words(kind: str, text: str, found: list[str]) -> None:
    assert [value for value, _ in mentions(kind, text)] == found


def test_a_value_of_another_form_is_refused_with_an_example() -> None:
    with pytest.raises(BadValue, match=r"name@example\.com"):
        checked("email", "ben")
    assert checked("time", "9:05") == "09:05"
