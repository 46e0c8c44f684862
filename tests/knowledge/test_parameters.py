"""An action's definition: what is accepted, and which parameter and field an error names."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from chat.exchange import CustomerIdentity
from knowledge.action_checks import check_action
from knowledge.bad_value import BadValue
from knowledge.models import Action, DataApi
from knowledge.parameters import parse_parameters
from knowledge.values import Parameter, checked_value, filled
from tenants.scope import within
from tests.conftest import Business

DEMO = Path(__file__).parents[2] / "deploy" / "demo"
SEEDED = [
    row
    for business in ("harbor", "meridian")
    for api in json.loads((DEMO / business / "tenant.json").read_text(encoding="utf-8"))["data_apis"]
    for row in api["actions"]
]


@pytest.mark.parametrize("row", SEEDED, ids=[row["name"] for row in SEEDED])
def test_the_demo_actions_are_right(harbor: Business, row: dict[str, Any]) -> None:
    lists = {each["choices_from"]["action"] for each in row["parameters"] if "choices_from" in each}
    with within(harbor.scope):
        api = DataApi.objects.create(group=harbor.bot, name="Shop", base_url="https://shop.example")
        for listing in (each for each in SEEDED if each["name"] in lists):
            Action.objects.create(group=harbor.bot, data_api=api, **listing)
        check_action(Action(group=harbor.bot, data_api=api, **row))
    parsed = parse_parameters(row["parameters"])
    assert [parameter.name for parameter in parsed] == [each["name"] for each in row["parameters"]]
    assert all(not parameter.askable for parameter in parsed if parameter.source)


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ("text", "Parameter 2: must be an object"),
        ({}, "Parameter 2: name"),
        ({"name": "1st"}, "Parameter 2: name"),
        ({"name": "first"}, "Parameter 2 (first): name"),
        ({"name": "x", "in": "cookie"}, "Parameter 2 (x): in"),
        ({"name": "Host", "in": "header"}, "Parameter 2 (Host): name"),
        ({"name": "x", "type": "float"}, "Parameter 2 (x): type"),
        ({"name": "x", "required": "yes"}, "Parameter 2 (x): required"),
        ({"name": "x", "requred": True}, "Parameter 2 (x): requred"),
        ({"name": "x", "prompt": 5}, "Parameter 2 (x): prompt"),
        ({"name": "x", "choices": "a,b"}, "Parameter 2 (x): choices"),
        ({"name": "x", "choices": [{"label": "A"}]}, "Parameter 2 (x): choices"),
        ({"name": "x", "choices": ["a", "A"]}, "Parameter 2 (x): choices"),
        ({"name": "x", "minimum": 1}, "Parameter 2 (x): minimum"),
        ({"name": "x", "type": "number", "maximum": "9"}, "Parameter 2 (x): maximum"),
        ({"name": "x", "type": "number", "minimum": 2, "maximum": 1}, "Parameter 2 (x): minimum"),
        ({"name": "x", "pattern": "("}, "Parameter 2 (x): pattern"),
        ({"name": "x", "type": "date", "pattern": "a"}, "Parameter 2 (x): pattern"),
        ({"name": "x", "source": "customer.password"}, "Parameter 2 (x): source"),
        ({"name": "x", "source": "customer.sub", "value": "me"}, "Parameter 2 (x): value"),
        ({"name": "x", "type": "integer", "value": "many"}, "Parameter 2 (x): value"),
    ],
)
def test_a_wrong_parameter_is_named_with_its_field(row: Any, named: str) -> None:
    with pytest.raises(ValidationError) as caught:
        parse_parameters([{"name": "first"}, row])
    assert caught.value.message_dict["parameters"][0].startswith(named)


@pytest.mark.parametrize("content", [None, {}, "[]", [{"name": f"p{n}"} for n in range(31)]])
def test_parameters_are_a_short_list(content: Any) -> None:
    with pytest.raises(ValidationError):
        parse_parameters(content)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"method": "TRACE"}, "method"),
        ({"method": "DELETE", "only_reads": True}, "only_reads"),
        ({"confirmation": "Really?"}, "confirmation"),
        ({"most_amount": 5}, "amount_parameter"),
        ({"amount_parameter": "id"}, "amount_parameter"),
        ({"results": {"name": "name"}}, "results"),
        ({"results": {"1st": "$.name"}}, "results"),
        ({"results": {"name": "$[?@.a]"}}, "results"),
        ({"path": "things/{id}"}, "path"),
        ({"path": "//evil.example/{id}"}, "path"),
        ({"path": "/a/../{id}"}, "path"),
        ({"path": "/a/%2e%2e/{id}"}, "path"),
        ({"path": "/things/{id}?a=b"}, "path"),
        ({"path": "/things"}, "parameters"),
        ({"path": "/things/{id}/{other}"}, "parameters"),
        ({"parameters": [{"name": "id", "in": "path"}, {"name": "b", "in": "body"}]}, "parameters"),
        ({"parameters": [{"name": "id", "in": "path", "source": "customer.sub"}]}, "requires_verified"),
        ({"answer": "{{ response.name"}, "answer"),
        ({"answer": "{{ response.name | unknown_filter }}"}, "answer"),
        ({"answer": " "}, "answer"),
        ({"answer": "{% include 'secrets' %}"}, "answer"),
        ({"examples": ["What?", 5]}, "examples"),
        ({"examples": "What?"}, "examples"),
    ],
)
def test_a_wrong_action_is_refused_by_field(changes: dict[str, Any], field: str) -> None:
    right: dict[str, Any] = {
        "method": "GET", "path": "/things/{id}", "parameters": [{"name": "id", "in": "path"}], "answer": "It is.",
        "examples": ["What is it?"],
    }  # fmt: skip
    check_action(Action(**right))
    with pytest.raises(ValidationError) as caught:
        check_action(Action(**{**right, **changes}))
    assert list(caught.value.message_dict) == [field]


def test_every_wrong_field_is_named_at_once() -> None:
    with pytest.raises(ValidationError) as caught:
        check_action(Action(method="TRACE", path="x", parameters=[{}], answer="", examples=None))
    assert set(caught.value.message_dict) == {"method", "path", "parameters", "answer", "examples"}


def test_claims_and_constants_win_over_words() -> None:
    parameters = parse_parameters(
        [
            {"name": "id", "in": "path", "source": "customer.sub"},
            {"name": "plan", "source": "customer.claims.plan"},
            {"name": "shop", "value": "cork"},
            {"name": "size"},
        ]
    )
    words = {"id": "other", "plan": "gold", "shop": "galway", "size": "M", "extra": 1}
    amara = CustomerIdentity("amara", claims={"plan": "basic"})
    assert filled(parameters, words, amara) == {"id": "amara", "plan": "basic", "shop": "cork", "size": "M"}
    assert filled(parameters, words, None) == {"shop": "cork", "size": "M"}
    assert filled(parameters, words, CustomerIdentity("amara", claims={"plan": {"a": 1}})).get("plan") is None


@pytest.mark.parametrize("value", ["x", None, True, float("nan"), float("inf"), "1e99", 4, 11, 5.5])
def test_a_number_outside_its_limits_is_refused(value: Any) -> None:
    parameter = parse_parameters([{"name": "n", "type": "integer", "minimum": 5, "maximum": 10}])[0]
    assert checked_value(parameter, "7") == 7
    with pytest.raises(BadValue):
        checked_value(parameter, value)


def test_a_pattern_that_never_ends_is_cut_short() -> None:
    parameter = Parameter("code", "query", pattern="(a|a|aa)+$")
    with pytest.raises(BadValue):
        checked_value(parameter, "a" * 400 + "b")
