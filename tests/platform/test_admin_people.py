"""Secrets, API keys and members in the web admin."""

import re

from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from tenants import bots
from tenants.models import Member, User
from tenants.scope import within
from tests.conftest import PASSWORD, Business
from tests.platform.admin_pages import SECRET, client_of, furnish, page


class TestSecrets:
    def test_stored_secrets_are_on_no_page(self, meridian: Business) -> None:
        rows = furnish(meridian, "Lighthouse")
        with within(meridian.scope):
            meridian.bot.openid_issuer, meridian.bot.openid_client_id = "https://login.example", "chat"
            meridian.bot.openid_client_secret = "the client's secret"
            bots.save_bot(meridian.bot)
        for role in Member.Role.values:
            client = client_of(meridian, role)
            assert SECRET not in page(client, "knowledge_dataapi_change", rows["knowledge_dataapi"].pk)
            shown = page(client, "tenants_bot_change", meridian.bot.pk)
            assert f"/api/v1/bots/{meridian.bot.key}/sign-in/callback" in shown
            for secret in (meridian.bot.identity_secret, "the client's secret", "the client&#x27;s secret"):
                assert secret not in shown

    def test_a_secret_left_empty_stays_and_a_new_one_replaces_it(self, meridian: Business) -> None:
        api = furnish(meridian, "Lighthouse")["knowledge_dataapi"]
        form = {
            "name": "Renamed",
            "base_url": api.base_url,
            "auth_type": "bearer",
            "timeout_s": "4",
            "allowed_hosts": "",
            "new_secret": "",
        }
        client, address = client_of(meridian), reverse("admin:knowledge_dataapi_change", args=[api.pk])
        assert client.post(address, form).status_code == 302
        with within(meridian.scope):
            api.refresh_from_db()
            assert (api.name, api.auth_secret) == ("Renamed", SECRET)
        assert client.post(address, form | {"new_secret": "another one"}).status_code == 302
        with within(meridian.scope):
            api.refresh_from_db()
            assert api.auth_secret == "another one"

    def test_an_api_key_is_shown_once_and_can_be_revoked(self, meridian: Business) -> None:
        client = client_of(meridian)
        made = client.post(reverse("admin:tenants_apikey_add"), {"name": "Import job"}).content.decode()
        secret = re.search(r'id="new-secret">([^<]+)<', made)[1]  # type: ignore[index]
        assert Client().get("/api/v1/faqs", headers={"Authorization": f"Bearer {secret}"}).status_code == 200
        assert secret not in page(client, "tenants_apikey_changelist")
        key = re.search(r"/admin/tenants/apikey/([0-9a-f-]{36})/", page(client, "tenants_apikey_changelist"))[1]  # type: ignore[index]
        assert secret not in page(client, "tenants_apikey_change", key)
        assert client.get(reverse("admin:tenants_apikey_revoke", args=[key])).status_code == 405
        assert client.post(reverse("admin:tenants_apikey_revoke", args=[key])).status_code == 302
        assert Client().get("/api/v1/faqs", headers={"Authorization": f"Bearer {secret}"}).status_code == 401


class TestPeople:
    def test_a_new_member_can_client_of(self, meridian: Business) -> None:
        cache.clear()
        email = f"new-{meridian.bot.key}@example.com"
        form = {"email": email, "name": "Noor", "role": "viewer", "password": "short"}
        client, address = client_of(meridian), reverse("admin:tenants_member_add")
        assert "too short" in client.post(address, form).content.decode()
        assert "choose a first password" in client.post(address, form | {"password": ""}).content.decode()
        assert client.post(address, form | {"password": PASSWORD}).status_code == 302
        assert Client().post("/admin/login/", {"username": email, "password": PASSWORD}).status_code == 302
        again = client.post(address, form | {"password": PASSWORD}).content.decode()
        assert "is a member already" in again

    def test_only_owners_make_owners_and_the_last_one_stays(self, meridian: Business) -> None:
        owner, viewer = meridian.members["owner"], meridian.members["viewer"]
        admin, boss = client_of(meridian, "admin"), client_of(meridian)
        change = reverse("admin:tenants_member_change", args=[viewer.pk])
        assert "not one of the available choices" in admin.post(change, {"role": "owner"}).content.decode()
        assert (
            admin.post(reverse("admin:tenants_member_change", args=[owner.pk]), {"role": "viewer"}).status_code == 403
        )
        refused = boss.post(reverse("admin:tenants_member_change", args=[owner.pk]), {"role": "viewer"})
        assert "the only owner" in refused.content.decode()
        assert boss.post(change, {"role": "owner"}).status_code == 302
        with within(meridian.scope):
            assert Member.objects.get(id=viewer.id).role == "owner"
        assert boss.post(reverse("admin:tenants_member_delete", args=[viewer.pk]), {"post": "yes"}).status_code == 302
        assert User.objects.filter(id=viewer.user_id).exists()
        assert client_of(meridian, "viewer").get("/admin/").status_code == 302
