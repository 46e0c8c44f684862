"""Signing in at a bot's own provider (npm's certified one, for two tenants), and those who would like to be others."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from chat import identity
from tenants import bots, encryption
from tenants.database import in_database
from tenants.models import SignIn, User
from tenants.openid import sign_ins
from tenants.scope import within
from tests.conftest import Business, make_business
from tests.openid import certified
from tests.openid.certified import Certified
from tests.openid.popup import Popup, handed_over
from tests.over_http import Manager, Visitor, manager, visitor
from tests.platform_processes import Platform

SITE = "https://bank.example"
# Everything in it means something to somebody: in a header, in a form, in a URL.
SECRET = "a secret: with/odd+characters%3D&more?"


@dataclass(frozen=True)
class Cast:
    platform: Platform
    provider: Certified
    bank: Manager
    shop: Manager

    def start(self, customer: Visitor, origin: str = SITE, **query: str) -> httpx.Response:
        headers = {**customer.headers, "Origin": origin}
        return customer.http.get(f"{customer.address}/sign-in/openid?{urlencode(query)}", headers=headers)

    def address(self, customer: Visitor, origin: str = SITE, **query: str) -> str:
        started = self.start(customer, origin, **query)
        assert started.status_code == 200, started.text
        return started.json()["url"]

    def sign_in(self, customer: Visitor, login: str, popup: Popup | None = None) -> httpx.Response:
        page = (popup or Popup()).open(self.address(customer), login)
        return redeem(customer, handed_over(page)["code"])


def redeem(customer: Visitor, code: str) -> httpx.Response:
    return customer.http.post(f"{customer.address}/identity", json={"code": code}, headers=customer.headers)


@pytest.fixture(scope="module")
def cast(platform: Platform) -> Iterator[Cast]:
    bank, shop = make_business("Bank", "bank"), make_business("Shop", "shop")
    owner = bank.members["owner"].user.email
    clients = [
        {
            "client_id": business.bot.key,
            "client_secret": SECRET,
            "redirect_uris": [f"{platform.url}/api/v1/bots/{business.bot.key}/sign-in/callback"],
            "grant_types": ["authorization_code", "refresh_token"],
            **more,
        }
        for business, more in ((bank, {}), (shop, {"token_endpoint_auth_method": "client_secret_post"}))
    ]
    accounts = {
        "mary": {"name": "Mary Byrne", "email": "mary@mail.example", "email_verified": True, "locale": "en-IE"},
        "sean": {"name": "Seán Walsh"},
        "impostor": {"name": "Owner", "email": owner, "email_verified": True},
    }
    with certified.running(clients, accounts) as provider:
        managers = []
        for business in (bank, shop):
            made = manager(platform, business)
            # Nothing but issuer, client ID and secret; the website is named so that it need not be asked about.
            made.patch(
                f"bots/{business.bot.key}",
                openid_issuer=provider.issuer,
                openid_client_id=business.bot.key,
                openid_client_secret=SECRET,
                allowed_origins=[SITE],
            )
            managers.append(made)
        yield Cast(platform, provider, *managers)
        for made in managers:
            made.http.close()


@pytest.fixture
def customer(cast: Cast) -> Visitor:
    return visitor(cast.platform, cast.bank.business)


class TestTheWayThrough:
    def test_nothing_but_issuer_client_id_and_secret(self, cast: Cast) -> None:
        for boss in (cast.bank, cast.shop):
            customer = visitor(cast.platform, boss.business)
            popup = Popup()
            assert cast.sign_in(customer, "mary", popup).json() == {"subject": "mary", "name": "Mary Byrne"}
            found = boss.get(f"conversations/{customer.conversation}")["customer"]
            assert (found["subject"], found["email"]) == ("mary", "mary@mail.example")
            asked = parse_qs(urlsplit(next(url for url in popup.seen if "/auth?" in url)).query)
            assert asked["code_challenge_method"] == ["S256"]
            assert all(asked[name][0] for name in ("code_challenge", "state", "nonce"))
            assert set(asked["scope"][0].split()) == {"openid", "profile", "email"}

    def test_the_configuration_names_the_method_and_the_manager_the_redirect_uri(self, cast: Cast) -> None:
        key = cast.bank.business.bot.key
        public = httpx.get(f"{cast.platform.url}/api/v1/bots/{key}").json()
        assert public["sign_in"]["methods"] == ["identity", "openid"]
        managed = cast.bank.get(f"bots/{key}")
        assert managed["openid_redirect_uri"] == f"{cast.platform.url}/api/v1/bots/{key}/sign-in/callback"
        assert managed["has_openid_client_secret"] is True
        assert SECRET not in str(managed)
        assert SECRET not in str(public)

    def test_whoever_goes_back_is_not_signed_in(self, cast: Cast, customer: Visitor) -> None:
        popup = Popup()
        popup.open(cast.address(customer), stop_at=f"{cast.provider.issuer}/interaction/")
        state = parse_qs(urlsplit(next(url for url in popup.seen if "/auth?" in url)).query)["state"][0]
        back = f"{cast.platform.url}/api/v1/bots/{customer.bot_key}/sign-in/callback"
        page = popup.http.get(back, params={"error": "access_denied", "state": state, "iss": cast.provider.issuer})
        assert page.status_code == 200
        assert "data-close" in page.text
        assert "data-code" not in page.text

    def test_after_signing_out_the_provider_asks_again_who_it_is(self, cast: Cast, customer: Visitor) -> None:
        popup = Popup()
        assert cast.sign_in(customer, "mary", popup).status_code == 200
        other = visitor(cast.platform, cast.bank.business)
        known = popup.open(cast.address(other))
        assert redeem(other, handed_over(known)["code"]).json()["subject"] == "mary", "single sign-on"
        asked = popup.open(cast.address(visitor(cast.platform, cast.bank.business), again="1"))
        assert "/interaction/" in str(asked.url)

    def test_the_pages_keep_to_themselves(self, cast: Cast, customer: Visitor) -> None:
        page = Popup().open(cast.address(customer), "mary")
        assert page.headers["Cross-Origin-Opener-Policy"] == "unsafe-none"
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert "script-src 'self'" in page.headers["Content-Security-Policy"]
        assert page.headers["X-Frame-Options"] == "DENY"

    def test_a_provider_that_is_away_is_said_to_be(self, cast: Cast, harbor: Business) -> None:
        boss = manager(cast.platform, harbor)
        boss.patch(f"bots/{harbor.bot.key}", openid_issuer="http://127.0.0.1:1", openid_client_id="x")
        page = Popup().open(cast.address(visitor(cast.platform, harbor)))
        assert page.status_code == 502
        assert "cannot be reached" in page.text

    def test_there_is_no_method_that_was_not_set_up(self, cast: Cast, harbor: Business, customer: Visitor) -> None:
        assert cast.start(visitor(cast.platform, harbor)).status_code == 404
        other = customer.http.get(f"{customer.address}/sign-in/saml", headers=customer.headers)
        assert other.status_code == 404


class TestNobodyElse:
    """Login CSRF and its relatives: who begins a sign-in, who completes it, and who gets it."""

    def test_a_code_is_of_use_only_to_the_conversation_that_began(self, cast: Cast, customer: Visitor) -> None:
        page = Popup().open(cast.address(customer), "mary")
        code = handed_over(page)["code"]
        for thief in (visitor(cast.platform, cast.bank.business), visitor(cast.platform, cast.shop.business)):
            assert redeem(thief, code).status_code == 401
        assert redeem(customer, code).status_code == 200
        assert redeem(customer, code).status_code == 401, "and once"

    def test_a_strangers_sign_in_is_never_given_to_who_began_it(self, cast: Cast, customer: Visitor) -> None:
        """An attacker begins a sign-in in a conversation of his own and lures Mary to the address: she signs in, and
        the code goes to a window of the bank's website in her browser, not to him."""
        victim = Popup()
        handed = handed_over(victim.open(cast.address(customer, page_url=f"{SITE}/accounts"), "mary"))
        assert (handed["origin"], handed["page"]) == (SITE, f"{SITE}/accounts")
        found = cast.bank.get(f"conversations/{customer.conversation}")
        assert found["customer"] is None, "nobody is signed in until the code comes back with the conversation's token"

    def test_only_the_browser_that_left_can_come_back(self, cast: Cast, customer: Visitor) -> None:
        """An attacker signs in himself, and has Mary's browser open the address that would complete it."""
        attacker, callback = Popup(), f"{cast.platform.url}/api/v1/bots/"
        attacker.open(cast.address(customer), "sean", stop_at=callback)
        page = Popup().open(attacker.seen[-1])
        assert page.status_code == 400
        assert "data-code" not in page.text
        mine = attacker.http.get(attacker.seen[-1])
        assert "data-code" in mine.text
        again = attacker.http.get(attacker.seen[-1])
        assert "data-code" not in again.text, "and once"

    def test_a_state_belongs_to_its_bot(self, cast: Cast, customer: Visitor) -> None:
        popup, callback = Popup(), f"{cast.platform.url}/api/v1/bots/"
        popup.open(cast.address(customer), "mary", stop_at=callback)
        cookie = next(each.value for each in popup.http.cookies.jar if each.name == "sign_in")
        elsewhere = popup.seen[-1].replace(cast.bank.business.bot.key, cast.shop.business.bot.key)
        page = httpx.get(elsewhere, headers={"Cookie": f"sign_in={cookie}"})
        assert page.status_code == 400
        assert "data-code" not in page.text

    def test_an_answer_in_the_name_of_another_provider_is_refused(self, cast: Cast, customer: Visitor) -> None:
        popup, callback = Popup(), f"{cast.platform.url}/api/v1/bots/"
        popup.open(cast.address(customer), "mary", stop_at=callback)
        mixed_up = popup.seen[-1].replace(urlencode({"iss": cast.provider.issuer}), "iss=https%3A%2F%2Fevil.example")
        assert mixed_up != popup.seen[-1]
        page = popup.http.get(mixed_up)
        assert page.status_code == 502
        assert "data-code" not in page.text

    def test_a_website_that_nobody_named_is_asked_about(self, cast: Cast, meridian: Business) -> None:
        boss = manager(cast.platform, meridian)
        known = {"openid_issuer": cast.provider.issuer, "openid_client_id": cast.bank.business.bot.key}
        boss.patch(f"bots/{meridian.bot.key}", **known)
        customer = visitor(cast.platform, meridian)
        popup = Popup()
        page = popup.open(cast.address(customer, "https://evil.example"), "mary")
        assert (page.status_code, len(popup.seen)) == (200, 1)
        assert "evil.example" in page.text
        assert cast.start(customer, "null").status_code == 403
        boss.patch(f"bots/{meridian.bot.key}", allowed_origins=[SITE])
        assert cast.start(customer, "https://evil.example").status_code == 403

    def test_addresses_that_were_made_up_lead_nowhere(self, cast: Cast, customer: Visitor) -> None:
        address = cast.address(customer)
        ticket = parse_qs(urlsplit(address).query)["ticket"][0]
        other = visitor(cast.platform, cast.bank.business)
        base = f"{cast.platform.url}/api/v1/conversations"
        for url, status in (
            (f"{base}/{other.conversation}/sign-in/openid?ticket={ticket}", 404),
            (f"{base}/{customer.conversation}/sign-in/openid?ticket={ticket[:-3]}abc", 400),
            (f"{base}/{customer.conversation}/sign-in/openid?ticket=", 400),
            (f"{base}/{customer.conversation}/sign-in/openid", 401),
        ):
            page = Popup().open(url)
            assert page.status_code == status, url
            assert cast.provider.issuer not in page.text
        assert cast.start(Visitor(other.http, other.bot_key, customer.conversation, other.token)).status_code == 404

    def test_a_page_elsewhere_is_not_come_back_to(self, cast: Cast, customer: Visitor) -> None:
        for page in ("https://evil.example/", f"{SITE}.evil.example/", "javascript:alert(1)", "//evil.example/"):
            handed = handed_over(Popup().open(cast.address(customer, page_url=page), "mary"))
            assert handed["page"] == f"{SITE}/"

    def test_another_customer_never_takes_over_a_conversation(self, cast: Cast, customer: Visitor) -> None:
        assert cast.sign_in(customer, "mary").status_code == 200
        assert cast.sign_in(customer, "sean").status_code == 401
        customer.http.delete(f"{customer.address}/identity", headers=customer.headers)
        assert cast.sign_in(customer, "sean").status_code == 401


