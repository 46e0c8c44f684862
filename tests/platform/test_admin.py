"""The web admin: who gets in, what each role may do, and that nothing of another tenant is ever there."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from chat import handoff, store
from chat.models import Conversation, Interaction, Message
from knowledge.data_apis import save_action, save_data_api
from knowledge.documents import save_document
from knowledge.faqs import save_faq
from knowledge.models import Action, DataApi, Document, Faq
from tenants import bots
from tenants.models import Member, User
from tenants.scope import within
from tests.conftest import PASSWORD, Business

SECRET = "a-secret-token-that-must-never-be-shown"
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


@pytest.fixture
def sign_in() -> Callable[..., Client]:
    return client_of


def client_of(business: Business, role: str = "owner") -> Client:
    client = Client()
    client.force_login(User.objects.get(id=business.members[role].user_id))
    return client


def furnish(business: Business, mark: str) -> dict[str, Any]:
    """One object of every kind, each with `mark` in its text."""
    with within(business.scope):
        faq = save_faq(Faq(group=business.bot, question=f"{mark} question?", answer=f"{mark} answer"), [f"{mark} phrasing"])
        document = save_document(business.bot.id, filename="a.md", data=b"# A\n\nText.", title=f"{mark} document")
        api = DataApi(group=business.bot, name=f"{mark} api", base_url="https://api.example.com", auth_secret=SECRET)
        save_data_api(api)
        action = Action(group=business.bot, data_api=api, name="stock", title=f"{mark} action", path="/stock", answer="{{ response }}")
        save_action(action)
        conversation, interaction = converse(business, f"{mark} said")
    return {
        "knowledge_faq": faq,
        "knowledge_document": document,
        "knowledge_dataapi": api,
        "knowledge_action": action,
        "chat_conversation": conversation,
        "chat_interaction": interaction,
        "tenants_bot": business.bot,
        "tenants_member": business.members["viewer"],
    }


def converse(business: Business, text: str) -> tuple[Conversation, Interaction]:
    """A question with the bot's answer and its explanation, waiting for a person. Needs the scope."""
    conversation, _ = store.open_conversation(business.bot)
    conversation = store.locked(business.bot.id, conversation.id)
    question = store.add_message(conversation, Message.Role.CUSTOMER, text)
    answer = store.add_message(conversation, Message.Role.BOT, "I do not know that.")
    interaction = Interaction.objects.create(
        group=business.bot,
        conversation_group=business.bot,
        conversation=conversation,
        question=text,
        question_id=question.id,
        answer_id=answer.id,
        answer=answer.text,
        route="unknown",
        confidence=0.31,
        reason="Nothing near enough was found.",
        retrieved=[{"title": "Opening hours", "text": "We open at nine.", "score": 0.4321, "heading_path": ["Shops"], "page": 3}],
        steps={"embed": 1.5, "search": 2.5},
        versions={"index": 12},
    )
    handoff.ask_for_person(business.bot.id, conversation.id)
    return conversation, interaction


def page(client: Client, name: str, *args: Any) -> str:
    response = client.get(reverse(f"admin:{name}", args=args))
    assert response.status_code == 200, (name, response.status_code)
    return response.content.decode()


