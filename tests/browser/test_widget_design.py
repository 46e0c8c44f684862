"""The widget is light, and everybody can use it: by keyboard, by screen reader, on a phone, in the dark."""

import gzip
import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import Visits
from tests.browser.widget_page import Widget, be_customer
from tests.platform_processes import Platform

WIDGET = Path(__file__).parents[2] / "platform" / "static" / "widget" / "widget.js"
MOST_BYTES = 15_000
QUESTION = "How long do I have to return something?"
# How far each element with text is from what is behind it, as WCAG counts; the widget has no text on pictures.
CONTRASTS = """
log => {
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = node => {
    for (; node; node = node.parentElement ?? node.getRootNode().host) {
      const color = rgb(getComputedStyle(node).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const panel = log.closest('.panel');
  return [...panel.querySelectorAll('*')].filter(node => node.getClientRects().length
      && [...node.childNodes].some(child => child.nodeType === 3 && child.data.trim())).map(node => {
    const [a, b] = [light(rgb(getComputedStyle(node).color)), light(behind(node))].sort((x, y) => y - x);
    return [node.textContent.trim().slice(0, 40), (a + 0.05) / (b + 0.05)];
  });
}
"""


def test_the_widget_is_small() -> None:
    assert len(gzip.compress(WIDGET.read_bytes(), 9)) <= MOST_BYTES


def test_it_can_be_used_by_keyboard_alone(platform: Platform, page: Page) -> None:
    page.goto(platform.harbor)
    widget = Widget(page)
    expect(widget.launcher).to_be_visible()
    widget.launcher.focus()
    page.keyboard.press("Enter")
    expect(widget.input).to_be_focused()
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    expect(widget.answers).to_have_count(1)
    page.keyboard.press("Shift+Tab")
    focused = "document.activeElement.shadowRoot.activeElement"
    assert page.evaluate(f"{focused}.getAttribute('aria-label')") == "Not helpful"
    seen = set()
    for _ in range(20):
        page.keyboard.press("Tab")
        seen.add(page.evaluate(f"{focused}.getAttribute('aria-label') || {focused}.textContent"))
    assert {"More", "Close chat", "Helpful", "Your message", "Talk to a person", "Start over", QUESTION} <= seen
    page.keyboard.press("Escape")
    expect(widget.panel).to_be_hidden()
    expect(widget.launcher).to_be_focused()


def test_assistive_technology_is_told_what_is_what(platform: Platform, page: Page) -> None:
    page.goto(platform.harbor)
    widget = Widget(page)
    expect(widget.launcher).to_have_attribute("aria-expanded", "false")
    expect(widget.launcher).to_have_accessible_name("Chat with Harbor")
    widget.open()
    expect(widget.launcher).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("dialog", name="Chat with Harbor")).to_be_visible()
    expect(widget.log).to_have_attribute("aria-live", "polite")
    answer = widget.ask(QUESTION)
    expect(widget.log.locator(".message.customer")).to_contain_text("You:")
    expect(answer).to_contain_text("Harbor:")
    expect(answer.get_by_role("list", name="Sources")).to_be_visible()
    helpful = answer.get_by_role("group", name="Was this helpful?").get_by_role("button", name="Helpful", exact=True)
    helpful.click()
    expect(helpful).to_have_attribute("aria-pressed", "true")
    expect(answer.get_by_role("status")).to_have_text("Thank you!")
    unnamed = widget.panel.locator("button, a, textarea").evaluate_all(
        "all => all.filter(one => !(one.getAttribute('aria-label') || one.textContent.trim())).length"
    )
    assert unnamed == 0


def test_on_a_phone_it_fills_the_screen_and_nothing_overflows(platform: Platform, phone: Page) -> None:
    asked = ((platform.harbor, QUESTION), (platform.meridian, "How much interest does the Cash ISA pay?"))
    for site, question in asked:
        phone.goto(site)
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390
        widget = Widget(phone)
        widget.launcher.tap()
        expect(widget.panel).to_have_attribute("aria-modal", "true")
        expect(widget.launcher).to_be_hidden()
        answer = widget.ask(question)
        answer.locator("summary").first.tap()
        box = widget.panel.bounding_box()
        assert box is not None
        assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, 390, 844)
        assert widget.log.evaluate("log => log.scrollWidth - log.clientWidth") <= 0
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390
        small = widget.panel.locator("button:visible, summary:visible").evaluate_all(
            "all => all.filter(one => Math.min(one.offsetWidth, one.offsetHeight) < 24).map(one => one.outerHTML)"
        )
        assert small == []
        phone.get_by_role("button", name="Close chat").tap()
        expect(widget.panel).to_be_hidden()


def test_it_works_under_a_strict_policy_without_a_word_in_the_console(platform: Platform, visits: Visits) -> None:
    page = visits()
    answered = page.goto(platform.harbor)
    assert answered is not None
    policy = answered.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    be_customer(page, "Maya Lindqvist")
    widget = Widget(page).open()
    widget.ask(QUESTION)
    widget.ask("Show me my orders")
    widget.start_over()
    expect(widget.questions).to_have_count(0)
    assert visits.console == []


def test_it_is_legible_in_the_light_and_in_the_dark(platform: Platform, visits: Visits) -> None:
    for scheme, background in (("light", "rgb(255, 255, 255)"), ("dark", "rgb(21, 23, 28)")):
        for site in (platform.harbor, platform.meridian):
            widget = Widget(visits(site, color_scheme=scheme)).open()
            expect(widget.panel).to_have_css("background-color", background)
            widget.ask("I want to speak to a person")
            faint = [each for each in widget.log.evaluate(CONTRASTS) if each[1] < 4.5]
            assert faint == [], f"{scheme}, {site}"


def test_an_unknown_bot_leaves_the_page_in_peace(platform: Platform, visits: Visits) -> None:
    page = visits()
    page.route(re.compile("/$"), lambda route: route.fulfill(content_type="text/html", body=_page_with("no-such-bot")))
    with page.expect_response(re.compile("/api/v1/bots/no-such-bot$")) as response:
        page.goto(platform.url + "/")
    assert response.value.status == 404
    expect(page.locator("switchboard-chat")).to_have_count(0)


def _page_with(key: str) -> str:
    return f'<!doctype html><title>A page</title><p>Text<script async src="/widget.js" data-bot="{key}"></script>'
