"""The web admin as a member uses it."""

from playwright.sync_api import Page, expect

from deploy.demo.businesses import BUSINESSES, PASSWORD
from tests.platform_processes import Platform


def sign_in(page: Page, platform: Platform, slug: str, role: str) -> Page:
    """Through the login page, as the demo business's member of that role."""
    tenant = next(business.tenant for business in BUSINESSES if business.slug == slug)
    email = next(member["email"] for member in tenant["members"] if member["role"] == role)
    page.goto(f"{platform.url}/admin/")
    page.locator("input[name=username]").fill(email)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("input[name=password]").press("Enter")
    expect(page).to_have_url(f"{platform.url}/admin/")
    return page


def save(page: Page) -> None:
    page.locator("[name=_save]").click()
    expect(page.get_by_text("successfully")).to_be_visible()


def delete(page: Page) -> None:
    """Delete the object that the page shows, and confirm it."""
    page.locator("a[href$='/delete/']").click()
    page.locator("form:has(input[name=post]) [type=submit]").click()
    expect(page.get_by_text("successfully")).to_be_visible()