def faq_form(business: Business, **changes: Any) -> dict[str, Any]:
    return {
        "group": business.bot.id,
        "question": "When are you open?",
        "answer": "From nine to five.",
        "alternates": "opening hours?\r\nare you open now",
        "language": "en",
        "enabled": "on",
    } | changes


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
        user, _ = User.objects.get_or_create(email="nobody@example.com", defaults={"is_superuser": True, "is_staff": True})
        user.set_password(PASSWORD)
        user.save()
        client = Client()
        text = client.post("/admin/login/", {"username": user.email, "password": PASSWORD}).content.decode()
        assert "does not belong to any business" in text
        client.force_login(user)
        assert client.get("/admin/").status_code == 302

    def test_a_member_of_two_tenants_works_for_one_at_a_time(
        self, meridian: Business, harbor: Business, sign_in: Callable[..., Client]
    ) -> None:
        shared = meridian.members["owner"].user
        with within(harbor.scope):
            bots.add_member(harbor.tenant.id, shared.email, "", "viewer")
        client = sign_in(meridian)
        client.get(reverse("admin:switch_tenant", args=[meridian.tenant.id]))
        at_meridian = page(client, "tenants_bot_changelist")
        assert meridian.bot.key in at_meridian
        assert harbor.bot.key not in at_meridian
        client.get(reverse("admin:switch_tenant", args=[harbor.tenant.id]))
        assert harbor.bot.key in page(client, "tenants_bot_changelist")
        assert client.post(reverse("admin:knowledge_faq_add"), faq_form(harbor)).status_code == 403


class TestApart:
    @pytest.mark.parametrize("name", LISTS)
    def test_no_list_shows_another_tenants_rows(
        self, meridian: Business, harbor: Business, sign_in: Callable[..., Client], name: str
    ) -> None:
        furnish(meridian, "Lighthouse")
        furnish(harbor, "Anchor")
        text = page(sign_in(harbor), f"{name}_changelist")
        assert "Lighthouse" not in text
        assert meridian.bot.key not in text
        assert "meridian.example" not in text

    def test_no_page_opens_another_tenants_object(
        self, meridian: Business, harbor: Business, sign_in: Callable[..., Client]
    ) -> None:
        theirs = furnish(meridian, "Lighthouse")
        mine, stranger = sign_in(meridian), sign_in(harbor)
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

    def test_overview_and_inbox_count_their_own_only(
        self, meridian: Business, harbor: Business, sign_in: Callable[..., Client]
    ) -> None:
        furnish(meridian, "Lighthouse")
        assert "Lighthouse said" in page(sign_in(meridian), "index")
        assert "Lighthouse said" in page(sign_in(meridian), "inbox")
        for name in ("index", "inbox"):
            assert "Lighthouse" not in page(sign_in(harbor), name)

    def test_a_posted_id_of_another_tenant_is_no_choice(
        self, meridian: Business, harbor: Business, sign_in: Callable[..., Client]
    ) -> None:
        client = sign_in(harbor)
        response = client.post(reverse("admin:knowledge_faq_add"), faq_form(meridian))
        assert response.status_code == 200
        assert "not one of the available choices" in response.content.decode()
        front = {"key": f"{harbor.bot.key}-two", "name": "Two", "greeting": "Hi", "fronted_by": meridian.bot.id}
        assert "not one of the available choices" in client.post(reverse("admin:tenants_bot_add"), front).content.decode()
        with within(meridian.scope):
            assert not Faq.objects.exists()

    def test_a_tenant_one_is_not_a_member_of_cannot_be_switched_to(
        self, meridian: Business, harbor: Business, sign_in: Callable[..., Client]
    ) -> None:
        assert sign_in(harbor).get(reverse("admin:switch_tenant", args=[meridian.tenant.id])).status_code == 404


class TestRoles:
    @pytest.mark.parametrize("role", Member.Role.values)
    def test_everything_in_the_sidebar_opens(
        self, meridian: Business, sign_in: Callable[..., Client], role: str
    ) -> None:
        furnish(meridian, "Lighthouse")
        client = sign_in(meridian, role)
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
        self, meridian: Business, sign_in: Callable[..., Client], role: str, teaches: bool, talks: bool, manages: bool
    ) -> None:
        rows = furnish(meridian, "Lighthouse")
        client = sign_in(meridian, role)
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

    def test_nothing_is_written_to_djangos_log(self, meridian: Business, sign_in: Callable[..., Client]) -> None:
        client = sign_in(meridian)
        assert client.post(reverse("admin:knowledge_faq_add"), faq_form(meridian)).status_code == 302
        with within(meridian.scope):
            faq = Faq.objects.get()
        client.post(reverse("admin:knowledge_faq_change", args=[faq.pk]), faq_form(meridian, answer="Changed."))
        client.post(reverse("admin:knowledge_faq_delete", args=[faq.pk]), {"post": "yes"})
        with within(meridian.scope):
            assert not Faq.objects.exists()
        assert not LogEntry.objects.exists()


