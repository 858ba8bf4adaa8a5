"""A crew's telephone in a real browser: the page without a network, messages and photographs queued, each delivered once."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alerts.work_service import WorkDesk
from domain.alerts import WorkState
from tests.integration.console.test_browser import PATIENCE_MS, Running, browser, enter, playwright, running
from tests.support.console_field import BURST
from tests.support.pictures import GPS

__all__ = ["browser", "running"]
PHONE = {"width": 412, "height": 915}


def orders_of(running: Running) -> WorkDesk:
    work = running.world.services.work
    assert work is not None
    return work


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
    (order,) = running.soon(orders_of(running).orders())
    _, reports = running.soon(orders_of(running).order(order.key))
    assert order.state is WorkState.REPAIRED
    assert [r.kind.value for r in reports] == ["on_site", "repaired"]
    assert reports[0].note == "valve V12 is closed"


def test_what_the_centre_refuses_stays_on_the_telephone_until_it_is_thrown_away(phone: Any, running: Running) -> None:
    enter(phone, running, "omar", f"/findings/{BURST}")
    phone.locator("form[action='/orders'] button, a[href^='/orders/work:']").first.click()
    phone.wait_for_url("**/orders/work:*")
    phone.evaluate("document.querySelector('[name=note]').removeAttribute('maxlength')")
    phone.fill("[name=note]", "pit is full of water; " * 100)
    phone.click("button[value=note]")
    refused = phone.locator("[data-refused] li")
    playwright.expect(refused).to_have_count(1)
    playwright.expect(refused).to_contain_text("pit is full of water")
    phone.fill("[name=note]", "pit is pumped out")
    phone.click("button[value=note]")
    playwright.expect(phone.locator(".said li", has_text="pit is pumped out")).to_be_visible()
    phone.reload()
    playwright.expect(refused).to_have_count(1)
    refused.get_by_role("button", name="Send again").click()
    playwright.expect(refused).to_have_count(1)
    refused.get_by_role("button", name="Throw away").click()
    playwright.expect(refused).to_have_count(0)


def photograph(page: Any) -> bytes:
    """A large picture as a camera would make it."""
    made = page.evaluate(
        """() => {
          const canvas = Object.assign(document.createElement("canvas"), { width: 2400, height: 1200 });
          const c = canvas.getContext("2d");
          for (let i = 0; i < 60; i++) { c.fillStyle = `hsl(${i * 6} 80% 50%)`; c.fillRect(i * 40, 0, 40, 1200); }
          return canvas.toDataURL("image/jpeg", 0.9).split(",")[1];
        }"""
    )
    return base64.b64decode(made)


def test_a_photograph_without_a_network_is_delivered_once_beside_what_was_said(
    phone: Any, running: Running, tmp_path: Path
) -> None:
    file = tmp_path / "leak.jpg"
    file.write_bytes(photograph(phone) + b"behind the end: " + GPS)
    enter(phone, running, "omar", f"/findings/{BURST}")
    phone.locator("form[action='/orders'] button").click()
    phone.wait_for_url("**/orders/work:*")
    phone.evaluate("navigator.serviceWorker.ready")
    phone.reload()  # once through the worker, so that it is kept
    posts: list[str] = []
    phone.on("request", lambda r: posts.append(r.url) if r.method == "POST" else None)
    outbox = phone.locator("[data-outbox]")
    phone.context.set_offline(True)
    phone.click("button[value=repaired]")
    playwright.expect(outbox).to_have_attribute("data-waiting", "1")
    phone.set_input_files("[data-photo]", str(file))
    playwright.expect(outbox).to_have_attribute("data-waiting", "2")
    phone.set_input_files("[data-photo]", {"name": "notes.txt", "mimeType": "image/jpeg", "buffer": b"no picture at all"})
    playwright.expect(outbox).to_contain_text("no photograph")
    phone.reload()  # out of the worker's cache: what waits is still there
    playwright.expect(outbox).to_have_attribute("data-waiting", "2")
    lost: list[str] = []

    def lose_the_first_answer(route: Any) -> None:
        if lost:
            route.continue_()
            return
        lost.append(route.fetch().text())  # the centre has it
        route.abort()  # and the telephone does not know

    phone.route("**/api/v1/orders/photos?*", lose_the_first_answer)
    phone.context.set_offline(False)
    playwright.expect(phone.locator("[data-state=repaired]")).to_be_visible()
    for _ in range(60):
        # The telephone tries again by itself, too, and loads its page anew: it may do so at this moment.
        with contextlib.suppress(playwright.Error):
            if len([p for p in posts if "/photos" in p]) >= 2 and outbox.get_attribute("data-waiting") == "0":
                break
            phone.evaluate("window.dispatchEvent(new Event('online'))")
        phone.wait_for_timeout(500)
    again = phone.context.new_page()
    again.goto(phone.url)
    shown = again.locator(".photos img")
    playwright.expect(shown).to_have_count(1)
    assert '"media_type":"image/jpeg"' in lost[0]
    assert shown.evaluate("async (i) => { await i.decode(); return [i.naturalWidth, i.naturalHeight]; }") == [1600, 800]
    (order,) = running.soon(orders_of(running).orders())
    _, reports = running.soon(orders_of(running).order(order.key))
    assert [r.kind.value for r in reports] == ["repaired"]
    ((photo, content),) = running.world.photos.by_key.values()
    assert (photo.order, photo.by, photo.media_type) == (order.key, "omar", "image/jpeg")
    assert GPS not in content
    assert len([p for p in posts if "/photos" in p]) >= 2, "the first one's answer was lost, so it was sent again"
    answer = phone.request.get(f"{running.url}/orders/{order.key}/photos/{photo.key}")
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.body() == content
