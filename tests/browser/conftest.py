"""Real Chromium for the tests that go where customers and members go: the demo sites and the web admin."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.platform_processes import Platform

DESKTOP: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
FLAGS = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-proxy-server")
PATIENCE_MS = 15_000


@dataclass
class Visits:
    """Opens browsers of their own, and remembers what their consoles complained of."""

    browser: Browser
    console: list[str] = field(default_factory=list)
    thrown: list[str] = field(default_factory=list)

    def __call__(self, url: str = "", **options: Any) -> Page:
        """A page in a browser that nobody has used before."""
        context = self.browser.new_context(**{**DESKTOP, **options})
        context.set_default_timeout(PATIENCE_MS)
        context.on("console", self._listen)
        context.on("weberror", lambda event: self.thrown.append(str(event.error)))
        page = context.new_page()
        if url:
            page.goto(url)
        return page

    def close(self) -> None:
        for context in self.browser.contexts:
            context.close()

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.console.append(f"{message.type}: {message.text}")


@pytest.fixture(scope="package")
def browser(platform: Platform) -> Iterator[Browser]:
    # While Playwright runs, this thread has an event loop, in which Django and async tests refuse to work: the platform
    # is up before, and Playwright ends with this folder's tests.
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    assert found, "These tests need Chromium: bin/test installs it."
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=FLAGS)
        expect.set_options(timeout=PATIENCE_MS)
        yield chromium
        chromium.close()


@pytest.fixture
def visits(browser: Browser) -> Iterator[Visits]:
    """Browsers for a test; a script error in any of their pages fails it."""
    opened = Visits(browser)
    yield opened
    opened.close()
    assert opened.thrown == []


@pytest.fixture
def page(visits: Visits) -> Page:
    return visits()


@pytest.fixture
def phone(visits: Visits) -> Page:
    return visits(**PHONE)
