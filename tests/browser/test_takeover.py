"""Two customers and a member, each in a browser of their own: a person takes over, and nothing is ever lost."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.admin_page import sign_in
from tests.browser.conftest import Visits
from tests.browser.widget_page import Widget, be_customer
from tests.platform_processes import Platform

QUESTION = "How long do I have to return something?"
CUSTOMER = "Maya Lindqvist"


@pytest.fixture
def waiting(platform: Platform, visits: Visits) -> Widget:
    """A customer who has asked for a person."""
    page = visits(platform.harbor)
    be_customer(page, CUSTOMER)
    widget = Widget(page).open()
    widget.ask("I want to speak to a person")
    expect(widget.banner).to_have_text("Waiting for a person. You can keep writing.")
    return widget


@pytest.fixture
def member(platform: Platform, visits: Visits, waiting: Widget) -> Page:
    """The shop's agent, who has taken the customer's conversation from the inbox."""
    page = sign_in(visits(), platform, "harbor", "agent")
    page.goto(f"{platform.url}/admin/inbox/")
    page.get_by_role("link", name=re.compile(CUSTOMER)).first.click()
    page.get_by_role("button", name="Take it").click()
    expect(page.get_by_role("button", name="Hand back to the bot")).to_be_visible()
    return page


def reply(member: Page, text: str) -> None:
    member.get_by_label("Your reply").fill(text)
    member.get_by_role("button", name="Send").click()
    expect(member.locator(".sb-bubble.person .sb-text").last).to_have_text(text)


def test_a_person_takes_over_and_hands_back(platform: Platform, visits: Visits, waiting: Widget, member: Page) -> None:
    expect(waiting.banner).to_have_text("You’re talking to Sam Adeyemi")
    answered = waiting.answers.count()
    with waiting.page.expect_response(re.compile(r"/messages$")) as response:
        waiting.say(QUESTION)
    assert response.value.status == 202
    expect(member.locator(".sb-bubble.customer .sb-text").last).to_have_text(QUESTION)
    reply(member, "Sixty days, Maya. I have noted it on your order.")
    expect(waiting.replies).to_have_text(["Sixty days, Maya. I have noted it on your order."])
    expect(waiting.log.locator(".message.human .speaker")).to_have_text("Sam Adeyemi")

    other = Widget(visits(platform.harbor)).open()
    expect(other.ask(QUESTION)).to_contain_text("You have 60 days")
    expect(other.replies).to_have_count(0)

    waiting.say("Thank you, Sam!")
    expect(member.locator(".sb-bubble.customer .sb-text").last).to_have_text("Thank you, Sam!")
    assert waiting.answers.count() == answered
    member.get_by_role("button", name="Hand back to the bot").click()
    expect(waiting.banner).to_have_text("Harbor is answering again")
    expect(waiting.ask(QUESTION)).to_contain_text("You have 60 days")


def test_nothing_is_lost_when_the_web_process_dies_in_between(
    platform: Platform, waiting: Widget, member: Page
) -> None:
    waiting.say("The zip of my jacket is broken.")
    reply(member, "I am sorry to hear that.")
    expect(waiting.replies).to_have_text(["I am sorry to hear that."])

    platform.kill("web")
    waiting.say("Can you mend it by Friday?")
    expect(waiting.questions.last).to_have_text("Can you mend it by Friday?")
    expect(waiting.panel.get_by_text("No connection. Trying again…")).to_be_visible()
    platform.wait_until_ready()
    expect(member.locator(".sb-bubble.customer .sb-text").last).to_have_text("Can you mend it by Friday?")
    expect(waiting.panel.get_by_text("No connection. Trying again…")).to_be_hidden()
    reply(member, "Yes, bring it to the Galway shop.")
    replies = ["I am sorry to hear that.", "Yes, bring it to the Galway shop."]
    expect(waiting.replies).to_have_text(replies)

    waiting.page.reload()
    asked = ["I want to speak to a person", "The zip of my jacket is broken.", "Can you mend it by Friday?"]
    expect(waiting.questions).to_have_text(asked)
    expect(waiting.replies).to_have_text(replies)
    expect(waiting.banner).to_have_text("You’re talking to Sam Adeyemi")
    member.get_by_role("button", name="Resolve").click()
    expect(waiting.ask(QUESTION)).to_contain_text("You have 60 days")