class TestSecrets:
    def test_stored_secrets_are_on_no_page(self, meridian: Business, sign_in: Callable[..., Client]) -> None:
        rows = furnish(meridian, "Lighthouse")
        for role in Member.Role.values:
            client = sign_in(meridian, role)
            assert SECRET not in page(client, "knowledge_dataapi_change", rows["knowledge_dataapi"].pk)
            assert meridian.bot.identity_secret not in page(client, "tenants_bot_change", meridian.bot.pk)

    def test_a_secret_left_empty_stays_and_a_new_one_replaces_it(
        self, meridian: Business, sign_in: Callable[..., Client]
    ) -> None:
        api = furnish(meridian, "Lighthouse")["knowledge_dataapi"]
        form = {"name": "Renamed", "base_url": api.base_url, "auth_type": "bearer", "timeout_s": "4", "allowed_hosts": "", "new_secret": ""}
        client, address = sign_in(meridian), reverse("admin:knowledge_dataapi_change", args=[api.pk])
        assert client.post(address, form).status_code == 302
        with within(meridian.scope):
            api.refresh_from_db()
            assert (api.name, api.auth_secret) == ("Renamed", SECRET)
        assert client.post(address, form | {"new_secret": "another one"}).status_code == 302
        with within(meridian.scope):
            api.refresh_from_db()
            assert api.auth_secret == "another one"

    def test_an_api_key_is_shown_once_and_can_be_revoked(
        self, meridian: Business, sign_in: Callable[..., Client]
    ) -> None:
        client = sign_in(meridian)
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
    def test_a_new_member_can_sign_in(self, meridian: Business, sign_in: Callable[..., Client]) -> None:
        cache.clear()
        email = f"new-{meridian.bot.key}@example.com"
        form = {"email": email, "name": "Noor", "role": "viewer", "password": "short"}
        client, address = sign_in(meridian), reverse("admin:tenants_member_add")
        assert "too short" in client.post(address, form).content.decode()
        assert "choose a first password" in client.post(address, form | {"password": ""}).content.decode()
        assert client.post(address, form | {"password": PASSWORD}).status_code == 302
        assert Client().post("/admin/login/", {"username": email, "password": PASSWORD}).status_code == 302
        again = client.post(address, form | {"password": PASSWORD}).content.decode()
        assert "is a member already" in again

    def test_only_owners_make_owners_and_the_last_one_stays(
        self, meridian: Business, sign_in: Callable[..., Client]
    ) -> None:
        owner, viewer = meridian.members["owner"], meridian.members["viewer"]
        admin, boss = sign_in(meridian, "admin"), sign_in(meridian)
        change = reverse("admin:tenants_member_change", args=[viewer.pk])
        assert "not one of the available choices" in admin.post(change, {"role": "owner"}).content.decode()
        assert admin.post(reverse("admin:tenants_member_change", args=[owner.pk]), {"role": "viewer"}).status_code == 403
        refused = boss.post(reverse("admin:tenants_member_change", args=[owner.pk]), {"role": "viewer"})
        assert "the only owner" in refused.content.decode()
        assert boss.post(change, {"role": "owner"}).status_code == 302
        with within(meridian.scope):
            assert Member.objects.get(id=viewer.id).role == "owner"
        assert boss.post(reverse("admin:tenants_member_delete", args=[viewer.pk]), {"post": "yes"}).status_code == 302
        assert User.objects.filter(id=viewer.user_id).exists()
        assert sign_in(meridian, "viewer").get("/admin/").status_code == 302
