"""Pictures of the console from a running demonstration, into docs/images: ``make screenshots``.

Starts the demonstration in a temporary folder, waits until the planted burst has been found, and photographs the pages.
"""

from __future__ import annotations

import argparse
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

IMAGES = Path(__file__).parent / "images"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
PAGES = {"overview": "/", "zone": "/zones/plateau", "alerts": "/alerts", "audit": "/audit", "fleet": "/fleet"}


def main() -> None:
    """Runs the demonstration and photographs it."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--after", type=float, default=100.0, help="seconds of live running before the pictures")
    options.add_argument("--url", help="an instance that runs already")
    options.add_argument("--login", help="user/password there")
    chosen = options.parse_args()
    IMAGES.mkdir(parents=True, exist_ok=True)
    if chosen.url:
        user, password = chosen.login.split("/", 1)
        photograph(chosen.url, user, password)
        return
    with tempfile.TemporaryDirectory(prefix="khettara-") as folder:
        demo = subprocess.Popen(
            [sys.executable, "-m", "app", "demo", "--data", str(Path(folder) / "data"), "--port", "0"],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            url, user, password = address(demo)
            time.sleep(chosen.after)
            photograph(url, user, password)
        finally:
            demo.send_signal(signal.SIGINT)
            demo.wait(60)


def address(demo: subprocess.Popen[str]) -> tuple[str, str, str]:
    """URL and login out of what the demonstration prints."""
    if demo.stdout is None:
        raise SystemExit("the demonstration has no output")
    for line in demo.stdout:
        print(line, end="")
        found = re.search(r"(http://127\.0\.0\.1:\d+)\s+(\S+) / (\S+)", line)
        if found:
            return found[1], found[2], found[3]
    raise SystemExit("the demonstration ended before it printed its URL")


def photograph(url: str, user: str, password: str) -> None:
    """The pages in French, light; the overview in Arabic, dark, and on a phone."""
    browser_path = shutil.which("chromium") or "/usr/bin/chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=FLAGS)
        page = browser.new_page(viewport={"width": 1360, "height": 850})
        log_in(page, url, user, password)
        for name, path in PAGES.items():
            shoot(page, url + path, f"console-{name}.png")
        dark = browser.new_page(viewport={"width": 1360, "height": 850}, color_scheme="dark")
        log_in(dark, url, user, password)
        dark.context.add_cookies([{"name": "khettara_language", "value": "ar", "url": url}])
        shoot(dark, url + "/", "console-overview-ar-dark.png")
        phone = browser.new_page(viewport={"width": 390, "height": 844})
        log_in(phone, url, user, password)
        shoot(phone, url + "/alerts", "console-alerts-phone.png")
        browser.close()


def log_in(page: Page, url: str, user: str, password: str) -> None:
    """Through the login page, as a person would."""
    page.goto(url + "/login")
    page.fill("input[name=name]", user)
    page.fill("input[name=password]", password)
    page.click("form button[type=submit]")
    page.wait_for_url(lambda found: "/login" not in found)


def shoot(page: Page, url: str, name: str) -> None:
    """One picture, once the live feed has filled the page."""
    page.goto(url)
    page.wait_for_timeout(2500)
    page.screenshot(path=IMAGES / name)
    print(f"docs/images/{name}")


if __name__ == "__main__":
    main()
