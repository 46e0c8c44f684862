"""Named values of a response, and what a later call takes from them."""

from typing import Any

import pytest

from chat import remembering
from chat.exchange import CustomerIdentity
from knowledge.bad_value import BadValue
from knowledge.parameters import parse_parameters
from knowledge.results import extract
from knowledge.values import Remembered, checked_value, filled

DATA = {"orders": [{"id": "A1", "total": 5}, {"id": "B2", "total": 7}], "next": None, "of": {"a b": True}}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$.orders[0].id", "A1"),
        ("$.orders[-1].total", 7),
        ("$.orders[*].id", ["A1", "B2"]),
        ("$['of']['a b']", True),
        ("$..total", [5, 7]),
    ],
)
def test_a_path_finds_its_value(path: str, found: Any) -> None:
    assert extract({"it": path}, DATA) == {"it": found}


def test_what_is_not_there_has_no_name() -> None:
    assert extract({"a": "$.next", "b": "$.orders[9].id", "c": "$.x.y"}, DATA) == {}


def test_a_parameter_is_filled_by_words_or_else_by_an_earlier_result() -> None:
    rows = [{"name": "order", "fallback": "result.order_id"}, {"name": "owner", "source": "result.look.owner"}]
    parameters = parse_parameters(rows)
    newest = (Remembered("b", {"order_id": "B2"}), Remembered("look", {"order_id": "A1", "owner": "o"}))
    assert filled(parameters, {}, None, newest) == {"order": "B2", "owner": "o"}
    assert filled(parameters, {"order": "C3", "owner": "mallory"}, None, newest) == {"order": "C3", "owner": "o"}
    assert filled(parameters, {"owner": "mallory"}, None) == {}
    of_profile = parse_parameters([{"name": "mail", "fallback": "customer.email"}])
    assert filled(of_profile, {}, CustomerIdentity("a", email="a@b.example")) == {"mail": "a@b.example"}


def test_a_conversation_remembers_a_little() -> None:
    dialogue: dict[str, Any] = {}
    for number in range(20):
        dialogue |= remembering.with_result(dialogue, "look", {"id": number, "all": [1, 2], "long": "x" * 600})
    kept = remembering.remembered(dialogue)
    assert len(kept) == remembering.MOST
    assert kept[0] == Remembered("look", {"id": 19})


def test_a_list_is_read_from_words_and_checked_by_item() -> None:
    (parameter,) = parse_parameters([{"name": "ids", "in": "body", "type": "array", "items": "integer"}])
    assert checked_value(parameter, "1, 2 and 3") == [1, 2, 3]
    for wrong in ([], "1, x", 5, ["a"], [1] * 51):
        with pytest.raises(BadValue):
            checked_value(parameter, wrong)
