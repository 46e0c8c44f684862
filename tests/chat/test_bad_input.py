"""Hostile input in every field of the customer's calls: kept as it is, or refused by the field's name; never a 500."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import Business
from tests.over_http import Visitor, visitor
from tests.platform_processes import Platform

SHARED = Path(os.environ.get("TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
NAUGHTY_FILE = SHARED / "naughty_strings" / "blns.json"
UNSTORABLE = ("a\0b", "\0", "half \ud800", "\udfff", "\ud83d\ud83d")
ODD = (
    "'; DROP TABLE chat_message; --", "{{ 7 * 7 }}", "<script>alert(1)</script>", "%s%n%x", "../../etc/passwd",
    "\ufeff", "\u202eevil\u202c", "Z\u0351\u036balgo", "\U0001f600" * 50, "🏳️‍🌈", "\x1b[31m", "\x7f\x01\x02", "NaN",
    "null", "1e999", "{" * 500, "(" * 2000, "?" * 4000, "Ω≈ç√∫˜µ≤≥÷", "田中さんにあげて下さい", "الكل في المجمو عة",
)  # fmt: skip
WRONG_TYPES: tuple[Any, ...] = (1, True, [], {}, ["a"], {"a": "b"}, 1.5)
BODIES = (
    b"", b"null", b"[]", b'"text"', b"{", b"\xff\xfe\x00", b"\x00" * 10, b"[" * 60_000, b'{"text": "a\x00b"}',
    b'{"text": 1e999}', b'{"text": NaN}', b"PK\x03\x04" + bytes(range(256)), b'{"a": 1, "a\\u0000": 2}',
    b'{"\\ud800": 1}', '{"text": "hé"}'.encode("latin-1"), b'{"text": ' + b"9" * 5000 + b"}",
)  # fmt: skip


@pytest.fixture
def customer(platform: Platform, harbor: Business) -> Iterator[Visitor]:
    someone = visitor(platform, harbor)
    yield someone
    someone.http.close()


def send(customer: Visitor, path: str, fields: Any) -> httpx.Response:
    """JSON with escapes, so that half a surrogate pair travels too."""
    headers = customer.headers | {"Content-Type": "application/json"}
    return customer.http.post(path, content=json.dumps(fields).encode(), headers=headers)


def check_refused(response: httpx.Response, field: str) -> None:
    assert response.status_code == 400, response.text
    assert response.json()["code"] == "invalid"
    assert field in response.json()["fields"], response.text
    assert field in response.json()["message"]


def said(customer: Visitor) -> list[str]:
    return [message["text"] for message in customer.history() if message["role"] == "customer"]


def naughty_strings() -> list[str]:
    """Every fifteenth of the big list where it is at hand; the odd ones from above in any case."""
    listed = json.loads(NAUGHTY_FILE.read_text(encoding="utf-8")) if NAUGHTY_FILE.exists() else []
    return [*ODD, *(text for text in listed[::15] if text.strip() and "\0" not in text)]


def test_nothing_and_blanks_are_no_message(customer: Visitor) -> None:
    for text in ("", " ", "\n\t ", "\u3000", "\u00a0"):
        check_refused(customer.post(text), "text")
    check_refused(send(customer, f"{customer.address}/messages", {}), "text")
    check_refused(send(customer, f"{customer.address}/messages", {"text": None}), "text")
    assert said(customer) == []


def test_four_thousand_characters_are_a_message_and_one_more_is_not(customer: Visitor) -> None:
    check_refused(customer.post("x" * 4001), "text")
    assert "4,001" in customer.post("x" * 4001).json()["message"]
    check_refused(
        send(customer, f"{customer.address}/messages", {"choice": {"field": "f", "value": "y" * 4001}}), "text"
    )
    assert customer.post("😀" * 4000).status_code == 200
    assert customer.post("x" * 70_000).status_code == 413
    assert said(customer) == ["😀" * 4000]


def test_what_cannot_be_stored_is_refused_by_its_field(customer: Visitor) -> None:
    messages = f"{customer.address}/messages"
    for bad in UNSTORABLE:
        check_refused(send(customer, messages, {"text": bad}), "text")
        check_refused(send(customer, messages, {"text": "Hi", "client_id": bad}), "client_id")
        check_refused(send(customer, messages, {"text": "Hi", "page_url": bad}), "page_url")
        check_refused(send(customer, messages, {"choice": {"field": bad, "value": "x"}}), "choice")
        check_refused(send(customer, messages, {"choice": {"field": "x", "value": bad}}), "text")
        check_refused(send(customer, f"/api/v1/bots/{customer.bot_key}/conversations", {"page_url": bad}), "page_url")
        token = send(customer, f"{customer.address}/identity", {"token": bad})
        assert (token.status_code, set(token.json()["fields"])) == (401, {"token"})
    assert said(customer) == []


def test_wrong_types_are_refused_by_their_field(customer: Visitor) -> None:
    messages = f"{customer.address}/messages"
    for wrong in WRONG_TYPES:
        check_refused(send(customer, messages, {"text": wrong}), "text")
        check_refused(send(customer, messages, {"text": "Hi", "client_id": wrong}), "client_id")
        check_refused(send(customer, messages, {"text": "Hi", "page_url": wrong}), "page_url")
        check_refused(send(customer, messages, {"choice": wrong}), "choice")
        check_refused(send(customer, messages, {"choice": {"field": wrong, "value": "x"}}), "choice")
        check_refused(send(customer, f"{customer.address}/identity", {"token": wrong}), "token")
    check_refused(send(customer, messages, {"text": "Hi", "choice": {"field": "x", "value": "y"}}), "choice")
    check_refused(send(customer, messages, {"text": "Hi", "client_id": ""}), "client_id")
    check_refused(send(customer, messages, {"text": "Hi", "client_id": "x" * 101}), "client_id")
    check_refused(send(customer, messages, {"text": "Hi", "colour": "red"}), "colour")
    assert said(customer) == []


def test_bodies_that_are_no_json_object_are_refused(customer: Visitor) -> None:
    for path in ("messages", "identity"):
        for body in BODIES:
            response = customer.http.post(f"{customer.address}/{path}", content=body, headers=customer.headers)
            assert 400 <= response.status_code < 500, (path, body[:20], response.text)
            assert response.json()["message"]
    assert said(customer) == []


def test_naughty_strings_are_kept_to_the_letter(customer: Visitor) -> None:
    sent = naughty_strings()
    for number, text in enumerate(sent):
        response = customer.post(text, client_id=f"{number} {text}"[:100], page_url=f"https://x.example/{text}"[:2000])
        assert response.status_code == 200, (text, response.text)
        assert response.json()["text"]
    assert said(customer) == sent
    assert [each["client_id"] for each in customer.history() if "client_id" in each] == [
        f"{number} {text}"[:100] for number, text in enumerate(sent)
    ]


def test_naughty_choices_and_comments_are_kept(customer: Visitor) -> None:
    for text in ODD:
        fields = {"choice": {"field": text[:100], "value": text}}
        answer = send(customer, f"{customer.address}/messages", fields)
        assert answer.status_code == 200, (text, answer.text)
    feedback = f"/api/v1/messages/{answer.json()['id']}/feedback"
    for text in ODD:
        response = send(customer, feedback, {"helpful": False, "comment": text[:2000]})
        assert response.status_code == 204, (text, response.text)
    for bad in (*UNSTORABLE, "x" * 2001):
        check_refused(send(customer, feedback, {"helpful": False, "comment": bad}), "comment")
    for wrong in ("yes", 1, None, []):
        check_refused(send(customer, feedback, {"helpful": wrong}), "helpful")


def test_odd_addresses_and_headers_are_answered_properly(platform: Platform, customer: Visitor) -> None:
    for key in ("%00", "%ff", "a%00b", "..%2f..", "x" * 3000, "%ED%A0%80", "a b"):
        for path in (f"/api/v1/bots/{key}", f"/api/v1/bots/{key}/conversations"):
            method = "POST" if path.endswith("conversations") else "GET"
            response = httpx.request(method, platform.url + path)
            assert response.status_code in (400, 404), (path[:60], response.status_code)
    for number in ("x", "-1", "1.5", "9" * 40, "²"):
        headers = {name: value.encode() for name, value in (customer.headers | {"Last-Event-ID": number}).items()}
        assert customer.http.get(f"{customer.address}/events", headers=headers).status_code == 400, number
    for token in ("x" * 5000, "ÿ", "a b c"):
        headers = {"Authorization": f"Bearer {token}".encode()}
        assert customer.http.get(f"{customer.address}/messages", headers=headers).status_code == 404, token[:9]