class TestMembers:
    def test_a_provider_that_claims_a_members_address_gains_nothing(self, cast: Cast, customer: Visitor) -> None:
        before = sorted(User.objects.values_list("id", "email", "password", "last_login", "is_superuser"))
        popup = Popup()
        assert cast.sign_in(customer, "impostor", popup).status_code == 200
        assert sorted(User.objects.values_list("id", "email", "password", "last_login", "is_superuser")) == before
        for model in (SocialAccount, SocialApp, SocialToken):
            assert not model.objects.exists(), model.__name__
        assert "sessionid" not in popup.http.cookies
        assert popup.http.get(f"{cast.platform.url}/admin/").headers["Location"].startswith("/admin/login/")
        cookie = next((each for each in popup.http.cookies.jar if each.name == "sign_in"), None)
        assert cookie is None, "its own cookie is gone as well"


class TestTokens:
    @pytest.fixture
    def signed_in(self, cast: Cast, customer: Visitor) -> SignIn:
        assert cast.sign_in(customer, "mary").status_code == 200
        with within(cast.bank.business.scope):
            return SignIn.objects.get(conversation_id=customer.conversation)

    def test_they_are_encrypted_at_rest_and_keys_are_rotated(self, cast: Cast, signed_in: SignIn) -> None:
        assert signed_in.access_token
        assert signed_in.refresh_token
        statement = "SELECT access_token, refresh_token FROM tenants_signin WHERE id = %s"
        with within(cast.bank.business.scope), connection.cursor() as cursor:
            cursor.execute(statement, [signed_in.id])
            stored = cursor.fetchone()
        assert signed_in.access_token not in str(stored)
        assert signed_in.refresh_token not in str(stored)
        assert [encryption.decrypt(each) for each in stored] == [signed_in.access_token, signed_in.refresh_token]

    async def test_they_are_refreshed_when_due_and_once(self, cast: Cast, signed_in: SignIn) -> None:
        where = (signed_in.group_id, signed_in.conversation_id, cast.bank.business.scope)
        assert await sign_ins.access_token(*where) == signed_in.access_token
        await in_database(self.make_due, cast, signed_in, scope=None)
        found = await asyncio.gather(*(sign_ins.access_token(*where) for _ in range(5)))
        assert len(set(found)) == 1
        assert found[0] != signed_in.access_token
        assert await sign_ins.access_token(*where) == found[0]

    async def test_a_refused_refresh_ends_the_sign_in(self, cast: Cast, signed_in: SignIn) -> None:
        where = (signed_in.group_id, signed_in.conversation_id, cast.bank.business.scope)
        await in_database(self.make_due, cast, signed_in, refresh_token="made up", scope=None)
        assert await sign_ins.access_token(*where) is None
        assert await sign_ins.access_token(*where) is None

    def test_they_go_when_the_customer_signs_out(self, cast: Cast, customer: Visitor, signed_in: SignIn) -> None:
        customer.http.delete(f"{customer.address}/identity", headers=customer.headers)
        with within(cast.bank.business.scope):
            assert not SignIn.objects.filter(conversation_id=customer.conversation).exists()

    def test_they_move_on_with_whoever_starts_over(self, cast: Cast, customer: Visitor, signed_in: SignIn) -> None:
        business = cast.bank.business
        with within(business.scope):
            opened, _ = identity.start_over(business.bot.id, signed_in.conversation_id)
            assert SignIn.objects.get(id=signed_in.id).conversation_id == opened.id

    def test_a_code_that_nobody_came_for_is_too_old_soon(self, cast: Cast, customer: Visitor) -> None:
        code = handed_over(Popup().open(cast.address(customer), "mary"))["code"]
        with within(cast.bank.business.scope):
            left = SignIn.objects.exclude(code_hash="").filter(conversation_id=customer.conversation)
            left.update(created_at=timezone.now() - sign_ins.CODE_LIVES - timedelta(seconds=1))
        assert redeem(customer, code).status_code == 401

    @staticmethod
    def make_due(cast: Cast, signed_in: SignIn, **changes: str) -> None:
        with within(cast.bank.business.scope):
            due = SignIn.objects.get(id=signed_in.id)
            due.expires_at = timezone.now() - timedelta(seconds=1)
            for name, value in changes.items():
                setattr(due, name, value)
            due.save()


