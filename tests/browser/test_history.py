"""What a browser remembers of a conversation, and what it must never show to somebody else."""

from playwright.sync_api import Page, expect

from tests.browser.widget_page import Widget, be_customer
from tests.platform_processes import Platform

QUESTION = "Do you extend the returns period for Christmas presents?"


def test_the_conversation_goes_on_across_pages_and_visits_until_it_is_started_over(
    platform: Platform, page: Page
) -> None:
    page.goto(platform.harbor)
    widget = Widget(page).open()
    said = widget.ask(QUESTION).locator(".body").inner_text()
    page.get_by_role("link", name="Delivery", exact=True).click()
    expect(page).to_have_url(f"{platform.harbor}/guides/delivery")
    expect(widget.questions).to_have_text([QUESTION])
    expect(widget.answers.locator(".body")).to_have_text([said])

    another_day = page.context.new_page()
    another_day.goto(platform.harbor)
    later = Widget(another_day).open()
    expect(later.questions).to_have_text([QUESTION])

    widget.start_over()
    expect(widget.questions).to_have_count(0)
    expect(widget.log).to_contain_text("Try asking")
    expect(later.questions).to_have_count(0)
    page.reload()
    expect(widget.log).to_contain_text("Try asking")
    expect(widget.questions).to_have_count(0)


def test_whoever_signs_in_next_on_this_browser_sees_nothing_of_the_one_before(platform: Platform, page: Page) -> None:
    page.goto(platform.harbor)
    widget = Widget(page).open()
    be_customer(page, "Priya Nair")
    expect(widget.ask("Show me my orders")).to_contain_text("HO-48340")
    page.reload()
    expect(widget.log).to_contain_text("HO-48340")
    for name in ("Maya Lindqvist", "nobody"):
        be_customer(page, name)
        expect(widget.log).to_contain_text("Try asking")
        expect(widget.questions).to_have_count(0)
        expect(widget.log).not_to_contain_text("HO-48340")
