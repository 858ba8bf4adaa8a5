"""The map of a whole region in a real browser: drawn once and moved, its objects few in the page and all within reach."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote

import pytest

from console.geometry import map_document
from console.leak_marks import LeakMarks
from console.ports import MapGeometry
from domain.inventory import build_inventory
from simulator.region import make_region
from tests.integration.console.test_browser import browser, enter, page, playwright, running
from tests.support.console_field import BURST, past_findings
from tests.support.console_services import demo_geometry, demo_inventory
from tests.support.console_shots import CHROMIUM

__all__ = ["browser", "page", "running"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}; install chromium to run these"),
]
COUNT = """
  window.strokes = 0;
  const stroke = CanvasRenderingContext2D.prototype.stroke;
  CanvasRenderingContext2D.prototype.stroke = function (...path) { window.strokes += 1; return stroke.apply(this, path); };
"""
DRAG = """async (frames) => {
  const map = document.getElementById("map");
  map.setPointerCapture = () => {};
  const fire = (type, x) => {
    map.dispatchEvent(new PointerEvent(type, { clientX: x, clientY: 300, button: 0, pointerId: 1, bubbles: true }));
  };
  fire("pointerdown", 300);
  for (let i = 1; i <= frames; i += 1) {
    fire("pointermove", 300 + 40 * Math.sin(i / 6));
    await new Promise(requestAnimationFrame);
  }
  fire("pointerup", 300);
}"""


def network() -> str:
    """A region's drawing with zones of the demonstration's names, so that they have values."""
    region = make_region(zones=120, pipes=3600, valves=0)
    document = map_document(MapGeometry(nodes=region.nodes, links=tuple(region.links)), build_inventory(region.documents))
    for name, zone in (("medina", "z000"), ("oued", "z059"), ("plateau", "z119")):
        document["zones"][name] = document["zones"].pop(zone)
    return json.dumps(document)


@pytest.fixture
def region(page: Any, running: Any) -> Any:
    page.add_init_script(COUNT)
    page.route("**/map.json*", lambda route: route.fulfill(body=network(), content_type="application/json"))
    enter(page, running, "vera")
    page.wait_for_selector("#map[data-drawn]")
    return page


def at_rest(region: Any) -> int:
    """Strokes drawn so far, once no more are being drawn: a few zones a frame, however slow the machine."""
    while True:
        before = region.evaluate("window.strokes")
        region.wait_for_timeout(500)
        if region.evaluate("window.strokes") == before:
            return int(before)


def test_dragging_draws_no_pipe_again(region: Any) -> None:
    region.locator("#map .alarm-mark").first.wait_for()  # the colours of the alerts are drawn
    first = at_rest(region)
    assert first >= 240, "each zone's patch and streets"
    region.evaluate(DRAG, 60)
    assert region.evaluate("window.strokes") == first


def test_among_the_streets_a_drag_beyond_the_sheet_draws_the_next_one(region: Any) -> None:
    region.locator("#map .alarm-mark").first.wait_for()
    whole = at_rest(region)
    for _ in range(5):
        region.click("[data-zoom=in]")
    before = at_rest(region)
    region.evaluate(DRAG.replace("40 * Math.sin(i / 6)", "6 * i"), 60)
    assert 0 < at_rest(region) - before < whole, "what is near is a part of what is there"


def test_from_afar_zones_are_marks_and_near_they_have_names(region: Any) -> None:
    tag = region.locator("#map a.zone-tag[href='/zones/oued']")
    playwright.expect(tag).to_have_attribute("aria-label", re.compile(r"River quarter .* m³/h .* m, Medium priority"))
    tag.focus()
    playwright.expect(tag).to_be_focused()
    box, window = tag.bounding_box(), region.locator("#map").bounding_box()
    assert window["x"] <= box["x"] <= window["x"] + window["width"], "what has the focus is in the window"
    region.keyboard.press("0")
    playwright.expect(tag).to_be_focused()


def test_a_leak_stands_at_its_pipe_above_the_pipes_it_lies_in(page: Any, running: Any) -> None:
    enter(page, running, "vera")
    page.wait_for_selector("#map[data-drawn]")
    leak = page.locator("#map a.leak")
    leak.wait_for()
    assert leak.get_attribute("href") == f"/findings/{quote(BURST, safe='')}"
    assert "m³/h" in (leak.get_attribute("aria-label") or "")
    assert page.locator("#map a.leak .region-pipes").evaluate("path => path.getTotalLength()") > 0
    x, y = (float(v) for v in re.findall(r"-?[\d.]+", leak.get_attribute("transform") or ""))
    (mark,) = LeakMarks(demo_geometry(), demo_inventory()).of(past_findings(demo_geometry()))
    assert x / mark.x == pytest.approx(-y / mark.y, rel=0.01), "where the pipe is, at the map's one scale"
    leak.click()
    page.wait_for_url("**/findings/*")
    assert page.locator(".region .sure").count() == 1
