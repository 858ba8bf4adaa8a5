"""A crew's telephone in a real browser: the page without a network, two messages queued, each delivered once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from domain.alerts import WorkState
from tests.integration.console.test_browser import PATIENCE_MS, Running, browser, enter, playwright, running

__all__ = ["browser", "running"]
PHONE = {"width": 412, "height": 915}


@pytest.fixture
def phone(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


def test_two_messages_without_a_network_are_delivered_once_each(phone: Any, running: Running) -> None:
    enter(phone, running, "omar", "/alerts")
    phone.locator("form[action='/orders'] button").first.click()
    phone.wait_for_url("**/orders/work:*")
    order = phone.url
    phone.goto(f"{running.url}/alerts")
    phone.locator(
        ".alert-cards a", has_text="Work order"
    ).click()  # a crew is sent once: the button has become the way to its order
    phone.wait_for_url(order)
    phone.evaluate("navigator.serviceWorker.ready")
    phone.reload()  # once through the worker, so that it is kept
    outbox = phone.locator("[data-outbox]")
    phone.context.set_offline(True)
    phone.fill("[name=note]", "valve V12 is closed")
    phone.click("button[value=on_site]")
    playwright.expect(outbox).to_have_attribute("data-waiting", "1")
    phone.click("button[value=repaired]")
    playwright.expect(outbox).to_have_attribute("data-waiting", "2")
    phone.reload()  # out of the worker's cache
    playwright.expect(outbox).to_have_attribute("data-waiting", "2")
    phone.context.set_offline(False)
    playwright.expect(phone.locator("[data-state=repaired]")).to_be_visible()
    playwright.expect(outbox).to_have_attribute("data-waiting", "0")
    (order,) = running.soon(running.world.services.work.orders())
    _, reports = running.soon(running.world.services.work.order(order.key))
    assert order.state is WorkState.REPAIRED
    assert [r.kind.value for r in reports] == ["on_site", "repaired"]
    assert reports[0].note == "valve V12 is closed"
