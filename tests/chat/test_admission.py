"""Who may call for a customer: conversation tokens, identities, websites and limits, on the running platform."""

import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest

from tenants import bots
from tenants.limits import MESSAGES_PER_VISITOR
from tenants.scope import within
from tests.conftest import Business
from tests.over_http import Manager, Visitor, manager, visitor
from tests.platform_processes import Platform

QUESTION = "How long may I keep a rented canoe?"
ANSWER = "You may keep a rented canoe for five days."
SITE = "https://harbor.example"


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


def allow_origins(business: Business, *origins: str) -> None:
    with within(business.scope):
        business.bot.allowed_origins = list(origins)
        bots.save_bot(business.bot)


def token_for(business: Business, **changes: Any) -> str:
    """An identity token, signed with the bot's secret unless `secret` says otherwise."""
    secret = changes.pop("secret", business.bot.identity_secret)
    algorithm = changes.pop("algorithm", "HS256")
    now = int(time.time())
    claims = {
        "sub": "c-1",
        "name": "Nora",
        "iss": "shop",
        "aud": business.bot.key,
        "iat": now,
        "exp": now + 600,
    } | changes
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, secret, algorithm)


class TestTokens:
    def test_only_the_conversations_own_token_opens_it(
        self, platform: Platform, meridian: Business, customer: Visitor, harbor: Business
    ) -> None:
        answer = customer.say(QUESTION)
        others = [visitor(platform, harbor).token, visitor(platform, meridian).token, "x" * 43, harbor.api_key]
        calls = [
            ("GET", f"{customer.address}/messages"),
            ("POST", f"{customer.address}/messages"),
            ("GET", f"{customer.address}/events"),
            ("POST", f"{customer.address}/identity"),
            ("DELETE", f"{customer.address}/identity"),
            ("POST", f"{customer.address}/handoff"),
            ("POST", f"{customer.address}/confirmations/{uuid4()}"),
            ("POST", f"/api/v1/messages/{answer['id']}/feedback"),
        ]
        for method, address in calls:
            for token in others:
                response = customer.http.request(method, address, headers={"Authorization": f"Bearer {token}"})
                assert response.status_code == 404, (method, address)
                assert response.json()["code"] == "not_found"
            for wrong in ({}, {"Authorization": "Basic abc"}, {"Authorization": "Bearer"}):
                response = customer.http.request(method, address, headers=wrong)
                assert response.status_code == 401, (method, address, wrong)
        assert len(customer.history()) == 2

    def test_a_conversation_that_is_not_there_looks_the_same(self, customer: Visitor) -> None:
        missing = customer.http.get(f"/api/v1/conversations/{uuid4()}/messages", headers=customer.headers)
        foreign = customer.http.get(f"{customer.address}/messages", headers={"Authorization": "Bearer wrong"})
        assert (missing.status_code, missing.json()) == (foreign.status_code, foreign.json())
        assert missing.status_code == 404


class TestIdentity:
    def test_a_customer_signs_in_and_out(self, shop: Manager, customer: Visitor) -> None:
        response = self.sign_in(customer, token_for(shop.business))
        assert (response.status_code, response.json()) == (200, {"subject": "c-1", "name": "Nora"})
        where = f"conversations/{customer.conversation}"
        assert shop.get(where)["customer"]["subject"] == "c-1"
        gone = customer.http.delete(f"{customer.address}/identity", headers=customer.headers)
        assert gone.status_code == 204
        assert shop.get(where)["customer"] is None

    def test_a_conversation_is_never_passed_to_another_customer(self, shop: Manager, customer: Visitor) -> None:
        assert self.sign_in(customer, token_for(shop.business)).status_code == 200
        assert self.sign_in(customer, token_for(shop.business, sub="c-2")).status_code == 401
        assert shop.get(f"conversations/{customer.conversation}")["customer"]["subject"] == "c-1"

    def test_no_wrong_token_is_believed_and_none_is_repeated(
        self, shop: Manager, meridian: Business, customer: Visitor
    ) -> None:
        own, now = shop.business, int(time.time())
        head, body, _ = token_for(own).split(".")
        wrong = {
            "wrong signature": token_for(own, secret="another-secret-of-at-least-32-bytes"),
            "another bot's": token_for(meridian),
            "another bot's audience": token_for(own, aud=meridian.bot.key),
            "expired": token_for(own, exp=now - 3600, iat=now - 7200),
            "without expiry": token_for(own, exp=None),
            "for a year": token_for(own, exp=now + 365 * 86400),
            "for a year without iat": token_for(own, iat=None, exp=now + 365 * 86400),
            "without subject": token_for(own, sub=None),
            "empty subject": token_for(own, sub=""),
            "NUL in subject": token_for(own, sub="c\0"),
            "half a character in subject": token_for(own, sub="c\ud800"),
            "none": token_for(own, secret="", algorithm="none"),
            "no signature": f"{head}.{body}.",
            "other algorithm": token_for(own, algorithm="HS512"),
            "nonsense": "sesame",
            "empty": "",
            "endless": "x" * 9000,
        }
        for name, token in wrong.items():
            response = self.sign_in(customer, token)
            assert response.status_code == 401, (name, response.text)
            assert response.json()["code"] == "identity_refused", name
            if len(token) > 10:
                assert token not in response.text, name
            assert own.bot.identity_secret not in response.text
        assert shop.get(f"conversations/{customer.conversation}")["customer"] is None

    def test_odd_claims_are_kept_without_harm(self, shop: Manager, customer: Visitor) -> None:
        odd = {"name": "No\0ra \ud83d", "email": 7, "orders": ["a\0b", {"c\0": "\udfff"}]}
        response = self.sign_in(customer, token_for(shop.business, **odd))
        assert response.status_code == 200, response.text
        assert customer.say(QUESTION)["text"] == ANSWER

    @staticmethod
    def sign_in(customer: Visitor, token: str) -> httpx.Response:
        return customer.http.post(f"{customer.address}/identity", json={"token": token}, headers=customer.headers)


