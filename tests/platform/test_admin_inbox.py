"""The inbox and the records of conversations in the web admin."""

import html
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from chat.models import Conversation, Message
from tenants.scope import within
from tests.conftest import Business
from tests.platform.admin_pages import client_of, converse, page


@pytest.fixture
def talk(meridian: Business) -> Conversation:
    with within(meridian.scope):
        return converse(meridian, "I want to speak to a person")[0]


def act(client: Client, talk: Conversation, verb: str, **data: Any) -> Any:
    return client.post(reverse("admin:inbox_act", args=[talk.pk, verb]), data)


def state_of(business: Business, talk: Conversation) -> str:
    with within(business.scope):
        return Conversation.objects.get(id=talk.id).state


def test_a_conversation_is_taken_answered_released_and_resolved(meridian: Business, talk: Conversation) -> None:
    agent = client_of(meridian, "agent")
    assert "I want to speak to a person" in page(agent, "inbox")
    assert act(agent, talk, "take").status_code == 302
    assert state_of(meridian, talk) == "person"
    assert "Nobody is waiting" in page(agent, "inbox")
    assert act(agent, talk, "reply", text="Hello, I am here.").status_code == 302
    with within(meridian.scope):
        said = Message.objects.get(conversation_group=meridian.bot, role="person")
        assert (said.text, said.author) == ("Hello, I am here.", str(meridian.members["agent"]))
    assert "Hello, I am here." in page(agent, "inbox_conversation", talk.pk)
    assert act(agent, talk, "release").status_code == 302
    assert state_of(meridian, talk) == "bot"
    assert act(agent, talk, "take").status_code == 302
    assert act(agent, talk, "resolve").status_code == 302
    assert state_of(meridian, talk) == "resolved"
    assert "is resolved" in act(agent, talk, "reply", text="One more thing").content.decode()


def test_a_colleague_cannot_talk_over_the_one_who_took_it_and_keeps_the_draft(
    meridian: Business, talk: Conversation
) -> None:
    agent, admin = client_of(meridian, "agent"), client_of(meridian, "admin")
    act(agent, talk, "take")
    refused = html.unescape(act(admin, talk, "reply", text="My long draft").content.decode())
    assert f"{meridian.members['agent']} has taken this conversation." in refused
    assert "My long draft" in refused
    for verb in ("take", "release", "resolve"):
        assert "has taken this conversation" in act(admin, talk, verb).content.decode()
    assert state_of(meridian, talk) == "person"
    with within(meridian.scope):
        assert not Message.objects.filter(conversation_group=meridian.bot, role="person").exists()


def test_an_empty_or_huge_reply_is_refused(meridian: Business, talk: Conversation) -> None:
    agent = client_of(meridian, "agent")
    assert "Say something first." in act(agent, talk, "reply", text="  ").content.decode()
    assert "At most 4,000 characters" in act(agent, talk, "reply", text="x" * 4001).content.decode()
    assert state_of(meridian, talk) == "waiting"


def test_acting_needs_a_post_and_a_known_verb(meridian: Business, talk: Conversation) -> None:
    agent = client_of(meridian, "agent")
    assert agent.get(reverse("admin:inbox_act", args=[talk.pk, "take"])).status_code == 405
    assert act(agent, talk, "explode").status_code == 404


def test_the_pages_ask_for_news_and_get_only_what_changed(meridian: Business, talk: Conversation) -> None:
    agent = client_of(meridian, "agent")
    address = reverse("admin:inbox_conversation_live", args=[talk.pk])
    first = agent.get(address).json()
    assert "I want to speak to a person" in first["parts"]["transcript"]
    assert "Take it" in first["parts"]["controls"]
    assert agent.get(address, {"seen": first["seen"]}).json() == {"seen": first["seen"]}
    act(client_of(meridian, "admin"), talk, "take")
    news = agent.get(address, {"seen": first["seen"]}).json()
    assert "Take it" not in news["parts"]["controls"]
    listed = agent.get(reverse("admin:inbox_live"), {"tab": "others"}).json()
    assert listed["waiting"] == 0
    assert "I want to speak to a person" in listed["parts"]["list"]


def test_who_waits_longest_comes_first(meridian: Business) -> None:
    with within(meridian.scope):
        first, _ = converse(meridian, "The first to wait")
        second, _ = converse(meridian, "The second to wait")
        Conversation.objects.filter(id=first.id).update(updated_at=second.updated_at)
    text = page(client_of(meridian, "agent"), "inbox")
    assert text.index("The first to wait") < text.index("The second to wait")


def test_every_answer_is_explained(meridian: Business, talk: Conversation) -> None:
    viewer = client_of(meridian, "viewer")
    shown = page(viewer, "chat_conversation_change", talk.pk)
    for fact in (
        "Nothing near enough was found.",
        "31% sure",
        "Opening hours",
        "0.432",
        "Shops, page 3",
        "1.5 ms",
        "index",
    ):
        assert fact in shown, fact
    with within(meridian.scope):
        interaction = talk.interactions.get(conversation_group=meridian.bot)
    alone = page(viewer, "chat_interaction_change", interaction.pk)
    assert "Nothing near enough was found." in alone
    assert reverse("admin:chat_conversation_change", args=[talk.pk]) in alone


def test_conversations_are_filtered_by_state_and_searched(meridian: Business, talk: Conversation) -> None:
    viewer, address = client_of(meridian, "viewer"), reverse("admin:chat_conversation_changelist")

    def shows(**query: str) -> bool:
        return "I want to speak to a person" in viewer.get(address, query).content.decode()

    assert shows(state="waiting")
    assert not shows(state="bot")
    act(client_of(meridian, "agent"), talk, "take")
    assert shows(state="person")
    assert not shows(state="waiting")
    assert shows(q="speak")
    assert not shows(q="zebra")


def test_what_a_customer_writes_is_text_and_never_markup(meridian: Business) -> None:
    with within(meridian.scope):
        talk, interaction = converse(meridian, "<script>alert(1)</script><img src=x onerror=alert(2)>")
    owner = client_of(meridian, "owner")
    pages = [
        page(owner, "inbox"),
        page(owner, "inbox_conversation", talk.pk),
        page(owner, "chat_conversation_change", talk.pk),
        page(owner, "chat_interaction_change", interaction.pk),
        page(owner, "chat_interaction_changelist"),
        page(owner, "index"),
    ]
    for text in pages:
        assert "<script>alert" not in text
        assert "<img src=x" not in text


def test_records_cannot_be_changed_or_deleted(meridian: Business, talk: Conversation) -> None:
    owner = client_of(meridian, "owner")
    assert owner.post(reverse("admin:chat_conversation_delete", args=[talk.pk]), {"post": "yes"}).status_code == 403
    assert owner.get(reverse("admin:chat_conversation_add")).status_code == 403
