"""``khettara bench console``: what a person waits for on the first page of a whole region, in a real browser.

Starts the console of a generated region (see ``console_stand``), logs in, and measures in a headless chromium without a graphics
card: the first view with nothing in the cache, frames while the map is dragged and zoomed, bytes on the wire, and the live feed.
"""

from __future__ import annotations

import gzip
import http.client
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from app.bench.console_stand import PASSWORD, USER, Stand, running_console
from domain.errors import ConfigurationError

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync")  # fmt: skip
VIEWPORT = {"width": 1360, "height": 850}
LIMITS = {"first_view_ms": 2000.0, "pan_frame_ms": 35.0, "weight_kb": 250.0, "call_up_ms": 2000.0}
"""What is promised: ``docs/benchmarks-console.md``."""
PATIENCE_MS = 60_000
_FRAMES = """async ({name, count}) => {
  const map = document.getElementById("map"), box = map.getBoundingClientRect();
  const at = [box.x + box.width / 2, box.y + box.height / 2];
  const fire = (type, x, y) => {
    const init = {clientX: x, clientY: y, button: 0, pointerId: 1, bubbles: true};
    map.dispatchEvent(new PointerEvent(type, init));
  };
  map.setPointerCapture = () => {};
  const wheel = (deltaY) => {
    const init = {deltaY, ctrlKey: true, clientX: at[0], clientY: at[1], bubbles: true, cancelable: true};
    map.dispatchEvent(new WheelEvent("wheel", init));
  };
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const times = [];
  if (name === "pan") fire("pointerdown", ...at);
  let last = await frame();
  for (let i = 0; i < count; i += 1) {
    if (name === "pan") fire("pointermove", at[0] + 240 * Math.sin(i / 14), at[1] + 160 * Math.sin(i / 9));
    if (name === "zoom") wheel(i % 40 < 20 ? -1 : 1);
    const now = await frame();
    times.push(now - last);
    last = now;
  }
  if (name === "pan") fire("pointerup", ...at);
  return times;
}"""


@dataclass(kw_only=True)  # no slots: the driver notes on a listener's object that it listens
class _Traffic:
    """Bytes on the wire of one page, by its own word; the live feed is counted apart."""

    sizes: dict[str, int] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)

    def watch(self, session: Any) -> None:
        session.send("Network.enable")
        session.on("Network.requestWillBeSent", self.asked)
        session.on("Network.loadingFinished", self.finished)

    def asked(self, event: Mapping[str, Any]) -> None:
        self.paths[event["requestId"]] = urlsplit(event["request"]["url"]).path

    def finished(self, event: Mapping[str, Any]) -> None:
        path = self.paths.get(event["requestId"], "?")
        self.sizes[path] = self.sizes.get(path, 0) + int(event["encodedDataLength"])


def bench_console(*, zones: int, pipes: int, seed: int, runs: int, seconds: float) -> dict[str, Any]:
    """Runs the benchmark.

    Args:
        zones: Zones of the region.
        pipes: Its pipes.
        seed: Of the region.
        runs: First views, each with an empty cache; the median counts.
        seconds: How long the live feed is listened to [s].

    Raises:
        ConfigurationError: There is no chromium here, or no playwright to drive it.
    """
    chromium, sync_playwright = _browser()
    with running_console(zones=zones, pipes=pipes, seed=seed) as stand, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=list(FLAGS))
        try:
            return _measure(stand, browser, runs, seconds)
        finally:
            browser.close()


def _browser() -> tuple[str, Any]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        raise ConfigurationError(file="this machine", key="chromium", value="none", expected="a chromium (apt install chromium)")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        expected = "the development tools (make install)"
        raise ConfigurationError(file="this environment", key="playwright", value="none", expected=expected) from None
    return path, sync_playwright


def _measure(stand: Stand, browser: Any, runs: int, seconds: float) -> dict[str, Any]:
    cookies = _log_in(stand, browser)
    views, traffic = [], _Traffic()
    for _ in range(runs):
        traffic = _Traffic()
        views.append(_first_view(stand, browser, cookies, traffic))
    figures: dict[str, Any] = {"zones": len(stand.inventory.metered_zones()), "pipes": stand.pipes, "readings": stand.rows}
    for name, mark in (("first_view_ms", "map"), ("first_view_text_ms", "text")):
        times = [view[mark] for view in views]
        figures[name] = {"median": round(median(times)), "worst": round(max(times))}
    figures["weight_kb"] = round(sum(traffic.sizes.values()) / 1000, 1)
    figures["weight_by_path_kb"] = {p: round(s / 1000, 1) for p, s in sorted(traffic.sizes.items(), key=lambda i: -i[1])}
    context = browser.new_context(viewport=VIEWPORT)
    context.add_cookies(cookies)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    _open(page, stand.url + "/")
    for name, count in (("idle", 60), ("pan", 180), ("zoom", 80)):
        figures[f"{name}_frame_ms"] = _spread(page.evaluate(_FRAMES, {"name": name, "count": count}))
    for _ in range(8):
        page.click("[data-zoom=in]")
    page.wait_for_timeout(1000)
    figures["pan_near_frame_ms"] = _spread(page.evaluate(_FRAMES, {"name": "pan", "count": 180}))
    figures["dom_elements"] = page.evaluate("document.querySelectorAll('*').length")
    zone = next(iter(stand.inventory.actuators.values())).zone
    paths = ("/", "/zones", f"/zones/{zone}", "/alerts", "/orders", "/audit", "/fleet")
    figures["call_up_ms"] = {path: _call_up(page, stand.url + path) for path in paths}
    context.close()
    figures["feed"] = _feed(stand, cookies, seconds)
    return figures


