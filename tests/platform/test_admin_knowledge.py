"""Teaching in the web admin: FAQs, import, documents, data APIs and actions, with every refusal as a form error."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from knowledge.models import Action, DataApi, Document, Faq
from tenants import resolve
from tenants.models import Bot
from tenants.scope import within
from tests.conftest import Business
from tests.platform.admin_pages import client_of, faq_form, furnish, page


@pytest.fixture
def owner(meridian: Business) -> Client:
    return client_of(meridian)


def test_a_faq_with_phrasings_is_added_and_changed(meridian: Business, owner: Client) -> None:
    assert owner.post(reverse("admin:knowledge_faq_add"), faq_form(meridian)).status_code == 302
    with within(meridian.scope):
        faq = Faq.objects.get()
        assert sorted(faq.phrasings.values_list("text", flat=True)) == ["are you open now", "opening hours?"]
    assert "are you open now" in page(owner, "knowledge_faq_change", faq.pk)
    changed = faq_form(meridian, answer="Never.", alternates="opening hours?")
    assert owner.post(reverse("admin:knowledge_faq_change", args=[faq.pk]), changed).status_code == 302
    with within(meridian.scope):
        faq.refresh_from_db()
        assert (faq.answer, faq.revision) == ("Never.", 2)
        assert list(faq.phrasings.values_list("text", flat=True)) == ["opening hours?"]


def test_what_the_verb_refuses_is_an_error_at_its_field_and_changes_nothing(meridian: Business, owner: Client) -> None:
    address = reverse("admin:knowledge_faq_add")
    assert owner.post(address, faq_form(meridian, external_id="hours")).status_code == 302
    again = owner.post(address, faq_form(meridian, question="Other?", external_id="hours"))
    assert "Another FAQ of this bot has the ID" in again.content.decode()
    assert "Other?" in again.content.decode()
    too_long = owner.post(address, faq_form(meridian, alternates="x" * 1001)).content.decode()
    assert "Entry 1 is too long" in too_long
    with within(meridian.scope):
        assert Faq.objects.count() == 1


def test_faqs_are_found_by_phrasing_and_filtered_by_state(
    meridian: Business, owner: Client, settle: Callable[..., None]
) -> None:
    furnish(meridian, "Lighthouse")
    address = reverse("admin:knowledge_faq_changelist")

    def shows(**query: str) -> bool:
        return "Lighthouse question?" in owner.get(address, query).content.decode()

    assert shows(q="lighthouse phrasing")
    assert not shows(q="something else")
    assert shows(state="indexing")
    assert not shows(state="ready")
    settle(meridian)
    assert shows(state="ready")
    assert not shows(state="off")


def test_an_import_keeps_good_rows_and_names_bad_ones(meridian: Business, owner: Client) -> None:
    upload = SimpleUploadedFile("faqs.csv", b"question,answer,alternates\nOpen?,Yes.,open now|closed?\nNo answer,,\n")
    address = reverse("admin:knowledge_faq_import")
    report = owner.post(address, {"bot": meridian.bot.id, "file": upload}).content.decode()
    assert "1 added" in report
    assert '<td data-label="Line">3</td><td data-label="Column">answer</td>' in report
    with within(meridian.scope):
        assert Faq.objects.get().phrasings.count() == 2
    unreadable = SimpleUploadedFile("faqs.csv", b"%PDF-1.4")
    assert "not a text file" in owner.post(address, {"bot": meridian.bot.id, "file": unreadable}).content.decode()
    good = SimpleUploadedFile("faqs.csv", b"question,answer\nLate?,No.\n")
    assert owner.post(address, {"bot": meridian.bot.id, "file": good}).status_code == 302


def test_an_import_cannot_reach_another_tenants_bot(meridian: Business, harbor: Business, owner: Client) -> None:
    upload = SimpleUploadedFile("faqs.csv", b"question,answer\nOpen?,Yes.\n")
    refused = owner.post(reverse("admin:knowledge_faq_import"), {"bot": harbor.bot.id, "file": upload})
    assert "not one of the available choices" in refused.content.decode()
    with within(harbor.scope):
        assert not Faq.objects.exists()


def test_a_document_is_uploaded_read_shown_and_replaced(
    meridian: Business, owner: Client, settle: Callable[..., None]
) -> None:
    upload = SimpleUploadedFile("fees.md", b"# Fees\n\n## Cards\n\nA new card costs ten euros.\n")
    form: dict[str, Any] = {"group": meridian.bot.id, "title": "Fees", "file": upload}
    assert owner.post(reverse("admin:knowledge_document_add"), form).status_code == 302
    with within(meridian.scope):
        document = Document.objects.get()
    assert "Waiting to be read" in page(owner, "knowledge_document_change", document.pk)
    settle(meridian)
    ready = page(owner, "knowledge_document_change", document.pk)
    assert "Ready: questions are answered from it" in ready
    assert "A new card costs ten euros." in ready
    assert "Cards" in ready
    replaced = {"title": "Fees of 2026", "text": "# Fees\n\nA new card costs twelve euros."}
    assert owner.post(reverse("admin:knowledge_document_change", args=[document.pk]), replaced).status_code == 302
    settle(meridian)
    after = page(owner, "knowledge_document_change", document.pk)
    assert "twelve euros" in after
    assert "ten euros" not in after
    assert "Fees of 2026" in after


def test_a_document_that_cannot_be_read_says_why_and_is_tried_again(
    meridian: Business, owner: Client, settle: Callable[..., None]
) -> None:
    upload = SimpleUploadedFile("photo.pdf", b"\x89PNG\r\n\x1a\n not a pdf")
    form: dict[str, Any] = {"group": meridian.bot.id, "file": upload}
    assert owner.post(reverse("admin:knowledge_document_add"), form).status_code == 302
    settle(meridian)
    with within(meridian.scope):
        document = Document.objects.get()
        assert document.state == "failed"
        assert document.error
    failed = page(owner, "knowledge_document_change", document.pk)
    assert "could not be read" in failed
    assert document.error.split(".")[0] in failed
    assert "Look at failed documents" in page(owner, "index")
    retry = reverse("admin:knowledge_document_retry", args=[document.pk])
    assert owner.get(retry).status_code == 405
    assert owner.post(retry).status_code == 302
    with within(meridian.scope):
        document.refresh_from_db()
        assert document.state == "queued"


def test_an_id_that_another_document_has_is_refused(meridian: Business, owner: Client) -> None:
    form = {"group": meridian.bot.id, "title": "One", "text": "Text.", "external_id": "policy"}
    add = reverse("admin:knowledge_document_add")
    assert owner.post(add, form).status_code == 302
    assert "Another document of this bot has the ID" in owner.post(add, form | {"title": "Two"}).content.decode()
    assert owner.post(add, form | {"title": "Two", "external_id": ""}).status_code == 302
    with within(meridian.scope):
        other = Document.objects.get(title="Two")
    renamed = {"title": "Two", "external_id": "policy"}
    refused = owner.post(reverse("admin:knowledge_document_change", args=[other.pk]), renamed)
    assert "Another document of this bot has the ID" in refused.content.decode()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "Choose a file, or paste the text below."),
        ({"text": "Hello."}, "A pasted text needs a title."),
        ({"file": SimpleUploadedFile("empty.txt", b"")}, "empty"),
        ({"text": "Hello.", "title": "T", "file": SimpleUploadedFile("a.txt", b"A")}, "not both"),
    ],
)
def test_a_document_without_content_is_refused(
    meridian: Business, owner: Client, given: dict[str, Any], message: str
) -> None:
    response = owner.post(reverse("admin:knowledge_document_add"), {"group": meridian.bot.id, "title": "", **given})
    assert response.status_code == 200
    assert message in response.content.decode()
    with within(meridian.scope):
        assert not Document.objects.exists()


def test_broken_json_and_refused_parameters_are_named(meridian: Business, owner: Client) -> None:
    rows = furnish(meridian, "Lighthouse")
    form = {
        "group": meridian.bot.id,
        "data_api": rows["knowledge_dataapi"].pk,
        "name": "orders",
        "title": "Orders",
        "method": "GET",
        "path": "/orders",
        "parameters": '[\n  {"name": "number",}\n]',
        "examples": "Where is my order?",
        "answer": "{{ response.state }}",
        "enabled": "on",
    }
    address = reverse("admin:knowledge_action_add")
    assert "This is not valid JSON: line 2" in owner.post(address, form).content.decode()
    wrong_type = form | {"parameters": '[{"name": "number", "in": "query", "type": "colour"}]'}
    refused = owner.post(address, wrong_type)
    assert refused.status_code == 200
    assert "colour" in refused.content.decode()
    right = form | {"parameters": '[{"name": "number", "in": "query", "type": "string"}]'}
    assert owner.post(address, right).status_code == 302
    with within(meridian.scope):
        assert Action.objects.get(name="orders").parameters[0]["name"] == "number"
        assert Action.objects.get(name="orders").examples == ["Where is my order?"]


def test_deleting_a_data_api_takes_its_actions(meridian: Business, owner: Client) -> None:
    rows = furnish(meridian, "Lighthouse")
    address = reverse("admin:knowledge_dataapi_delete", args=[rows["knowledge_dataapi"].pk])
    assert owner.post(address, {"post": "yes"}).status_code == 302
    with within(meridian.scope):
        assert not DataApi.objects.exists()
        assert not Action.objects.exists()


def test_a_bot_is_made_and_changed(meridian: Business, owner: Client) -> None:
    key = f"{meridian.bot.key}-cards"
    form = {
        "key": key,
        "name": "Cards",
        "greeting": "Hello!",
        "suggestions": "Lost card?\r\nNew card?",
        "languages": "en",
        "allowed_origins": "https://www.example.com/",
        "color": "#0a7a5a",
        "fronted_by": meridian.bot.id,
    }
    assert owner.post(reverse("admin:tenants_bot_add"), form).status_code == 302
    assert key in page(owner, "tenants_bot_changelist")
    bot = _bot(owner, key)
    embed = page(owner, "tenants_bot_change", bot)
    assert f"data-bot=&quot;{key}&quot;" in embed or f'data-bot="{key}"' in embed
    bad = owner.post(reverse("admin:tenants_bot_change", args=[bot]), form | {"allowed_origins": "example.com"})
    assert "is not a website&#x27;s address" in bad.content.decode()
    short = owner.post(reverse("admin:tenants_bot_change", args=[bot]), form | {"new_secret": "short"})
    assert "at least 32 characters" in short.content.decode()
    taken = owner.post(reverse("admin:tenants_bot_add"), form)
    assert "already" in taken.content.decode()


def _bot(client: Client, key: str) -> str:
    found = resolve.bot(key)
    assert found is not None
    with within(found.scope):
        bot = Bot.objects.get(id=found.group_id)
        assert bot.suggestions == ["Lost card?", "New card?"]
        assert bot.allowed_origins == ["https://www.example.com"]
        assert bot.theme["color"] == "#0a7a5a"
    return str(bot.id)
