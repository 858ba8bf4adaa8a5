"""Pictures of a running console: ``python -m tests.support.console_shots URL NAME PASSWORD FOLDER [what …]``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip

VIEWS: dict[str, dict[str, Any]] = {
    "overview-light": {"path": "/", "language": "en"},
    "overview-dark": {"path": "/", "language": "fr", "dark": True},
    "overview-ar": {"path": "/", "language": "ar"},
    "overview-phone": {"path": "/", "language": "fr", "size": (390, 844), "full": True},
    "zone-light": {"path": "/zones/medina", "language": "fr"},
    "zone-dark": {"path": "/zones/medina", "language": "en", "dark": True},
    "zone-ar": {"path": "/zones/medina", "language": "ar", "dark": True},
    "zone-phone": {"path": "/zones/medina", "language": "ar", "size": (390, 844), "full": True},
    "alerts-light": {"path": "/alerts", "language": "en"},
    "audit-light": {"path": "/audit", "language": "fr"},
    "fleet-light": {"path": "/fleet", "language": "en"},
}


def shoot(url: str, name: str, password: str, folder: Path, wanted: tuple[str, ...] = ()) -> list[Path]:
    """Logs in once a view and writes one PNG each; the files written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=str(CHROMIUM), args=list(ARGUMENTS))
        for view, how in VIEWS.items():
            if wanted and view not in wanted:
                continue
            width, height = how.get("size", (1280, 860))
            context = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme="dark" if how.get("dark") else "light",
                device_scale_factor=1,
            )  # fmt: skip
            page = context.new_page()
            page.on("console", lambda m: print("console:", m.type, m.text, file=sys.stderr))
            page.on("pageerror", lambda e: print("error:", e, file=sys.stderr))
            page.goto(f"{url}/language/{how['language']}?next=/login")
            page.fill("[name=name]", name)
            page.fill("[name=password]", password)
            page.click("button[type=submit]")
            page.wait_for_selector("main h1")
            page.goto(url + how["path"])
            page.wait_for_selector("main h1", state="attached")
            page.wait_for_timeout(2500)
            path = folder / f"{view}.png"
            page.screenshot(path=path, full_page=bool(how.get("full")))
            written.append(path)
            context.close()
        browser.close()
    return written


if __name__ == "__main__":
    for file in shoot(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4]), tuple(sys.argv[5:])):
        print(file)
