"""The web admin: who gets in, what each role may do, and that nothing of another tenant is ever there."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from chat.models import Conversation
from knowledge.models import Faq
from tenants import bots
from tenants.models import Member, User
from tenants.scope import within
from tests.conftest import PASSWORD, Business
from tests.platform.admin_pages import client_of, faq_form, furnish, page

LISTS = (
    "knowledge_faq",
    "knowledge_document",
    "knowledge_dataapi",
    "knowledge_action",
    "chat_conversation",
    "chat_interaction",
    "tenants_bot",
    "tenants_member",
    "tenants_apikey",
)


class TestSigningIn:
    def test_a_stranger_is_sent_to_the_login_page(self) -> None:
        response = Client().get("/admin/knowledge/faq/")
        assert response.status_code == 302
        assert response["Location"].startswith("/admin/login/")
        assert b"Switchboard" in Client().get("/admin/login/").content

    def test_a_member_signs_in_with_email_and_password(self, meridian: Business) -> None:
        cache.clear()
        client = Client()
        credentials = {"username": meridian.members["agent"].user.email.upper(), "password": PASSWORD}
        response = client.post("/admin/login/?next=/admin/inbox/", credentials)
        assert response.status_code == 302
        assert response["Location"] == "/admin/inbox/"
        assert "Meridian Bank" in page(client, "index")

    def test_a_wrong_password_is_refused_and_guessing_is_slowed_down(self, meridian: Business) -> None:
        cache.clear()
        wrong = {"username": meridian.members["agent"].user.email, "password": "not-the-password"}
        refused = Client().post("/admin/login/", wrong).content.decode()
        assert "do not match" in refused
        texts = [Client().post("/admin/login/", wrong).content.decode() for _ in range(6)]
        assert "Too many failed login attempts" in texts[-1]
        cache.clear()

    def test_somebody_without_a_membership_gets_nowhere(self) -> None:
        cache.clear()
        user, _ = User.objects.get_or_create(
            email="nobody@example.com", defaults={"is_superuser": True, "is_staff": True}
        )
        user.set_password(PASSWORD)
        user.save()
        client = Client()
        text = client.post("/admin/login/", {"username": user.email, "password": PASSWORD}).content.decode()
        assert "does not belong to any business" in text
        client.force_login(user)
        assert client.get("/admin/").status_code == 302

    def test_a_member_of_two_tenants_works_for_one_at_a_time(self, meridian: Business, harbor: Business) -> None:
        shared = meridian.members["owner"].user
        with within(harbor.scope):
            bots.add_member(harbor.tenant.id, shared.email, "", "viewer")
        client = client_of(meridian)
        client.get(reverse("admin:switch_tenant", args=[meridian.tenant.id]))
        at_meridian = page(client, "tenants_bot_changelist")
        assert meridian.bot.key in at_meridian
        assert harbor.bot.key not in at_meridian
        client.get(reverse("admin:switch_tenant", args=[harbor.tenant.id]))
        assert harbor.bot.key in page(client, "tenants_bot_changelist")
        assert client.post(reverse("admin:knowledge_faq_add"), faq_form(harbor)).status_code == 403


class TestApart:
    @pytest.mark.parametrize("name", LISTS)
    def test_no_list_shows_another_tenants_rows(self, meridian: Business, harbor: Business, name: str) -> None:
        furnish(meridian, "Lighthouse")
        furnish(harbor, "Anchor")
        text = page(client_of(harbor), f"{name}_changelist")
        assert "Lighthouse" not in text
        assert meridian.bot.key not in text
        assert "meridian.example" not in text

    def test_no_page_opens_another_tenants_object(self, meridian: Business, harbor: Business) -> None:
        theirs = furnish(meridian, "Lighthouse")
        mine, stranger = client_of(meridian), client_of(harbor)
        for name, row in theirs.items():
            assert mine.get(reverse(f"admin:{name}_change", args=[row.pk])).status_code == 200, name
            for view in ("change", "delete", "history"):
                assert stranger.get(reverse(f"admin:{name}_{view}", args=[row.pk])).status_code in (403, 404), name
            assert stranger.post(reverse(f"admin:{name}_change", args=[row.pk]), {}).status_code in (403, 404), name
        talk = theirs["chat_conversation"].pk
        assert stranger.get(reverse("admin:inbox_conversation", args=[talk])).status_code == 404
        assert stranger.get(reverse("admin:inbox_conversation_live", args=[talk])).status_code == 404
        for verb in ("take", "reply", "release", "resolve"):
            assert stranger.post(reverse("admin:inbox_act", args=[talk, verb]), {"text": "Hi"}).status_code == 404
        retry = reverse("admin:knowledge_document_retry", args=[theirs["knowledge_document"].pk])
        assert stranger.post(retry).status_code == 404
        with within(meridian.scope):
            assert Conversation.objects.get(id=talk).state == "waiting"

    def test_overview_and_inbox_count_their_own_only(self, meridian: Business, harbor: Business) -> None:
        furnish(meridian, "Lighthouse")
        assert "Lighthouse said" in page(client_of(meridian), "index")
        assert "Lighthouse said" in page(client_of(meridian), "inbox")
        for name in ("index", "inbox"):
            assert "Lighthouse" not in page(client_of(harbor), name)

    def test_a_posted_id_of_another_tenant_is_no_choice(self, meridian: Business, harbor: Business) -> None:
        client = client_of(harbor)
        response = client.post(reverse("admin:knowledge_faq_add"), faq_form(meridian))
        assert response.status_code == 200
        assert "not one of the available choices" in response.content.decode()
        front = {"key": f"{harbor.bot.key}-two", "name": "Two", "greeting": "Hi", "fronted_by": meridian.bot.id}
        assert (
            "not one of the available choices" in client.post(reverse("admin:tenants_bot_add"), front).content.decode()
        )
        with within(meridian.scope):
            assert not Faq.objects.exists()

    def test_a_tenant_one_is_not_a_member_of_cannot_be_switched_to(self, meridian: Business, harbor: Business) -> None:
        assert client_of(harbor).get(reverse("admin:switch_tenant", args=[meridian.tenant.id])).status_code == 404


class TestRoles:
    @pytest.mark.parametrize("role", Member.Role.values)
    def test_everything_in_the_sidebar_opens(self, meridian: Business, role: str) -> None:
        furnish(meridian, "Lighthouse")
        client = client_of(meridian, role)
        sidebar = page(client, "index").split('id="nav-sidebar-apps"')[1].split("</nav>")[0]
        links = set(re.findall(r'href="(/admin/[a-z/]*)"', sidebar))
        assert len(links) >= 8
        assert ("/admin/tenants/member/" in links) == (role in ("owner", "admin"))
        for link in links:
            assert client.get(link).status_code == 200, link

    @pytest.mark.parametrize(
        ("role", "teaches", "talks", "manages"),
        [
            ("owner", True, True, True),
            ("admin", True, True, True),
            ("knowledge_admin", True, False, False),
            ("agent", False, True, False),
            ("viewer", False, False, False),
        ],
    )
    def test_what_each_role_may_change(
        self, meridian: Business, role: str, teaches: bool, talks: bool, manages: bool
    ) -> None:
        rows = furnish(meridian, "Lighthouse")
        client = client_of(meridian, role)
        faq = client.post(reverse("admin:knowledge_faq_add"), faq_form(meridian))
        assert faq.status_code == (302 if teaches else 403)
        for name in ("knowledge_faq", "knowledge_document", "knowledge_dataapi", "knowledge_action"):
            change = client.get(reverse(f"admin:{name}_change", args=[rows[name].pk]))
            assert change.status_code == 200
            assert (b'name="_save"' in change.content) == teaches, name
            delete = client.get(reverse(f"admin:{name}_delete", args=[rows[name].pk]))
            assert delete.status_code == (200 if teaches else 403), name
        taken = client.post(reverse("admin:inbox_act", args=[rows["chat_conversation"].pk, "take"]))
        assert taken.status_code == (302 if talks else 403)
        assert client.get(reverse("admin:tenants_bot_add")).status_code == (200 if manages else 403)
        for name in ("tenants_member_changelist", "tenants_member_add", "tenants_apikey_add"):
            assert client.get(reverse(f"admin:{name}")).status_code == (200 if manages else 403), name

    def test_nothing_is_written_to_djangos_log(self, meridian: Business) -> None:
        client = client_of(meridian)
        assert client.post(reverse("admin:knowledge_faq_add"), faq_form(meridian)).status_code == 302
        with within(meridian.scope):
            faq = Faq.objects.get()
        client.post(reverse("admin:knowledge_faq_change", args=[faq.pk]), faq_form(meridian, answer="Changed."))
        client.post(reverse("admin:knowledge_faq_delete", args=[faq.pk]), {"post": "yes"})
        with within(meridian.scope):
            assert not Faq.objects.exists()
        assert not LogEntry.objects.exists()