def test_secrets_survive_a_change_of_keys(harbor: Business) -> None:
    old, new = ("A" * 43 + "=", "B" * 43 + "=")
    try:
        with override_settings(FIELD_ENCRYPTION_KEYS=[old]):
            encryption._cipher.cache_clear()
            stored = encryption.encrypt("a token")
        with override_settings(FIELD_ENCRYPTION_KEYS=[new, old]):
            encryption._cipher.cache_clear()
            assert encryption.decrypt(stored) == "a token"
            renewed = encryption.encrypt("a token")
        with override_settings(FIELD_ENCRYPTION_KEYS=[new]):
            encryption._cipher.cache_clear()
            assert encryption.decrypt(renewed) == "a token"
    finally:
        encryption._cipher.cache_clear()


def test_what_is_set_half_is_refused(harbor: Business) -> None:
    for name, fields in {
        "openid_client_id": {"openid_issuer": "https://login.example"},
        "openid_issuer": {"openid_client_id": "x"},
        "identity_jwks_url": {"identity_jwks_url": "http://keys.example/"},
    }.items():
        with within(harbor.scope):
            for field, value in {
                "openid_issuer": "",
                "openid_client_id": "",
                "identity_jwks_url": "",
                **fields,
            }.items():
                setattr(harbor.bot, field, value)
            with pytest.raises(bots.ValidationError) as refused:
                bots.save_bot(harbor.bot)
        assert set(refused.value.message_dict) == {name}
