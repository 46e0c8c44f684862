"""A customer of each demo business gets every route by the widget."""

import re

from playwright.sync_api import Page, expect

from tests.browser.widget_page import Widget, source
from tests.platform_processes import Platform

RETURNS = "How long do I have to return something?"


def test_harbor_answers_by_a_vetted_faq_and_by_a_cited_document(platform: Platform, page: Page) -> None:
    page.goto(platform.harbor)
    widget = Widget(page).open()
    answer = widget.ask(RETURNS)
    expect(answer).to_contain_text("You have 60 days from the day your parcel is delivered")
    expect(source(answer, "faq")).to_contain_text(RETURNS)

    answer = widget.ask("Do orders of more than €200 need a signature?")
    expect(answer).to_contain_text("Orders of more than €200 need a signature.")
    cited = source(answer, "document")
    expect(cited.locator("summary")).to_contain_text("Delivery and customs guide")
    expect(cited).to_contain_text("As of Aug 20, 2026")
    link = cited.get_by_role("link", name="Open source")
    expect(link).to_have_attribute("href", f"{platform.harbor}/guides/delivery")


def test_harbor_asks_for_size_and_colour_by_buttons_and_tells_the_stock(platform: Platform, page: Page) -> None:
    page.goto(platform.harbor)
    widget = Widget(page).open()
    expect(widget.ask("How many Cove Fleeces are in stock?")).to_contain_text("Which size?")
    expect(widget.choose("M")).to_contain_text("Which colour?")
    answer = widget.choose("Oat")
    expect(answer).to_contain_text(re.compile(r"Cove Fleece in oat, size M"))
    expect(source(answer, "action")).to_contain_text("Is it in stock?")
    expect(widget.questions).to_have_text(["How many Cove Fleeces are in stock?", "M", "Oat"])


def test_harbor_does_not_know_and_offers_a_person_who_is_then_awaited(platform: Platform, page: Page) -> None:
    page.goto(platform.harbor)
    widget = Widget(page).open()
    answer = widget.ask("Do you sell surfboards made of bamboo?")
    expect(answer).to_contain_text("I don't know")
    expect(answer.locator(".sources")).to_have_count(0)
    answer.locator(".asks").get_by_role("button", name=re.compile("talk to a person", re.I)).click()
    expect(widget.banner).to_have_text("Waiting for a person. You can keep writing.")


def test_meridian_answers_by_a_vetted_faq_and_by_a_cited_document(platform: Platform, page: Page) -> None:
    page.goto(platform.meridian)
    widget = Widget(page).open()
    question = "What should I do if my card is lost or stolen?"
    answer = widget.ask(question)
    expect(answer).to_contain_text("Freeze it straight away in the Meridian app")
    expect(source(answer, "faq")).to_contain_text(question)

    answer = widget.ask("What is the stress test of the mortgage?")
    expect(answer).to_contain_text("if the rate were 2 percentage points higher")
    cited = source(answer, "document")
    expect(cited.locator("summary")).to_contain_text("Home Buying and Mortgage Application Guide")
    expect(cited).to_contain_text("As of Jul 20, 2026")


def test_meridian_computes_a_monthly_payment(platform: Platform, page: Page) -> None:
    page.goto(f"{platform.meridian}/mortgages")
    widget = Widget(page).open()
    answer = widget.ask("What would £200,000 over 25 years at 4.19% cost a month?")
    expect(answer).to_contain_text("£1,076.77 a month")
    expect(source(answer, "action")).to_contain_text("Monthly payment")


def test_meridian_does_not_know_and_passes_on_to_a_person_when_asked(platform: Platform, page: Page) -> None:
    page.goto(platform.meridian)
    widget = Widget(page).open()
    answer = widget.ask("Do you know a good recipe for pumpkin soup?")
    expect(answer).to_contain_text("I don't know")
    expect(answer.locator(".asks").get_by_role("button", name=re.compile("talk to a person", re.I))).to_be_visible()
    expect(widget.ask("I want to speak to a person")).to_contain_text("passing you on to a person")
    expect(widget.banner).to_have_text("Waiting for a person. You can keep writing.")