class TestOrigins:
    def test_a_preflight_names_what_may_be_sent(self, customer: Visitor) -> None:
        asked = {
            "Origin": SITE,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization",
        }
        response = customer.http.options(f"{customer.address}/messages", headers=asked)
        assert response.status_code == 204
        assert response.headers["Access-Control-Allow-Origin"] == SITE
        assert "POST" in response.headers["Access-Control-Allow-Methods"]
        for name in ("Authorization", "Content-Type", "Last-Event-ID"):
            assert name in response.headers["Access-Control-Allow-Headers"]

    def test_only_the_bots_own_websites_get_in(self, platform: Platform, shop: Manager, customer: Visitor) -> None:
        allow_origins(shop.business, SITE)
        for origin in ("https://evil.example", "http://harbor.example", "https://harbor.example.evil.example", "null"):
            for method, address in (
                ("GET", f"/api/v1/bots/{shop.business.bot.key}"),
                ("POST", f"/api/v1/bots/{shop.business.bot.key}/conversations"),
                ("GET", f"{customer.address}/messages"),
                ("POST", f"{customer.address}/messages"),
            ):
                headers = {"Origin": origin} | (customer.headers if "conversations/" in address else {})
                response = customer.http.request(method, address, headers=headers)
                assert response.status_code == 403, (origin, address)
                assert "Access-Control-Allow-Origin" not in response.headers
        assert customer.history() == []
        for origin in (SITE, SITE.upper(), platform.url):
            response = customer.http.get(f"/api/v1/bots/{shop.business.bot.key}", headers={"Origin": origin})
            assert response.status_code == 200
            assert response.headers["Access-Control-Allow-Origin"] == origin
            assert "Origin" in response.headers["Vary"]


class TestLimits:
    def test_a_visitor_who_asks_too_much_is_told_when_to_come_back(self, platform: Platform, harbor: Business) -> None:
        customer = visitor(platform, harbor, limited=True)
        # Two windows may meet here: at most the limit of each is let through.
        codes = [
            customer.post("", client_id=str(number)).status_code for number in range(2 * MESSAGES_PER_VISITOR.most + 1)
        ]
        refused = customer.post("Hello?")
        assert codes[: MESSAGES_PER_VISITOR.most] == [400] * MESSAGES_PER_VISITOR.most
        assert 429 in codes
        assert refused.status_code == 429
        assert refused.json()["code"] == "too_many_requests"
        assert 0 < int(refused.headers["Retry-After"]) <= MESSAGES_PER_VISITOR.seconds
        assert refused.headers["Retry-After"] in refused.json()["message"]
        trusted = customer.headers | {"X-API-Key": harbor.api_key}
        said = customer.http.post(f"{customer.address}/messages", json={"text": "Hello?"}, headers=trusted)
        assert said.status_code == 200

    def test_another_visitors_bot_is_not_slowed_down(
        self, platform: Platform, harbor: Business, meridian: Business
    ) -> None:
        address = f"{platform.url}/api/v1/bots/{{}}/conversations"
        codes = [httpx.post(address.format(harbor.bot.key)).status_code for _ in range(41)]
        assert codes[0] == 201
        assert codes[-1] == 429
        assert httpx.post(address.format(meridian.bot.key)).status_code == 201

    def test_another_tenants_key_lifts_no_limit(self, harbor: Business, meridian: Business, customer: Visitor) -> None:
        for key in (meridian.api_key, "sb_wrong"):
            headers = customer.headers | {"X-API-Key": key}
            response = customer.http.post(f"{customer.address}/messages", json={"text": "Hi"}, headers=headers)
            assert response.status_code == 401
        assert customer.history() == []
