"""The chat widget as the reader of a page sees and uses it."""

import re

from playwright.sync_api import Locator, Page, expect


class Widget:
    """Locators and deeds of one page's widget; Playwright looks into its shadow root by itself."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.launcher = page.locator("switchboard-chat button.launcher")
        self.panel = page.get_by_role("dialog", name=re.compile("^Chat with "))
        self.log = page.get_by_role("log", name="Conversation")
        self.input = page.get_by_role("textbox", name="Your message")
        self.banner = self.panel.locator(".banner:not(.line)")
        self.questions = self.log.locator(".message.customer .body")
        self.answers = self.log.locator(".message.bot:not(.draft)")
        self.replies = self.log.locator(".message.human .body")

    def open(self) -> "Widget":
        self.launcher.click()
        expect(self.input).to_be_visible()
        return self

    def say(self, text: str) -> None:
        self.input.fill(text)
        self.input.press("Enter")

    def ask(self, text: str) -> Locator:
        """The answer to a question."""
        before = self.answers.count()
        self.say(text)
        return self._answer(before)

    def choose(self, label: str) -> Locator:
        """The answer to pressing one of the buttons that the last answer offers."""
        before = self.answers.count()
        self.answers.last.locator(".asks").get_by_role("button", name=label, exact=True).click()
        return self._answer(before)

    def start_over(self) -> None:
        self.panel.locator("footer").get_by_role("button", name="Start over").click()
        self.page.get_by_role("alertdialog").get_by_role("button", name="Start over").click()

    def menu(self, item: str) -> None:
        self.panel.get_by_role("button", name="More", exact=True).click()
        self.panel.locator(".menu").get_by_role("button", name=re.compile(f"^{item}")).click()

    def sign_in_here(self, name: str) -> None:
        """Press “Sign in”, and choose a customer in the window that opens: the demo bank's own provider."""
        with self.page.expect_popup() as opened:
            self.log.get_by_role("button", name="Sign in").click()
        with opened.value.expect_event("close"):
            opened.value.get_by_role("button", name=name).click()

    def _answer(self, number: int) -> Locator:
        expect(self.answers).to_have_count(number + 1)
        return self.answers.nth(number)


def be_customer(page: Page, name: str) -> None:
    """Use the demo site's switch; the site loads the page anew."""
    with page.expect_navigation():
        page.get_by_label("You are", exact=True).select_option(label=name)


def source(answer: Locator, kind: str) -> Locator:
    """The unfolded citation of an answer."""
    chip = answer.locator(f".sources li:has(.icon.{kind})").first
    chip.locator("summary").click()
    expect(chip.locator(".quote")).to_be_visible()
    return chip
