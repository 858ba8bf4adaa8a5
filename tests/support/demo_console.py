"""A demonstration running as a user starts it, and people in a browser who use its console."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, expect

ROOT = Path(__file__).resolve().parents[2]
AXE = Path(__file__).parent / "axe" / "node_modules" / "axe-core" / "axe.min.js"
SHOTS = ROOT / ".cache" / "screenshots"
"""Git-ignored; kept by the CI as an artefact."""
PATIENCE_MS = 60_000
DESKTOP = {"width": 1360, "height": 850}
PHONE = {"width": 412, "height": 915}


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """A running demonstration."""

    url: str
    password: str


@contextmanager
def running_demo(data: Path, *arguments: str) -> Iterator[Demo]:
    """Starts ``khettara demo`` in a folder of its own; stopped as by Ctrl-C."""
    command = [sys.executable, "-m", "app", "demo", "--data", str(data), "--port", "0", *arguments]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield _wait_for(child)
    finally:
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=120)


def _wait_for(child: subprocess.Popen[str]) -> Demo:
    said = ""
    assert child.stdout is not None
    for line in child.stdout:
        said += line
        if found := re.search(r"(http://127\.0\.0\.1:\d+)\s+\S+ / (\S+)", line):
            return Demo(url=found[1], password=found[2])
    raise AssertionError(f"the demonstration ended before it printed its URL:\n{said}")


@dataclass(kw_only=True)
class Person:
    """Somebody at a browser of their own."""

    demo: Demo
    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)
    """What the browser said in its console; nothing is right."""

    def go(self, path: str) -> Page:
        """To a page of the console; returns when it stands."""
        self.page.goto(self.demo.url + path)
        expect(self.page.locator("main h1")).to_be_attached()
        return self.page


def log_in(browser: Browser, demo: Demo, name: str, *, language: str = "en", **context: Any) -> Person:
    """Through the log-in page, as a person would."""
    opened = browser.new_context(viewport=context.pop("viewport", DESKTOP), **context)
    opened.set_default_timeout(PATIENCE_MS)
    page = opened.new_page()
    person = Person(demo=demo, context=opened, page=page)
    page.on("console", lambda m: person.complaints.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: person.complaints.append(str(e)))
    page.goto(f"{demo.url}/language/{language}?next=/login")
    page.fill("[name=name]", name)
    page.fill("[name=password]", demo.password)
    page.click("form button[type=submit]")
    expect(page.locator("main h1")).to_be_attached()
    return person


def faults(page: Page) -> list[str]:
    """What axe-core finds wrong on the page, by WCAG 2.1 A and AA and its best practices."""
    page.evaluate(AXE.read_text())
    run = "async () => JSON.stringify((await axe.run()).violations)"
    return [
        f"{v['id']} ({v['impact']}): {v['help']}: " + "; ".join(n["html"][:160] for n in v["nodes"][:3])
        for v in json.loads(page.evaluate(run))
    ]
