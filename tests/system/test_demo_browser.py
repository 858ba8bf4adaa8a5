"""The console of the running demonstration in a real browser: what an operator, a second person and a crew do on it.

One demonstration for the whole file, in the order of a night: somebody watches the map while the pages are looked at and the valves
are moved, until the planted burst appears.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.console_shots import ARGUMENTS, CHROMIUM

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(400),
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}; install chromium to run these"),
]
from tests.support.demo_console import AXE, PATIENCE_MS, PHONE, SHOTS, Demo, Person, faults, log_in, running_demo  # noqa: E402  (needs playwright)

expect = playwright.expect
expect.set_options(timeout=PATIENCE_MS)
BURST_WITHIN_MS = 240_000
LATE_BURST = "32"
"""A seed whose pipe breaks late enough for somebody to have logged in before."""
VALVES = {"prv_medina": "medina", "prv_plateau": "plateau", "prv_oued": "oued"}
BROWSERS = ("watcher", "supervisor", "operator")
PAGES = ("/", "/zones", "/zones/medina", "/alerts", "/findings", "/orders", "/complaints", "/emergencies", "/audit", "/fleet")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with running_demo(tmp_path_factory.mktemp("demo") / "data", "--seed", LATE_BURST, "--speed", "40") as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as play:
        found = play.chromium.launch(executable_path=str(CHROMIUM), args=list(ARGUMENTS))
        yield found
        found.close()


@pytest.fixture(scope="module")
def supervisor(browser: Any, demo: Demo) -> Iterator[Person]:
    yield from _person(log_in(browser, demo, "superviseur"))


@pytest.fixture(scope="module")
def operator(browser: Any, demo: Demo) -> Iterator[Person]:
    yield from _person(log_in(browser, demo, "operateur"))


@pytest.fixture(scope="module")
def watcher(browser: Any, demo: Demo) -> Iterator[Person]:
    """Looks at the map from before the burst and never reloads it."""
    yield from _person(log_in(browser, demo, "visiteur"))


def _person(found: Person) -> Iterator[Person]:
    """Their browser has nothing to complain of until they leave."""
    yield found
    complaints = list(found.complaints)
    found.context.close()
    assert complaints == []


def test_the_night_begins_quiet(watcher: Person) -> None:
    page = watcher.go("/")
    page.wait_for_selector("#map[data-drawn]")
    expect(page.locator("#map .zone-tag")).to_have_count(4)
    expect(page.locator("#map .zone-tag").first).to_have_attribute("aria-label", re.compile(r"\d m³/h"))
    assert page.locator("#map .alarm-mark").count() == 0


@pytest.mark.skipif(not AXE.exists(), reason="no axe-core: npm install in tests/support/axe")
@pytest.mark.parametrize("language", ["fr", "ar", "en"])
def test_every_page_is_free_of_faults_in_both_themes_and_photographed(browser: Any, demo: Demo, language: str) -> None:
    person = log_in(browser, demo, "superviseur", language=language)
    SHOTS.mkdir(parents=True, exist_ok=True)
    found = {}
    for path in PAGES:
        page = person.go(path)
        if path == "/":
            page.wait_for_selector("#map[data-drawn]")
        if path == "/zones/medina":
            page.wait_for_selector(".chart canvas")
        assert page.evaluate("getComputedStyle(document.body).direction") == ("rtl" if language == "ar" else "ltr")
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            found[path, theme] = faults(page)
            page.screenshot(path=SHOTS / f"{path.strip('/').replace('/', '-') or 'overview'}-{language}-{theme}.png")
    person.context.close()
    assert {where: said for where, said in found.items() if said} == {}
    assert person.complaints == []


def desk(person: Person, actuator: str) -> Any:
    """An actuator's desk on its zone's page."""
    person.go(f"/zones/{VALVES[actuator]}")
    found = person.page.locator(f"#desk-{actuator}")
    expect(found.locator("button.primary")).to_be_enabled()
    return found


def setpoint(person: Person, actuator: str) -> float:
    """What the page says the setpoint is now [m]."""
    return float(person.page.locator(f"[data-live='actuators.{actuator}.setpoint_m']").text_content() or "nan")


def propose(person: Person, actuator: str, change_m: float) -> tuple[Any, float]:
    """Proposes a change until the desk takes it: the law moves these valves too, and two moves need their time between them."""
    for _ in range(12):
        found = desk(person, actuator)
        wished_m = round(setpoint(person, actuator) + change_m, 1)
        found.locator("[name=value_m]").fill(f"{wished_m:.1f}")
        found.locator(".preview-place .effect").wait_for()
        found.locator("[name=reason]").fill("a check at night")
        found.locator("button.primary").click()
        select, refused = found.locator("form[action$='/select'] button.primary"), found.locator(".notice.bad")
        expect(select.or_(refused).first).to_be_visible()
        if select.is_visible():
            return found, wished_m
        person.page.wait_for_timeout(3000)
    raise AssertionError(f"the desk refuses every change: {refused.text_content()}")


def execute(found: Any, wished_m: float) -> None:
    """Selects, types the value again and sends it."""
    found.locator("form[action$='/select'] button.primary").click()
    field = found.locator("[name=confirm_value_m]")
    expect(field).to_be_focused()
    field.fill(f"{wished_m:.1f}")
    found.locator("button.danger").click()


def test_a_setpoint_is_proposed_previewed_selected_executed_and_verified(operator: Person) -> None:
    by_hand(operator, "prv_medina")
    found, wished_m = propose(operator, "prv_medina", 0.6)
    expect(found.locator(".effect")).to_contain_text(re.compile(r"Leakage\s*[+−]?\d.*m³/", re.DOTALL))
    execute(found, wished_m)
    expect(found.locator("[data-outcome=verified]")).to_contain_text(f"Read back from the site: {wished_m:.2f} m")
    page = operator.page
    expect(page.locator("[data-live='actuators.prv_medina.setpoint_m']")).to_have_text(f"{wished_m:.1f}")
    expect(page.locator("[data-mode='actuators.prv_medina.mode']")).to_contain_text("Manual")
    expect(page.locator("[data-until='actuators.prv_medina.mode_until']")).to_contain_text(re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d"))


def test_a_forbidden_one_is_refused_with_its_reason(operator: Person) -> None:
    found = desk(operator, "prv_oued")
    found.locator("[name=value_m]").fill("90")
    found.locator("[name=reason]").fill("trying")
    found.locator("button.primary").click()
    expect(found.locator(".notice.bad")).to_contain_text(re.compile(r"90\.00 m is above the limit of \d+\.00 m\."))


def by_hand(person: Person, actuator: str) -> None:
    """Takes a valve from its law: from then on only people move it."""
    desk(person, actuator)
    form = person.page.locator(f"form[action='/actuators/{actuator}/mode']")
    person.page.locator("details.mode-change", has=form).locator("summary").click()
    form.locator("input[value=manual]").check()
    form.locator("[name=reason]").fill("a step by hand")
    form.locator("button[type=submit]").click()
    expect(person.page.locator(f"#desk-{actuator} .notice[role=status]")).to_be_visible()


def test_a_large_one_waits_for_a_second_person(operator: Person, supervisor: Person) -> None:
    by_hand(operator, "prv_plateau")
    for _ in range(4):
        found, wished_m = propose(operator, "prv_plateau", 1.8)
        execute(found, wished_m)
        expect(found).to_contain_text("second person")
        expect(found.locator("[data-outcome]")).to_have_count(0)
        other = desk(supervisor, "prv_plateau")
        expect(other).to_contain_text("operateur")
        other.locator("[name=confirm_value_m]").fill(f"{wished_m:.1f}")
        other.locator("form[action$='/approve'] button.danger").click()
        verified, refused = other.locator("[data-outcome=verified]"), other.locator("[data-outcome=refused], .notice.bad")
        expect(verified.or_(refused).first).to_be_visible()
        if verified.is_visible():
            break
        # A move of the law that was still on its way may have come between the two people: what was asked for is not what is there.
        expect(refused).to_contain_text("has changed since")
        supervisor.page.wait_for_timeout(3000)
    expect(verified).to_contain_text(f"{wished_m:.2f} m")


def test_who_only_looks_finds_no_desk(browser: Any, demo: Demo) -> None:
    person = log_in(browser, demo, "visiteur")
    person.go("/zones/medina")
    expect(person.page.locator("[data-actuator=prv_medina]")).to_be_visible()
    expect(person.page.locator(".desk")).to_have_count(0)
    person.context.close()


def test_ten_tabs_share_one_live_connection(supervisor: Person) -> None:
    context = supervisor.context
    supervisor.go("/")
    tabs = [context.new_page() for _ in range(9)]
    for tab in tabs:
        tab.goto(supervisor.demo.url + "/")
    clock = "[data-clock] b"
    stood = {tab: tab.locator(clock).text_content() for tab in tabs}
    for tab in tabs:
        expect(tab.locator(clock)).not_to_have_text(str(stood[tab]))
    watchers = supervisor.page.request.get(supervisor.demo.url + "/healthz").json()["watchers"]
    for tab in tabs:
        tab.close()
    assert watchers <= len(BROWSERS), "one for each of the browsers of this file, whatever their tabs"


def test_the_keyboard_goes_from_object_to_object(supervisor: Person) -> None:
    page = supervisor.go("/")
    page.wait_for_selector("#map[data-drawn]")
    assert page.locator("#map [tabindex='0']").count() == 1
    page.locator("#map [tabindex='0']").focus()
    names = set()
    for key in ("ArrowLeft", "ArrowUp", "ArrowRight", "ArrowDown", "ArrowLeft"):
        page.keyboard.press(key)
        names.add(page.evaluate("document.activeElement.getAttribute('aria-label')"))
    assert len(names) >= 3, names
    assert page.locator("#map [tabindex='0']").count() == 1


def test_a_burst_appears_on_the_map_and_is_acknowledged(watcher: Person, operator: Person) -> None:
    watcher.page.locator("#map .alarm-mark").wait_for(timeout=BURST_WITHIN_MS)
    expect(watcher.page.locator("#map .alarm-mark")).to_have_attribute("aria-label", re.compile("priority: "))
    expect(watcher.page.locator("#alerts-short")).to_contain_text("probable burst")
    watcher.page.screenshot(path=SHOTS / "burst-on-the-map.png")
    page = operator.go("/alerts")
    card = page.locator("li", has_text="probable burst").first
    card.locator("form[action='/alerts/acknowledge'] button").click()
    expect(page.locator("li", has_text="probable burst").first).to_contain_text("seen by operateur")
    expect(watcher.page.locator("#alerts-short")).not_to_contain_text("Unseen")


def test_a_crew_without_a_network_queues_two_messages_and_each_arrives_once(browser: Any, demo: Demo) -> None:
    person = log_in(browser, demo, "operateur", viewport=PHONE, has_touch=True, is_mobile=True)
    page = person.go("/alerts")
    page.locator("form[action='/orders'] button").first.click()
    page.wait_for_url("**/orders/work:*")
    page.evaluate("navigator.serviceWorker.ready")
    page.reload()  # once through the worker, so that it is kept
    outbox = page.locator("[data-outbox]")
    person.context.set_offline(True)
    page.fill("[name=note]", "valve V12 is closed")
    page.click("button[value=on_site]")
    expect(outbox).to_have_attribute("data-waiting", "1")
    page.click("button[value=repaired]")
    expect(outbox).to_have_attribute("data-waiting", "2")
    page.reload()  # out of the worker's cache
    expect(outbox).to_have_attribute("data-waiting", "2")
    person.context.set_offline(False)
    expect(page.locator("[data-state=repaired]")).to_be_visible()
    expect(outbox).to_have_attribute("data-waiting", "0")
    expect(page.locator(".said li")).to_have_count(2)
    expect(page.locator(".said")).to_contain_text("valve V12 is closed")
    person.context.close()
