"""A customer signs in in mid-chat, and the chat goes on where it was: in each of the three ways."""

import re

from playwright.sync_api import Page, Route, expect

from deploy.demo.harbor import identity, orders
from tests.browser.conftest import Visits
from tests.browser.widget_page import Widget, be_customer
from tests.platform_processes import Platform

BALANCE = "What is the balance of my current account?"
AMARA, TOMASZ = ("Amara Okafor", "2,184.63"), ("Tomasz Zielinski", "142.07")


def test_at_the_banks_own_provider_and_the_question_is_answered(platform: Platform, page: Page) -> None:
    page.goto(platform.meridian)
    widget = Widget(page).open()
    expect(widget.ask(BALANCE)).to_contain_text("sign in")
    widget.sign_in_here(AMARA[0])
    expect(widget.answers).to_have_count(2)
    expect(widget.answers.last).to_contain_text(AMARA[1])
    expect(widget.questions).to_have_text([BALANCE, f"Signed in as {AMARA[0]}"])
    page.reload()
    expect(widget.answers.last).to_contain_text(AMARA[1])
    expect(widget.ask("And my savings?")).to_contain_text("8,450.00")


def test_whoever_signs_out_leaves_nothing_and_the_next_sees_their_own(platform: Platform, page: Page) -> None:
    page.goto(platform.meridian)
    widget = Widget(page).open()
    for (name, own), (_, other) in ((AMARA, TOMASZ), (TOMASZ, AMARA)):
        widget.ask(BALANCE)
        widget.sign_in_here(name)
        expect(widget.answers).to_have_count(2)
        expect(widget.answers.last).to_contain_text(own)
        expect(widget.log).not_to_contain_text(other)
        widget.menu("Sign out")
        expect(widget.log).to_contain_text("Try asking")
        expect(widget.log).not_to_contain_text(own)
        page.reload()
        expect(widget.log).to_contain_text("Try asking")


def test_without_a_question_by_the_menu_and_over_a_new_conversation(platform: Platform, page: Page) -> None:
    page.goto(platform.meridian)
    widget = Widget(page).open()
    with page.expect_popup() as opened:
        widget.menu("Sign in")
    opened.value.get_by_role("button", name=AMARA[0]).click()
    expect(widget.log.get_by_text("You are signed in as")).to_be_visible()
    expect(widget.ask(BALANCE)).to_contain_text(AMARA[1])
    widget.start_over()
    expect(widget.questions).to_have_count(0)
    expect(widget.ask(BALANCE)).to_contain_text(AMARA[1])


def test_a_provider_that_cuts_the_tie_between_the_windows(platform: Platform, visits: Visits) -> None:
    """Many send Cross-Origin-Opener-Policy: the window then comes back to the website, and the chat finds it there."""
    page = visits()

    def cut(route: Route) -> None:
        response = route.fetch(max_redirects=0)
        route.fulfill(response=response, headers={**response.headers, "Cross-Origin-Opener-Policy": "same-origin"})

    page.context.route(re.compile(f"^{platform.meridian_sign_in}/login"), cut)
    page.goto(platform.meridian)
    widget = Widget(page).open()
    widget.ask(BALANCE)
    with page.context.expect_page() as opened:
        widget.log.get_by_role("button", name="Sign in").click()
    opened.value.get_by_role("button", name=AMARA[0]).click()
    expect(widget.answers).to_have_count(2)
    expect(widget.answers.last).to_contain_text(AMARA[1])
    widget.menu("Sign out")
    expect(widget.log).to_contain_text("Try asking")


def test_a_window_that_is_closed_changes_nothing(platform: Platform, page: Page) -> None:
    page.goto(platform.meridian)
    widget = Widget(page).open()
    widget.ask(BALANCE)
    with page.expect_popup() as opened:
        widget.log.get_by_role("button", name="Sign in").click()
    expect(opened.value.get_by_role("heading", name="Who are you today?")).to_be_visible()
    opened.value.close()
    widget.sign_in_here(AMARA[0])
    expect(widget.answers.last).to_contain_text(AMARA[1])


def test_by_a_token_of_the_shops_website(platform: Platform, page: Page) -> None:
    page.goto(platform.harbor)
    widget = Widget(page).open()
    expect(widget.ask("Show me my orders")).to_contain_text("sign in")
    be_customer(page, "Maya Lindqvist")
    expect(widget.answers).to_have_count(2)
    expect(widget.answers.last).to_contain_text("HO-48213")
    expect(widget.answers.last).not_to_contain_text("HO-48377")
    be_customer(page, "Tomás Okafor")
    expect(widget.answers).to_have_count(0)
    tomas = widget.ask("Show me my orders")
    expect(tomas).to_contain_text("HO-48377")
    expect(tomas).not_to_contain_text("HO-48213")


def test_by_a_function_of_the_page(platform: Platform, page: Page) -> None:
    token = identity.token_for(next(one for one in orders.CUSTOMERS.values() if one.name == "Maya Lindqvist"))
    script = f"window.chatToken = async wanted => (window.asked ??= []).push(wanted) && wanted ? '{token}' : null"
    html = (
        f"<!doctype html><title>A shop</title><script>{script}</script>"
        '<script async src="/widget.js" data-bot="harbor-shop" data-identity-callback="chatToken"></script>'
    )
    page.route(re.compile("/$"), lambda route: route.fulfill(content_type="text/html", body=html))
    page.goto(platform.url + "/")
    widget = Widget(page).open()
    assert page.evaluate("asked") == [False]
    expect(widget.ask("Show me my orders")).to_contain_text("sign in")
    widget.log.get_by_role("button", name="Sign in").click()
    expect(widget.answers).to_have_count(2)
    expect(widget.answers.last).to_contain_text("HO-48213")
    assert page.evaluate("asked") == [False, True]
