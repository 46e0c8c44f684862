"""A knowledge admin changes what a bot knows, and the very next answers are right, in a page that is never reloaded."""

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.admin_page import delete, save, sign_in
from tests.browser.conftest import Visits
from tests.browser.widget_page import Widget
from tests.platform_processes import Platform

CATCHING_UP_S = 10.0


@pytest.fixture
def editor(platform: Platform, visits: Visits) -> Page:
    return sign_in(visits(), platform, "harbor", "knowledge_admin")


@pytest.fixture
def customer(platform: Platform, visits: Visits) -> Iterator[Widget]:
    """A customer in the middle of a visit, whose page is loaded once."""
    page = visits(platform.harbor)
    loads: list[str] = []
    page.on("load", lambda _: loads.append(page.url))
    yield Widget(page).open()
    assert loads == []


def test_an_edited_faq_answers_at_once_and_a_deleted_one_no_more(
    platform: Platform, editor: Page, customer: Widget
) -> None:
    question = "Do you lend binoculars to birdwatchers?"
    editor.goto(f"{platform.url}/admin/knowledge/faq/add/")
    editor.get_by_label("Bot").select_option(label="Harbor")
    editor.get_by_label("Question").fill(question)
    editor.get_by_label("Answer").fill("Yes, for 12 euro a day at the Galway shop.")
    save(editor)
    ask_until(customer, question, "12 euro a day")

    find(editor, platform, "faq", question)
    editor.get_by_label("Answer").fill("Yes, for 15 euro a day at both shops.")
    save(editor)
    ask_until(customer, question, "15 euro a day")

    find(editor, platform, "faq", question)
    delete(editor)
    expect(customer.ask(question)).not_to_contain_text(re.compile("1[25] euro a day"))


def test_an_edited_document_answers_at_once_and_a_deleted_one_no_more(
    platform: Platform, editor: Page, customer: Widget
) -> None:
    title, question = "Kayak storage on the quay", "What does it cost to store a kayak on the quay?"
    text = "# Kayak storage on the quay\n\nTo store a kayak on the quay costs {} euro a month. Ask at the Galway shop."
    editor.goto(f"{platform.url}/admin/knowledge/document/add/")
    editor.get_by_label("Bot").select_option(label="Harbor")
    editor.locator("[name=text]").fill(text.format(31))
    editor.get_by_label("Title").fill(title)
    save(editor)
    ask_until(customer, question, "31 euro a month")

    find(editor, platform, "document", title)
    editor.locator("[name=text]").evaluate("field => { field.closest('details')?.setAttribute('open', '') }")
    editor.locator("[name=text]").fill(text.format(47))
    save(editor)
    ask_until(customer, question, "47 euro a month")

    find(editor, platform, "document", title)
    delete(editor)
    expect(customer.ask(question)).not_to_contain_text(re.compile("(31|47) euro a month"))


def test_a_viewer_reads_and_cannot_change(platform: Platform, visits: Visits) -> None:
    viewer = sign_in(visits(), platform, "harbor", "viewer")
    viewer.goto(f"{platform.url}/admin/knowledge/faq/")
    viewer.locator("#result_list a[href*='/change/']").first.click()
    expect(viewer.get_by_text("Answer", exact=True).first).to_be_visible()
    expect(viewer.locator("[name=_save]")).to_have_count(0)
    expect(viewer.locator("textarea")).to_have_count(0)
    refused = viewer.goto(f"{platform.url}/admin/knowledge/faq/add/")
    assert refused is not None
    assert refused.status == 403


def test_what_belongs_to_another_business_is_not_found(platform: Platform, visits: Visits, editor: Page) -> None:
    banker = sign_in(visits(), platform, "meridian", "knowledge_admin")
    banker.goto(f"{platform.url}/admin/knowledge/faq/")
    address = banker.locator("#result_list a[href*='/change/']").first.get_attribute("href")
    for member, status in ((banker, 200), (editor, 404)):
        shown = member.goto(f"{platform.url}{address}")
        assert shown is not None
        assert shown.status == status
    expect(editor.locator("body")).not_to_contain_text("Meridian")


def find(editor: Page, platform: Platform, kind: str, text: str) -> None:
    """Open what the list finds by a text."""
    editor.goto(f"{platform.url}/admin/knowledge/{kind}/?q={text}")
    editor.locator("#result_list").get_by_role("link", name=text).first.click()
    expect(editor.locator("[name=_save]")).to_be_visible()


def ask_until(customer: Widget, question: str, wanted: str) -> None:
    """Ask until the answer has what was just saved: a matter of the worker's second, not of a reload."""
    deadline = time.monotonic() + CATCHING_UP_S
    while True:
        answer = customer.ask(question)
        if wanted in answer.inner_text():
            return
        assert time.monotonic() < deadline, f"“{wanted}” is not in: {answer.inner_text()}"
        customer.page.wait_for_timeout(300)
