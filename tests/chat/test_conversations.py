"""The customer's calls, as the contract has them, on the running platform."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import httpx
import pytest

from tenants import bots
from tenants.scope import within
from tests.conftest import Business
from tests.over_http import Manager, Visitor, manager, visitor
from tests.platform_processes import Platform

QUESTION = "How long may I keep a rented canoe?"
ANSWER = "You may keep a rented canoe for five days."
PAGE = "# Renting\n\n## Deposit\n\nThe deposit for a rented canoe is 250 euros, and it is paid back within a week.\n"
SITE = "https://harbor.example"
ANSWER_FIELDS = {"id", "interaction_id", "text", "route", "confidence", "citations", "handoff"}


@pytest.fixture
def shop(platform: Platform, harbor: Business) -> Iterator[Manager]:
    boss = manager(platform, harbor)
    faq = boss.add_faq(QUESTION, ANSWER, external_id="canoe-5")
    boss.wait_until_indexed(f"faqs/{faq}")
    yield boss
    boss.http.close()


@pytest.fixture
def customer(platform: Platform, shop: Manager) -> Visitor:
    return visitor(platform, shop.business)


class TestOpening:
    def test_the_configuration_is_public(self, platform: Platform, harbor: Business) -> None:
        with within(harbor.scope):
            harbor.bot.greeting, harbor.bot.suggestions = "Ahoy!", ["Where is my order?"]
            harbor.bot.theme, harbor.bot.languages = {"color": "#0b6e4f"}, ["en", "ga"]
            bots.save_bot(harbor.bot)
        response = httpx.get(f"{platform.url}/api/v1/bots/{harbor.bot.key}")
        assert response.status_code == 200
        assert response.json() == {
            "key": harbor.bot.key,
            "name": harbor.bot.name,
            "greeting": "Ahoy!",
            "theme": {"color": "#0b6e4f"},
            "languages": ["en", "ga"],
            "suggestions": ["Where is my order?"],
            "sign_in": {"methods": ["identity"]},
        }

    def test_a_conversation_begins_with_its_token(self, platform: Platform, harbor: Business) -> None:
        address = f"{platform.url}/api/v1/bots/{harbor.bot.key}/conversations"
        response = httpx.post(address, json={"page_url": f"{SITE}/tents"})
        assert response.status_code == 201
        assert set(response.json()) == {"id", "token", "greeting", "suggestions"}
        assert len(response.json()["token"]) > 30
        assert httpx.post(address).json()["token"] != response.json()["token"]

    def test_a_bot_that_is_not_there_is_404(self, platform: Platform) -> None:
        for call in (
            httpx.get(f"{platform.url}/api/v1/bots/no-such-bot"),
            httpx.post(f"{platform.url}/api/v1/bots/no-such-bot/conversations"),
        ):
            assert call.status_code == 404
            assert set(call.json()) == {"code", "message"}


class TestMessages:
    def test_the_answer_as_json_has_the_fields_of_the_contract(self, shop: Manager, customer: Visitor) -> None:
        answer = customer.say(QUESTION, page_url=f"{SITE}/canoes", client_id="m-1")
        assert set(answer) == ANSWER_FIELDS
        assert (answer["text"], answer["route"], answer["handoff"]) == (ANSWER, "faq", False)
        assert isinstance(answer["confidence"], float)
        assert 0 < answer["confidence"] <= 1
        assert answer["id"] != answer["interaction_id"]
        assert UUID(answer["id"])
        citation = answer["citations"][0]
        assert {"kind", "id", "external_id", "title", "url", "quote"} <= set(citation)
        assert (citation["kind"], citation["external_id"], citation["title"]) == ("faq", "canoe-5", QUESTION)
        explained = shop.get(f"interactions/{answer['interaction_id']}")
        assert (explained["question"], explained["answer"], explained["route"]) == (QUESTION, ANSWER, "faq")

    def test_a_document_is_cited_with_its_words(self, platform: Platform, meridian: Business) -> None:
        shop, customer = manager(platform, meridian), visitor(platform, meridian)
        document = shop.add_document("Renting a canoe", PAGE, url=f"{SITE}/renting", external_id="rent")
        shop.wait_until_indexed(f"documents/{document}")
        answer = customer.say("How much is the deposit for a rented canoe?")
        assert answer["route"] == "document"
        assert "250 euros" in answer["text"]
        citation = answer["citations"][0]
        assert (citation["kind"], citation["id"], citation["external_id"]) == ("document", document, "rent")
        assert (citation["title"], citation["url"]) == ("Renting a canoe", f"{SITE}/renting")
        assert "250 euros" in citation["quote"]

    def test_a_stream_is_route_then_deltas_then_the_answer(self, customer: Visitor) -> None:
        with customer.stream(QUESTION) as stream:
            events = list(stream)
        types = [event.type for event in events]
        assert types == ["route", *["delta"] * (len(types) - 2), "answer"]
        assert len(types) > 2
        assert set(events[0].data) == {"route", "confidence"}
        assert events[0].data["route"] == events[-1].data["route"] == "faq"
        assert "".join(event.data["text"] for event in events[1:-1]) == events[-1].data["text"] == ANSWER
        assert set(events[-1].data) == ANSWER_FIELDS

    def test_what_is_not_known_is_said_to_be_unknown(self, customer: Visitor) -> None:
        answer = customer.say("Which minister signed the treaty of Tordesillas?")
        assert (answer["route"], answer["citations"]) == ("unknown", [])
        assert answer["text"]

    def test_the_history_shows_both_sides_in_order(self, customer: Visitor) -> None:
        answer = customer.say(QUESTION, client_id="m-1")
        asked, answered = customer.history()
        assert (asked["role"], asked["text"], asked["client_id"]) == ("customer", QUESTION, "m-1")
        assert (answered["role"], answered["id"], answered["text"]) == ("bot", answer["id"], ANSWER)
        assert answered["citations"] == answer["citations"]
        assert asked["created_at"] <= answered["created_at"]

    def test_a_choice_is_a_message_too(self, customer: Visitor) -> None:
        sent = {"choice": {"field": "question", "value": QUESTION}}
        response = customer.http.post(f"{customer.address}/messages", json=sent, headers=customer.headers)
        assert response.json()["text"] == ANSWER
        assert customer.history()[0]["text"] == QUESTION

    def test_feedback_is_kept_and_only_for_answers(self, customer: Visitor) -> None:
        answer = customer.say(QUESTION)
        asked = customer.history()[0]
        address = "/api/v1/messages/{}/feedback"
        given = customer.http.post(address.format(answer["id"]), json={"helpful": True}, headers=customer.headers)
        assert given.status_code == 204
        assert customer.history()[1]["helpful"] is True
        own = customer.http.post(address.format(asked["id"]), json={"helpful": True}, headers=customer.headers)
        assert own.status_code == 400
        missing = customer.http.post(address.format(answer["id"]), json={"comment": "Hm"}, headers=customer.headers)
        assert set(missing.json()["fields"]) == {"helpful"}

    def test_there_is_nothing_to_confirm_and_no_other_sign_in(self, customer: Visitor) -> None:
        confirmed = customer.http.post(
            f"{customer.address}/confirmations/{uuid4()}", json={"decision": "yes"}, headers=customer.headers
        )
        assert confirmed.status_code == 404
        assert customer.http.get(f"{customer.address}/sign-in/oauth", headers=customer.headers).status_code == 404
