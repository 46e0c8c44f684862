"""A customer has something done in the widget: from the question over the confirmation to the result."""

import re

from playwright.sync_api import Page, expect

from tests.browser.widget_page import Widget, be_customer, source
from tests.platform_processes import Platform


def test_the_last_order_is_looked_up_and_cancelled_once_it_is_confirmed(platform: Platform, page: Page) -> None:
    page.goto(platform.harbor)
    be_customer(page, "Tomás Okafor")
    widget = Widget(page).open()
    expect(widget.ask("What is the status of my last order?")).to_contain_text("Order HO-48377 is being packed")
    asked = widget.ask("cancel it")
    expect(asked).to_contain_text("cancel your order HO-48377")
    kept = widget.choose("No")
    expect(kept).to_contain_text("Nothing was changed.")
    expect(widget.ask("What is the status of my last order?")).to_contain_text("being packed")
    widget.ask("Please cancel order HO-48377")
    done = widget.choose("Yes")
    expect(done).to_contain_text("Your order HO-48377 is cancelled")
    expect(source(done, "action")).to_be_visible()
    expect(widget.ask("What is the status of my last order?")).to_contain_text("HO-48377 is cancelled")


def test_a_decision_is_shown_once_when_another_tab_goes_on(platform: Platform, page: Page) -> None:
    page.goto(platform.harbor)
    be_customer(page, "Tomás Okafor")
    widget = Widget(page).open()
    widget.ask("Please cancel order HO-48377")
    expect(widget.choose("No")).to_contain_text("Nothing was changed.")
    other = page.context.new_page()
    other.goto(platform.harbor)
    widget_there = Widget(other).open()
    expect(widget_there.questions).to_have_text(["Please cancel order HO-48377", "No"])
    asked = "How long do I have to return something?"
    widget_there.ask(asked)
    expect(widget.answers).to_have_count(3)
    expect(widget.questions).to_have_text(["Please cancel order HO-48377", "No", asked])


def test_the_address_is_asked_for_step_by_step_and_confirmed(platform: Platform, page: Page) -> None:
    page.goto(platform.harbor)
    be_customer(page, "Priya Nair")
    widget = Widget(page).open()
    expect(widget.ask("Change the delivery address of my order HO-48402")).to_contain_text("street and house number")
    expect(widget.ask("12 Quay Street")).to_contain_text("Which town")
    expect(widget.ask("Galway")).to_contain_text("postcode")
    asked = widget.ask("H91 X2Y3")
    for line in ("HO-48402", "12 Quay Street", "Galway", "H91 X2Y3"):
        expect(asked).to_contain_text(line)
    expect(widget.choose("Yes")).to_contain_text("will now be sent to 12 Quay Street, Galway, H91 X2Y3")


def test_the_colours_of_a_jacket_in_a_size_below_a_price(platform: Platform, page: Page) -> None:
    page.goto(platform.harbor)
    widget = Widget(page).open()
    asked = widget.ask("which colours of the jacket do you have in M under 80?")
    expect(asked).to_contain_text("Which product do you mean?")
    answer = widget.choose("Skerry Shell Jacket")
    expect(answer).to_contain_text("The Skerry Shell Jacket costs €289.00, which is more than €80.00.")
    expect(answer).to_contain_text(re.compile("In size M we have it in .*moss"))
