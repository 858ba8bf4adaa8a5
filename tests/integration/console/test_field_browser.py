"""Pages of findings and complaints in a real browser, on a narrow telephone: charts, a finger on the map, nothing over the edge."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.console.test_browser import PATIENCE_MS, Running, browser, enter, playwright, running
from tests.support.console_field import BURST

__all__ = ["browser", "running"]
AXE = Path(__file__).parents[2] / "support" / "axe" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture
def narrow(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda m: said.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: said.append(str(e)))
    yield page
    complaints = list(said)
    context.close()
    assert complaints == []


def check(page: Any) -> None:
    """Fits, turns with the language, has nothing that keeps anybody out, and buttons a thumb can hit."""
    page.wait_for_load_state("load")  # of a form's answer the first lines are there before the rest
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    assert page.evaluate("getComputedStyle(document.body).direction") == "rtl"
    low = page.evaluate("[...document.querySelectorAll('main button')].filter((b) => b.getBoundingClientRect().height < 36).length")
    assert low == 0
    if AXE.exists():
        page.evaluate(AXE.read_text("utf-8"))
        found = json.loads(page.evaluate("async () => JSON.stringify((await axe.run()).violations)"))
        assert [(v["id"], v["nodes"][0]["target"]) for v in found] == []


def test_from_a_complaint_on_the_map_to_the_finding_and_its_crew(narrow: Any, running: Running) -> None:
    before = len(running.world.complaints.by_key)
    enter(narrow, running, "omar", "/complaints", "ar")
    narrow.check("[name=kind][value=wet_street]")
    narrow.select_option("form.entry [name=zone]", "medina")
    narrow.locator("[data-pick]").click(position={"x": 120, "y": 110})
    playwright.expect(narrow.locator("[name=x]")).not_to_have_value("")
    narrow.fill("form.entry [name=phone]", "0661 99 99 99")
    check(narrow)
    narrow.locator("form.entry button").click()
    narrow.wait_for_url("**/complaints?taken=true")
    assert len(running.world.complaints.by_key) == before + 1
    taken = max(running.world.complaints.by_key.values(), key=lambda c: c.noticed_at)
    assert (taken.zone, taken.phone, taken.x is None) == ("medina", "0661 99 99 99", False)

    narrow.goto(f"{running.url}/findings/{BURST}")
    playwright.expect(narrow.locator(".uplot canvas")).to_have_count(2)
    playwright.expect(narrow.locator(".region .said-here")).to_have_count(3)
    narrow.locator("details.numbers summary").first.click()
    check(narrow)
    narrow.locator("form[action='/orders'] button").click()
    narrow.wait_for_url("**/orders/work:*")
    check(narrow)
    narrow.locator(f"a[href='/findings/{BURST}']").click()
    playwright.expect(narrow.locator("a[href^='/orders/work']").first).to_be_visible()
