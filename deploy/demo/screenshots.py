"""The pictures of the README, taken of a running demo: `python -m deploy.demo.screenshots URL FOLDER`."""

import argparse
import re
import shutil
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from deploy.demo.businesses import BUSINESSES, PASSWORD

DESKTOP: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
MOST_BYTES = 200_000
SHADES = (Image.Dither.FLOYDSTEINBERG, Image.Dither.NONE)
PATIENCE_MS = 30_000


def main() -> int:
    parser = argparse.ArgumentParser(description="Take the README's pictures of a running demo.")
    parser.add_argument("url", help="where the demo's front page is, such as http://127.0.0.1:8000")
    parser.add_argument("folder", type=Path, help="where the pictures go")
    options = parser.parse_args()
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        print("Chromium is not installed.", file=sys.stderr)
        return 1
    options.folder.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name, take in PICTURES.items():
            size = _write(take(browser, options.url.rstrip("/")), options.folder / f"{name}.png")
            print(f"{name}.png: {size // 1000} KB")
        browser.close()
    return 0


def widget_on_desktop(browser: Browser, url: str) -> bytes:
    """A customer of the shop asks about returns and about her order."""
    page = _open(browser, _site(url, "harbor"), viewport={"width": 1200, "height": 780})
    with page.expect_navigation():
        page.get_by_label("You are", exact=True).select_option(label="Maya Lindqvist")
    page.locator("switchboard-chat button.launcher").click()
    _ask(page, "How long do I have to return something?")
    _ask(page, "Where is my order HO-48213?")
    return _picture(page)


def widget_on_phone(browser: Browser, url: str) -> bytes:
    """A customer of the bank asks about a policy; the source is unfolded."""
    page = _open(browser, _site(url, "meridian"), **PHONE)
    page.locator("switchboard-chat button.launcher").tap()
    _ask(page, "What is the stress test of the mortgage?").locator("summary").first.tap()
    return _picture(page)


def inbox(browser: Browser, url: str) -> bytes:
    """A conversation that waits, as the shop's support agent sees it."""
    page = _signed_in(browser, url, "harbor", "agent")
    page.goto(f"{url}/admin/inbox/")
    page.locator(".sb-entries a").first.click()
    page.get_by_role("button", name="Take it").wait_for()
    return _picture(page)


def explanation(browser: Browser, url: str) -> bytes:
    """Why the bot gave an answer: the newest one by a document."""
    page = _signed_in(browser, url, "meridian", "owner")
    page.goto(f"{url}/admin/chat/interaction/?route__exact=document")
    page.locator("#result_list a[href*='/change/']").first.click()
    page.wait_for_load_state()
    return _picture(page)


PICTURES: dict[str, Callable[[Browser, str], bytes]] = {
    "widget-desktop": widget_on_desktop,
    "widget-phone": widget_on_phone,
    "inbox": inbox,
    "explanation": explanation,
}


def _site(url: str, slug: str) -> str:
    """The demo's websites are on the ports after the platform's, in the businesses' order."""
    address = urlsplit(url)
    place = [business.slug for business in BUSINESSES].index(slug) + 1
    return f"{address.scheme}://{address.hostname}:{(address.port or 80) + place}"


def _signed_in(browser: Browser, url: str, slug: str, role: str) -> Page:
    tenant = next(business.tenant for business in BUSINESSES if business.slug == slug)
    page = _open(browser, f"{url}/admin/", **DESKTOP)
    page.locator("input[name=username]").fill(
        next(member["email"] for member in tenant["members"] if member["role"] == role)
    )
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("input[name=password]").press("Enter")
    expect(page).to_have_url(f"{url}/admin/")
    return page


def _open(browser: Browser, url: str, **options: Any) -> Page:
    page = browser.new_context(**options, locale="en-GB").new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(url)
    return page


def _ask(page: Page, text: str) -> Locator:
    answers = page.get_by_role("log", name="Conversation").locator(".message.bot:not(.draft)")
    before = answers.count()
    page.get_by_role("textbox", name="Your message").fill(text)
    page.get_by_role("button", name=re.compile("^Send$")).first.click()
    expect(answers).to_have_count(before + 1)
    return answers.nth(before)


def _picture(page: Page) -> bytes:
    page.wait_for_timeout(500)  # what moves has come to rest
    return page.screenshot()


def _write(png: bytes, path: Path) -> int:
    """In 256 colours, blended where the size that a README's picture may have allows it; the bytes written."""
    picture = Image.open(BytesIO(png)).convert("RGB")
    palette = picture.quantize(256, kmeans=2)
    for dither in SHADES:
        picture.quantize(palette=palette, dither=dither).save(path, optimize=True)
        if path.stat().st_size <= MOST_BYTES:
            return path.stat().st_size
    raise ValueError(f"{path} is larger than {MOST_BYTES} bytes.")


if __name__ == "__main__":
    sys.exit(main())
