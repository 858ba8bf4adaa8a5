"""What the server refuses or never answers is said on the page, and what somebody types is not taken from them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from domain.alerts import AlertState
from tests.integration.console.test_browser import Running, browser, enter, page, playwright, running

__all__ = ["browser", "page", "running"]


def test_a_refusal_is_said_where_htmx_alone_would_stay_silent(page: Any, running: Running) -> None:
    enter(page, running, "omar", "/alerts")
    card = page.locator(".alert-cards li.unseen").first
    card.locator("form[action='/alerts/acknowledge'] [name=key]").evaluate(
        "(field) => (field.value = 'another')"
    )  # it is gone meanwhile
    card.locator("form[action='/alerts/acknowledge'] button").click()
    said = page.locator("#not-done")
    playwright.expect(said).to_contain_text("Not done: This page, zone or command does not exist.")
    page.context.set_offline(True)
    card.locator("form[action='/alerts/acknowledge'] button").click()
    playwright.expect(said).to_contain_text("No answer from the control centre.")
    page.complaints.clear()  # the browser's own lines about the two failed requests


def test_a_reason_that_is_typed_stays_while_new_alarms_come(page: Any, running: Running) -> None:
    enter(page, running, "omar", "/alerts")
    card = page.locator(".alert-cards li.unseen").first
    card.locator("details.aside summary").first.click()
    reason = card.locator("details.aside [name=reason]").first
    reason.fill("a crew is on its")
    found = next(a for a in running.world.alerts.by_key.values() if a.state is AlertState.UNACKNOWLEDGED)
    newer = replace(found, key="leak:another", zone="oued", updated_at=found.updated_at + timedelta(minutes=1))
    running.soon(running.world.alerts.save_alert(newer, actor="test", action="raise"))
    playwright.expect(page.locator("#list-waits")).to_contain_text("The list has changed.")
    playwright.expect(reason).to_have_value("a crew is on its")
    cards = page.locator(".alert-cards > li").count()
    reason.fill("")
    page.locator("h1").click()
    playwright.expect(page.locator(".alert-cards > li")).to_have_count(cards + 1)
