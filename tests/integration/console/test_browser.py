"""The console in a real browser: an operator's way through it, over HTTP, with the policy on."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from console.app import create_app
from console.server import serve
from tests.support.console_services import PASSWORD, ConsoleWorld, console_world
from tests.support.console_shots import ARGUMENTS, CHROMIUM

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}; install chromium to run these"),
]
PATIENCE_MS = 30_000
playwright.expect.set_options(timeout=PATIENCE_MS)


class Running:
    """A console served from a thread of its own, so that the browser's driver may block this one."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.stopping = asyncio.Event()
        self.ready: Future[tuple[str, ConsoleWorld]] = Future()
        self.thread = threading.Thread(target=self.loop.run_until_complete, args=(self._run(),))
        self.thread.start()
        self.url, self.world = self.ready.result(30)

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.stopping.set)
        self.thread.join(30)
        self.loop.close()

    def soon(self, work: Any) -> Any:
        """Runs a coroutine beside the console."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    async def _run(self) -> None:
        try:
            world = await console_world(poll_s=0.3)
            async with serve(create_app(world.services)) as url:
                self.ready.set_result((url, world))
                await self.stopping.wait()
        except BaseException as error:  # raised to who waits for the address, not lost in a thread
            if not self.ready.done():
                self.ready.set_exception(error)
            raise


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as play:
        found = play.chromium.launch(executable_path=str(CHROMIUM), args=list(ARGUMENTS))
        yield found
        found.close()


@pytest.fixture
def running() -> Iterator[Running]:
    found = Running()
    yield found
    found.stop()


@pytest.fixture
def page(browser: Any, running: Running) -> Iterator[Any]:
    """A page that fails the test if the browser complains; closed before the console is."""
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    context.set_default_timeout(PATIENCE_MS)
    found = context.new_page()
    complaints: list[str] = []
    found.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
    found.on("pageerror", lambda e: complaints.append(str(e)))
    found.complaints = complaints
    yield found
    said = list(complaints)
    context.close()
    assert said == []


def enter(page: Any, running: Running, name: str, path: str = "/", language: str | None = None) -> None:
    """Through the log-in form to a page."""
    if language:
        page.goto(f"{running.url}/language/{language}?next=/login")
    page.goto(f"{running.url}/login?next={path}")
    page.fill("[name=name]", name)
    page.fill("[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(f"**{path}")


def test_from_the_map_to_a_verified_setpoint(page: Any, running: Running) -> None:
    enter(page, running, "omar")
    page.click(".map a.zone-tag[href='/zones/medina']")
    page.wait_for_selector("h1:has-text('Old town')")
    desk = page.locator("#desk-prv_medina")
    desk.locator("[name=value_m]").fill("36.5")
    desk.locator(".preview-place .effect").wait_for()
    desk.locator("[name=reason]").fill("lower before the evening")
    desk.locator("button.primary").click()
    desk.locator("button:has-text('Select this valve')").click()
    desk.locator("[data-seconds]").wait_for()
    field = desk.locator("[name=confirm_value_m]")
    playwright.expect(field).to_be_focused()
    field.fill("36.5")
    desk.locator("button.danger").click()
    desk.locator("[data-outcome=verified]").wait_for()
    playwright.expect(desk.locator("[data-outcome]")).to_contain_text("Read back from the site: 36.50 m")
    playwright.expect(page.locator("[data-live='actuators.prv_medina.setpoint_m']")).to_have_text("36.5")
    playwright.expect(page.locator("[data-mode='actuators.prv_medina.mode']")).to_contain_text("Manual")
    assert [c.value_m for c in running.world.edge.sent] == [36.5]


def test_a_refused_one_shows_its_reason(page: Any, running: Running) -> None:
    enter(page, running, "omar", "/zones/medina")
    desk = page.locator("#desk-prv_medina")
    desk.locator("[name=value_m]").fill("60")
    desk.locator("[name=reason]").fill("trying")
    desk.locator("button.primary").click()
    playwright.expect(desk.locator(".notice.bad")).to_contain_text("60.00 m is above the limit of 45.00 m.")
    playwright.expect(desk.locator("[name=value_m]")).to_have_value("60")
    assert not running.world.edge.sent


def test_a_selection_that_runs_out_sends_nothing(page: Any, running: Running) -> None:
    enter(page, running, "omar", "/zones/medina")
    desk = page.locator("#desk-prv_medina")
    desk.locator("[name=value_m]").fill("36.5")
    desk.locator("[name=reason]").fill("trying")
    desk.locator("button.primary").click()
    desk.locator("button:has-text('Select this valve')").click()
    desk.locator("[data-countdown][data-wired]").wait_for()
    page.evaluate("() => { const now = performance.now.bind(performance); performance.now = () => now() + 40000; }")
    desk.locator(".over-note").wait_for()
    playwright.expect(desk.locator("button.danger")).to_be_disabled()


def test_numbers_live(page: Any, running: Running) -> None:
    enter(page, running, "vera")
    cell = page.locator("td [data-live='zones.medina.inflow_m3h']")
    before = cell.text_content()
    running.world.town.extra_m3h = 100.0
    playwright.expect(cell).not_to_have_text(before)
    playwright.expect(page.locator(".map a.zone-tag[href='/zones/medina'] .value").first).to_have_text(
        f"{cell.text_content()} m³/h"
    )


def test_a_new_alert_appears_and_is_acknowledged(page: Any, running: Running) -> None:
    alerts = running.world.alerts
    kept = dict(alerts.by_key)
    alerts.by_key.clear()
    enter(page, running, "omar")
    playwright.expect(page.locator("#alerts-short")).to_contain_text("Nothing is open.")
    alerts.by_key.update(kept)
    playwright.expect(page.locator("#alerts-short")).to_contain_text("Sudden loss: probable burst")
    playwright.expect(page.locator("tr:has-text('Old town') .alarm.a1")).to_be_visible()
    page.goto(f"{running.url}/alerts")
    card = page.locator("li:has-text('probable burst')")
    card.locator("button:has-text('Acknowledge')").click()
    playwright.expect(page.locator("li:has-text('probable burst')")).to_contain_text("seen by omar")


def test_a_console_that_cannot_see_says_so_and_takes_no_command(page: Any, running: Running) -> None:
    enter(page, running, "omar", "/zones/medina")
    button = page.locator("#desk-prv_medina button.primary")
    playwright.expect(button).to_be_enabled()
    running.world.town.broken = True
    page.locator("#feed-banner:not([hidden])").wait_for()
    playwright.expect(page.locator("#feed-banner")).to_contain_text("cannot read the database")
    playwright.expect(button).to_be_disabled()
    running.world.town.broken = False
    playwright.expect(page.locator("#feed-banner")).to_be_hidden()
    playwright.expect(button).to_be_enabled()
    page.complaints.clear()  # the trend could not be read meanwhile


def test_old_data_look_old_and_switch_the_commands_off(page: Any, running: Running) -> None:
    enter(page, running, "omar", "/zones/medina")
    button = page.locator("#desk-prv_medina button.primary")
    playwright.expect(button).to_be_enabled()
    running.world.town.lag_s = 1800
    playwright.expect(button).to_be_disabled()
    playwright.expect(page.locator("[data-off-note]")).to_be_visible()
    playwright.expect(page.locator(".tile.flow .old")).to_contain_text("30")


def test_silence_greys_the_page(page: Any, running: Running) -> None:
    enter(page, running, "omar", "/zones/medina")
    page.locator("[data-age-text]:has-text('1')").wait_for()
    running.soon(running.world.services.commands.commands())
    page.evaluate("() => { const now = performance.now.bind(performance); performance.now = () => now() + 1e6; }")
    running.stop()
    page.wait_for_selector("html[data-feed=feed]")
    playwright.expect(page.locator("#feed-banner")).to_contain_text("no longer hears")
    playwright.expect(page.locator("#desk-prv_medina button.primary")).to_be_disabled()
    page.complaints.clear()  # a dead server is worth a complaint
    running.thread = threading.Thread(target=lambda: None)
    running.thread.start()
    running.loop = asyncio.new_event_loop()


def test_ten_tabs_share_one_stream(page: Any, running: Running) -> None:
    enter(page, running, "vera")
    tabs = [page.context.new_page() for _ in range(9)]
    for tab in tabs:
        tab.goto(running.url + "/")
        tab.wait_for_selector("h1", state="attached")
    running.world.town.extra_m3h = 200.0
    texts = {tab.locator("td [data-live='zones.medina.inflow_m3h']").text_content() for tab in tabs}
    for tab in [page, *tabs]:
        cell = tab.locator("td [data-live='zones.medina.inflow_m3h']")
        for text in texts:
            if float(text) < 200:
                playwright.expect(cell).not_to_have_text(text)
    health = page.request.get(running.url + "/healthz").json()
    assert health == {"ok": True, "problem": "", "watchers": 1}


@pytest.mark.parametrize("path", ["/", "/zones/medina", "/alerts", "/audit", "/fleet", "/emergencies"])
@pytest.mark.parametrize(("language", "direction"), [("ar", "rtl"), ("fr", "ltr")])
def test_pages_turn_with_the_language_and_fit_a_phone(
    page: Any, running: Running, path: str, language: str, direction: str
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    enter(page, running, "samira", path, language)
    assert page.evaluate("getComputedStyle(document.body).direction") == direction
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0, "nothing hangs over the edge of a phone"
    brand, nav = page.locator(".brand").bounding_box(), page.locator(".clock").bounding_box()
    assert (brand["x"] > nav["x"]) == (direction == "rtl")
    digits = page.locator("main").text_content()
    assert not set(digits) & set("٠١٢٣٤٥٦٧٨٩"), "Latin digits for process values"


def test_the_keyboard_reaches_a_zone(page: Any, running: Running) -> None:
    enter(page, running, "vera")
    tag = page.locator(".map a.zone-tag[href='/zones/oued']")
    tag.focus()
    playwright.expect(tag).to_have_attribute("aria-label", re.compile("River quarter .* m³/h .* m, Medium priority"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/zones/oued")


def test_without_scripts_the_desk_still_works(browser: Any, running: Running) -> None:
    context = browser.new_context(java_script_enabled=False)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    enter(page, running, "omar", "/zones/medina")
    desk = page.locator("#desk-prv_medina")
    desk.locator("[name=value_m]").fill("36.5")
    desk.locator("[name=reason]").fill("no scripts here")
    desk.locator("button.primary").click()
    page.locator("button:has-text('Select this valve')").click()
    page.locator("[name=confirm_value_m]").fill("36,5")
    page.locator("button.danger").click()
    page.locator("[data-outcome=verified]").wait_for()
    context.close()