def _log_in(stand: Stand, browser: Any) -> Any:
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(stand.url + "/login?next=/fleet")
    page.fill("input[name=name]", USER)
    page.fill("input[name=password]", PASSWORD)
    page.click("form button[type=submit]")
    page.wait_for_url("**/fleet")
    cookies = context.cookies()
    context.close()
    return cookies


def _first_view(stand: Stand, browser: Any, cookies: Any, traffic: _Traffic) -> dict[str, float]:
    """Milliseconds from the click until the text stands and until the map is drawn; a new context has an empty cache."""
    context = browser.new_context(viewport=VIEWPORT)
    context.add_cookies(cookies)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    traffic.watch(context.new_cdp_session(page))
    _open(page, stand.url + "/")
    marks: dict[str, float] = page.evaluate(
        "() => ({map: performance.getEntriesByName('khettara:map')[0].startTime,"
        " text: performance.getEntriesByName('first-contentful-paint')[0].startTime})"
    )
    page.wait_for_load_state("load")
    context.close()
    return marks


def _open(page: Any, url: str) -> None:
    page.goto(url)
    page.wait_for_selector("#map[data-drawn]")


def _call_up(page: Any, url: str) -> int:
    """From the click to the page's load event [ms]."""
    page.goto(url, wait_until="load")
    took_ms: float = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventStart")
    return round(took_ms)


def _spread(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)
    return {"median": round(median(ordered), 1), "p95": round(ordered[int(0.95 * len(ordered))], 1), "worst": round(ordered[-1], 1)}


def _feed(stand: Stand, cookies: Any, seconds: float) -> dict[str, Any]:
    """The event stream as a browser gets it: the first event whole, then what comes."""
    place = urlsplit(stand.url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
    connection.request("GET", "/events", headers={"cookie": "; ".join(f"{c['name']}={c['value']}" for c in cookies)})
    answer = connection.getresponse()
    events: list[bytes] = []
    began = time.monotonic()
    block = b""
    while time.monotonic() - began < seconds:
        line = answer.readline()
        block += line
        if line == b"\n":
            events += [block] if b"event: " in block else []
            block = b""
    took_s = time.monotonic() - began
    connection.close()
    later = events[1:]
    return {
        "first_bytes": len(events[0]) if events else 0,
        "first_gzip_bytes": len(gzip.compress(events[0])) if events else 0,
        "later_events": len(later),
        "later_bytes": {"median": round(median(map(len, later))), "worst": max(map(len, later))} if later else None,
        "bytes_s": round(sum(map(len, later)) / took_s),
    }


def describe(figures: Mapping[str, Any]) -> list[str]:
    """The report in words, each promise beside its figure."""
    feed, view, text = figures["feed"], figures["first_view_ms"], figures["first_view_text_ms"]
    pan, near, idle, zoom = (figures[f"{name}_frame_ms"] for name in ("pan", "pan_near", "idle", "zoom"))
    heavy = ", ".join(f"{path} {size:g}" for path, size in list(figures["weight_by_path_kb"].items())[:4])
    calls = ", ".join(f"{path} {ms}" for path, ms in figures["call_up_ms"].items())
    rows = {
        "site": f"{figures['zones']} zones, {figures['pipes']:,} pipes, {figures['readings']:,} readings in PostgreSQL",
        f"first view, empty cache (≤ {LIMITS['first_view_ms']:g} ms)": f"text after {text['median']} ms, map drawn after "
        f"{view['median']} (worst {view['worst']})",
        f"dragging the map (≤ {LIMITS['pan_frame_ms']:g} ms a frame)": f"median {pan['median']}, p95 {pan['p95']}, "
        f"worst {pan['worst']}; standing still {idle['median']}, p95 {idle['p95']}",
        "dragging among the streets": f"median {near['median']} ms a frame, p95 {near['p95']}, worst {near['worst']}",
        "zooming": f"median {zoom['median']} ms a frame, p95 {zoom['p95']}, worst {zoom['worst']}",
        f"on the wire (≤ {LIMITS['weight_kb']:g} kB)": f"{figures['weight_kb']} kB: {heavy} …",
        "live feed": f"first event {feed['first_bytes']:,} bytes, then {feed['bytes_s']:,} bytes/s",
        f"pages (≤ {LIMITS['call_up_ms']:g} ms)": calls,
        "elements in the first page": f"{figures['dom_elements']:,}",
    }
    return [f"{name:<44} {said}" for name, said in rows.items()]
