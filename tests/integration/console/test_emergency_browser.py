"""The way of an emergency in a real browser: one declares, another confirms, both see it on every page."""

from __future__ import annotations

from typing import Any

from tests.integration.console.test_browser import PATIENCE_MS, Running, browser, enter, playwright, running
from tests.integration.console.test_field_browser import check, narrow

__all__ = ["browser", "narrow", "running"]


def test_one_declares_and_another_confirms(narrow: Any, browser: Any, running: Running) -> None:
    enter(narrow, running, "omar", "/emergencies", "ar")
    check(narrow)
    narrow.select_option("[name=zone]", "medina")
    narrow.fill("form.filling [name=reason]", "fire in the medina")
    narrow.click("form.filling button")
    playwright.expect(narrow.locator("#emergencies .banner")).to_have_count(1)
    check(narrow)
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    second = context.new_page()
    enter(second, running, "samira", "/", "en")
    playwright.expect(second.locator("#emergencies")).to_contain_text("waits for a second person")
    second.click("#emergencies a[href='/emergencies']")
    second.click("form[action$='/confirm'] button")
    playwright.expect(second.locator("#emergencies")).to_contain_text("in force")
    context.close()
    narrow.goto(f"{running.url}/emergencies")
    narrow.fill("form[action$='/end'] [name=reason]", "out")
    narrow.click("form[action$='/end'] button")
    playwright.expect(narrow.locator("#emergencies .banner")).to_have_count(0)
