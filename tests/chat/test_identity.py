"""Whose a conversation is: signing in goes on with what was asked, and signing out leaves nothing to be seen."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import jwt
import pytest

from chat import identity, store
from chat.exchange import Answer, Decision
from chat.models import Conversation, Message, Turn
from tenants import bots
from tenants.scope import within
from tests.conftest import Business
from tests.over_http import Manager, Visitor, manager, until, visitor
from tests.platform_processes import Platform

QUESTION = "How long may I keep a rented canoe?"
ANSWER = "You may keep a rented canoe for five days."


@pytest.fixture
def shop(platform: Platform, harbor: Business) -> Iterator[Manager]:
    boss = manager(platform, harbor)
    faq = boss.add_faq(QUESTION, ANSWER)
    boss.wait_until_indexed(f"faqs/{faq}")
    yield boss
    boss.http.close()


@pytest.fixture
def customer(platform: Platform, shop: Manager) -> Visitor:
    return visitor(platform, shop.business)


def token(business: Business, subject: str, **claims: Any) -> str:
    now = int(time.time())
    said = {"sub": subject, "name": subject.title(), "aud": business.bot.key, "iat": now, "exp": now + 60} | claims
    return jwt.encode(said, business.bot.identity_secret, algorithm="HS256")


def sign_in(customer: Visitor, business: Business, subject: str, **claims: Any) -> httpx.Response:
    return present(customer, token(business, subject, **claims))


def present(customer: Visitor, signed: str) -> httpx.Response:
    return customer.http.post(f"{customer.address}/identity", json={"token": signed}, headers=customer.headers)


def sign_out(customer: Visitor) -> None:
    response = customer.http.delete(f"{customer.address}/identity", headers=customer.headers)
    assert response.status_code == 204


class TestWhose:
    def test_words_alone_are_never_passed_on(self, shop: Manager, customer: Visitor) -> None:
        assert sign_in(customer, shop.business, "mary").status_code == 200
        customer.say(QUESTION, client_id="m-1")
        sign_out(customer)
        assert customer.history() == []
        with customer.follow(0) as events:
            assert customer.say("Hello there") is not None
            seen = next(event for event in events if event.type == "answer")
        assert ANSWER not in seen.data["text"]
        refused = sign_in(customer, shop.business, "sean")
        assert (refused.status_code, refused.json()["code"]) == (401, "identity_refused")
        assert ANSWER not in str(customer.history())
        again = customer.post(QUESTION, client_id="m-1")
        assert (again.status_code, set(again.json()["fields"])) == (400, {"client_id"})

    def test_whoever_left_comes_back_to_what_they_said(self, shop: Manager, customer: Visitor) -> None:
        sign_in(customer, shop.business, "mary")
        customer.say(QUESTION)
        sign_out(customer)
        assert sign_in(customer, shop.business, "mary").status_code == 200
        assert [said["text"] for said in customer.history()] == [QUESTION, ANSWER]

    def test_what_was_asked_before_is_not_understood_after(self, shop: Manager, customer: Visitor) -> None:
        sign_in(customer, shop.business, "mary")
        customer.say(QUESTION)
        sign_out(customer)
        assert customer.say("And how long for a weekend?")["text"] != ANSWER

    def test_an_answer_under_way_is_not_given_to_whoever_comes_next(self, harbor: Business) -> None:
        with within(harbor.scope):
            opened, _ = store.open_conversation(harbor.bot)
            where = (harbor.bot.id, opened.id)
            customer = identity.identity.customer_for(harbor.bot.id, _verified("mary"))
            Conversation.objects.filter(id=opened.id).update(customer=customer)
            for text in ("What is my balance?", "And my card?"):
                store.save_question(*where, text, None, None)
            turn = store.claim_turn(*where)
            assert turn is not None
            identity.sign_out(*where)
            assert not store.may_speak(*where, turn)
            decision = Decision("faq", 1.0, "", harbor.bot.id)
            answer = Answer("You have 12 euro, Mary.", "faq", 1.0)
            outcome = store.Outcome(decision, answer, "", [], {}, {})
            store.save_interaction(*where, turn, outcome)
            assert not Message.objects.filter(conversation_id=opened.id, role=Message.Role.BOT).exists()
            assert not Turn.objects.exclude(state=Turn.State.DONE).exists()
            assert store.history(*where) == []

    def test_a_person_who_talked_to_the_one_does_not_talk_to_the_next(self, shop: Manager, customer: Visitor) -> None:
        sign_in(customer, shop.business, "mary")
        shop.post(f"conversations/{customer.conversation}/take")
        sign_out(customer)
        found = shop.get(f"conversations/{customer.conversation}")
        assert (found["state"], found["customer"]) == ("bot", None)


class TestTokens:
    def test_a_reloaded_page_shows_its_token_again(self, shop: Manager, customer: Visitor) -> None:
        signed = token(shop.business, "mary", jti="1")
        assert present(customer, signed).status_code == 200
        assert present(customer, signed).status_code == 200

    def test_a_token_counts_in_one_conversation(self, platform: Platform, shop: Manager, customer: Visitor) -> None:
        for number, claims in enumerate(({"jti": "1"}, {})):
            signed = token(shop.business, "mary", n=number, **claims)
            assert present(customer, signed).status_code == 200
            thief = visitor(platform, shop.business)
            refused = present(thief, signed)
            assert (refused.status_code, refused.json()["code"]) == (401, "identity_refused")
            assert "another conversation" in refused.json()["message"]

    def test_another_bots_token_is_another_token(self, platform: Platform, shop: Manager, meridian: Business) -> None:
        assert sign_in(visitor(platform, shop.business), shop.business, "mary", jti="1").status_code == 200
        assert sign_in(visitor(platform, meridian), meridian, "mary", jti="1").status_code == 200

    def test_starting_over_stays_signed_in(self, platform: Platform, shop: Manager, customer: Visitor) -> None:
        signed = token(shop.business, "mary")
        present(customer, signed)
        address = f"/api/v1/bots/{customer.bot_key}/conversations"
        opened = customer.http.post(address, json={"previous": customer.conversation}, headers=customer.headers).json()
        assert opened["customer"] == {"subject": "mary", "name": "Mary"}
        new = Visitor(customer.http, customer.bot_key, opened["id"], opened["token"])
        assert new.history() == []
        assert present(new, signed).status_code == 200

    def test_only_the_former_conversations_own_token_opens_the_next(
        self, platform: Platform, shop: Manager, meridian: Business, customer: Visitor
    ) -> None:
        sign_in(customer, shop.business, "mary")
        address, sent = f"/api/v1/bots/{customer.bot_key}/conversations", {"previous": customer.conversation}
        thief = visitor(platform, shop.business)
        assert customer.http.post(address, json=sent, headers=thief.headers).status_code == 404
        assert customer.http.post(address, json=sent).status_code == 401
        other = visitor(platform, meridian)
        elsewhere = f"/api/v1/bots/{meridian.bot.key}/conversations"
        assert other.http.post(elsewhere, json=sent, headers=customer.headers).status_code == 404
        assert customer.http.post(address, json={"previous": "x"}, headers=customer.headers).status_code == 404


class TestSignedInOnly:
    @pytest.fixture
    def closed(self, shop: Manager) -> Manager:
        with within(shop.business.scope):
            shop.business.bot.identity_required = True
            bots.save_bot(shop.business.bot)
        return shop

    def test_nobody_else_is_answered_and_signing_in_answers(self, closed: Manager, customer: Visitor) -> None:
        asked = customer.say(QUESTION)
        assert asked["sign_in"] == {"methods": ["identity"]}
        assert (asked["citations"], ANSWER in asked["text"]) == ([], False)
        refused = customer.http.post(f"{customer.address}/handoff", headers=customer.headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "sign_in_required")
        sign_in(customer, closed.business, "mary")
        said = until(lambda: customer.history()[2:] and customer.history()[3:], "the answer")
        assert said[0]["text"] == ANSWER
        assert customer.history()[2]["text"] == "Signed in as Mary"
        assert customer.say(QUESTION)["text"] == ANSWER

    def test_it_is_known_before_a_word_is_said(self, closed: Manager, customer: Visitor) -> None:
        shown = customer.http.get(f"/api/v1/bots/{customer.bot_key}").json()
        assert shown["sign_in"] == {"methods": ["identity"], "required": True}

    def test_it_needs_a_way_to_sign_in(self, closed: Manager) -> None:
        refused = closed.http.patch(f"/api/v1/bots/{closed.business.bot.key}", json={"identity_secret": ""})
        assert (refused.status_code, set(refused.json()["fields"])) == (400, {"identity_required"})


def _verified(subject: str) -> Any:
    return identity.VerifiedIdentity("", subject, "", "", "", {})
