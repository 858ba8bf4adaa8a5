"""The pages of the customers' desk: who sees them, in three languages, and that nothing of them reaches the operators' lists."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from alerts.conditions import condition_alert
from alerts.customers import customer_conditions
from console.meter_plot import meter_plot
from domain.ports import User
from tests.support.console_client import csrf, logged_in
from tests.support.console_customers import RUNS, past_customers
from tests.support.console_past import NOW
from tests.support.console_services import console_world, password_hash


async def told():
    """A world in which the one that runs has its alarm; the alarm's key."""
    world = await console_world()
    (condition,) = customer_conditions(past_customers()[:1], ())
    alert = condition_alert(condition, NOW)
    await world.alerts.save_alert(alert, actor="system", action="raised")
    return world, alert.key


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "Sudden large flow"), ("fr", "Grand débit soudain"), ("ar", "صبيب كبير مفاجئ")],
)
async def test_the_list_and_the_page_speak_three_languages_and_draw_the_meter(language: str, words: str) -> None:
    world, _ = await told()
    async with logged_in(world, "omar") as (client, _):
        await client.get(f"/language/{language}")
        for address in ("/customers", f"/customers/{RUNS}"):
            page = (await client.get(address)).text
            assert words in page
            assert "customer.hammam.flow" in page
            assert not re.search(r">[^<]*customer\.(?!hammam)", page), "no text is missing"
        assert 'class="use"' in page
        assert (await client.get("/customers?closed=true")).text.count("customer.hotel.flow") >= 1
        assert "customer.hotel.flow" not in (await client.get("/customers")).text


async def test_operators_of_the_network_are_not_made_to_look_and_the_desk_acts_on_its_own_list() -> None:
    world, key = await told()
    async with logged_in(world, "omar") as (client, _):
        for address in ("/", "/alerts", "/alerts?closed=true", "/zones/medina", "/alerts/performance", "/api/v1/alerts"):
            assert "hammam" not in (await client.get(address)).text, address
        page = (await client.get("/alerts?desk=customers")).text
        assert f"/customers/{RUNS.replace(':', '%3A')}" in page
        assert 'action="/orders"' not in page, "no crew is sent"
        answer = await client.post("/orders", data={"alert": key, "csrf_token": await csrf(client)})
        assert answer.status_code == 409
        (row,) = (await client.get("/api/v1/alerts?desk=customers")).json()
        assert row["key"] == key
        answer = await client.post("/alerts/acknowledge", data={"key": key, "csrf_token": await csrf(client)})
        assert answer.status_code == 303
        assert (await client.get("/api/v1/alerts?desk=customers")).json()[0]["state"] == "acknowledged"


async def test_the_answers_say_what_runs_and_its_hours() -> None:
    world, key = await told()
    async with logged_in(world, "omar") as (client, _):
        (row,) = (await client.get("/api/v1/customers")).json()
        assert (row["key"], row["kind"], row["open"], row["volume_m3"]) == (RUNS, "sudden", True, pytest.approx(25.2))
        one = (await client.get(f"/api/v1/customers/{RUNS}?series=true")).json()
        assert one["alert"] == key
        assert len(one["series"]["use_l_h"]) == 4 * 24 + 30
        assert (await client.get("/api/v1/customers/nothing")).status_code == 404
        assert len((await client.get("/api/v1/customers?closed=true")).json()) == 2


async def test_what_runs_in_houses_is_for_those_who_may_act_there() -> None:
    world, _ = await told()
    await world.users.save_user(User(name="nadia", role="operator", zones=frozenset({"oued"}), language="en"), password_hash())
    async with logged_in(world, "nadia") as (client, _):
        assert (await client.get("/api/v1/customers")).json() == []
        assert (await client.get("/api/v1/alerts?desk=customers")).json() == []
        assert (await client.get(f"/customers/{RUNS}")).status_code == 403


async def test_a_console_without_a_watch_says_so() -> None:
    world = await console_world()
    services = replace(world.services, customers=None)
    async with logged_in(replace(world, services=services), "omar") as (client, _):
        assert (await client.get("/customers")).status_code == 404
        assert "/customers" not in (await client.get("/findings")).text


def test_the_plot_breaks_where_nothing_is_known_and_holds_the_level() -> None:
    start = datetime(2026, 5, 1, 22, tzinfo=UTC)
    use = np.array([0.0, 100.0, np.nan, 100.0])
    since, found = start + timedelta(hours=1), start + timedelta(hours=9)
    plot = meter_plot(use, start, since=since, found=found, level_l_h=100.0, local=timezone(timedelta(hours=1)))
    assert plot.path.count("M") == 2
    assert plot.since_x == plot.left + (plot.width - plot.left) / 4
    assert plot.found_x == plot.width, "never outside"
    assert plot.days == ((plot.since_x, "05-02"),)
    assert min(y for y, _ in plot.scale) > 0
    assert meter_plot(np.zeros(0), start, since=start, found=start, level_l_h=0.0, local=UTC).path == ""
