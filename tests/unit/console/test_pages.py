"""What the pages show, and what they do when the data are bad or away."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import httpx
import pytest

from console.app import create_app
from console.headers import CONTENT_SECURITY_POLICY
from domain.alerts import AlertState
from domain.errors import StorageUnavailable
from domain.ports import GatewayNow, ZoneNow
from tests.support.console_client import log_in, logged_in
from tests.support.console_past import NOW
from tests.support.console_services import console_world


async def test_the_overview_shows_zones_alerts_and_commands() -> None:
    world = await console_world()
    async with logged_in(world, "vera") as (client, _):
        text = (await client.get("/")).text
        for word in (
            "Old town",
            "Plateau",
            "River quarter",
            "Industrial zone",
            "Sudden loss: probable burst",
            "prv_medina",
            "Failed",
        ):
            assert word in text
        assert text.count('class="spark"') == 4
        assert "Loss growing" in text


async def test_a_doubtful_value_is_marked_by_more_than_colour() -> None:
    world = await console_world()
    async with logged_in(world, "vera") as (client, _):
        row = re.search(r'<tr data-flags="zones.industrie".*?</tr>', (await client.get("/")).text, re.DOTALL)
        assert row is not None
        assert "is-suspect" in row.group(0)
        assert "doubtful value" in row.group(0)


async def test_old_values_say_how_old() -> None:
    world = await console_world()
    world.town.lag_s = 3600
    async with logged_in(world, "vera") as (client, _):
        text = (await client.get("/")).text
        assert text.count("is-stale") >= 4
        assert re.search(r"old <bdi[^>]*>60</bdi> min", text)


async def test_pages_without_a_database_say_so() -> None:
    world = await console_world()
    world.town.broken = True
    async with logged_in(world, "vera") as (client, _):
        answer = await client.get("/alerts")
        assert answer.status_code == 200
        assert "cannot read the database" in answer.text
        health = await client.get("/healthz")
        assert (health.status_code, health.json()["problem"]) == (503, "source")


async def test_a_database_that_is_away_is_a_503_in_words() -> None:
    world = await console_world()

    async def away(**_: Any) -> Any:
        raise StorageUnavailable("connection refused by 10.0.0.7")

    async with logged_in(world, "vera") as (client, _):
        world.store.audit_rows = away
        answer = await client.get("/audit")
        assert answer.status_code == 503
        assert "The database does not answer" in answer.text
        assert "10.0.0.7" not in answer.text


async def test_acknowledging() -> None:
    world = await console_world()
    key = "burst:medina:2026-05-06T06:14Z"
    async with logged_in(world, "omar") as (client, token):
        answer = await client.post("/alerts/acknowledge", data={"key": key, "csrf_token": token})
        assert answer.status_code == 303
        assert "seen by <bdi>omar</bdi>" in (await client.get("/alerts")).text
        assert world.alerts.by_key[key].state is AlertState.ACKNOWLEDGED
        changes = len(world.alerts.log)
        again = await client.post("/alerts/acknowledge", data={"key": key, "csrf_token": token}, headers={"hx-request": "true"})
        assert again.status_code == 200
        assert len(world.alerts.log) == changes, "twice is once"
        gone = await client.post("/alerts/acknowledge", data={"key": "none", "csrf_token": token})
        assert gone.status_code == 404


async def test_closed_alerts_are_shown_on_demand() -> None:
    world = await console_world()
    async with logged_in(world, "vera") as (client, _):
        assert "prv_plateau" not in (await client.get("/alerts")).text
        assert "A command did not hold: prv_plateau" in (await client.get("/alerts?closed=true")).text


async def test_the_fleet_shows_what_is_missing() -> None:
    world = await console_world()

    async def gateways() -> list[GatewayNow]:
        return [
            GatewayNow(edge="demo/gw-north", online=False, since=NOW, last_block_at=None, rows_stored=7, dead_letters=1, missing=12)
        ]

    async with logged_in(world, "vera") as (client, _):
        world.town.gateways_now = gateways
        text = (await client.get("/fleet", headers={"hx-request": "true"})).text
        assert "offline" in text
        assert re.search(r'class="n bad"[^>]*><bdi dir="ltr">12</bdi>', text)


async def test_a_zone_without_a_valve_says_so() -> None:
    world = await console_world()
    async with logged_in(world, "omar") as (client, _):
        assert "No valve regulates this zone." in (await client.get("/zones/industrie")).text
        assert "No inflow is known" in (await client.get("/zones/ain_khettara")).text


@pytest.mark.parametrize(("language", "name"), [("fr", "Médina"), ("ar", "المدينة العتيقة"), ("en", "Old town")])
async def test_every_page_renders_in_every_language(language: str, name: str) -> None:
    world = await console_world()
    async with logged_in(world, "samira") as (client, _):
        await client.get(f"/language/{language}")
        for address in ("/", "/zones/medina", "/zones/oued", "/alerts?closed=true", "/audit", "/fleet", "/commands/past0006"):
            answer = await client.get(address)
            assert answer.status_code == 200, address
            assert f'<html lang="{language}"' in answer.text
        assert name in (await client.get("/")).text


async def test_names_out_of_the_database_are_text_not_markup() -> None:
    world = await console_world()
    alert = next(iter(world.alerts.by_key.values()))
    world.alerts.by_key["x"] = replace(
        alert, key="x", code="<img src=x>", parameters={"<b>": "<i>1</i>"}, acknowledged_by="<u>me</u>"
    )
    async with logged_in(world, "vera") as (client, _):
        text = (await client.get("/alerts")).text
        assert "<img" not in text
        assert "<i>1" not in text
        assert "<u>me" not in text


async def test_the_map_is_sent_once() -> None:
    world = await console_world()
    async with logged_in(world, "vera") as (client, _):
        first = await client.get("/map.json")
        assert first.headers["content-encoding"] == "gzip"
        again = await client.get("/map.json", headers={"if-none-match": first.headers["etag"]})
        assert again.status_code == 304


async def test_the_api_describes_itself() -> None:
    world = await console_world()
    async with logged_in(world, "vera") as (client, _):
        paths = (await client.get("/api/v1/openapi.json")).json()["paths"]
        assert "/api/v1/zones" in paths
        zones = (await client.get("/api/v1/zones")).json()
        assert {z["key"] for z in zones["zones"]} == {"medina", "plateau", "oued", "industrie"}
        assert (await client.get("/api/v1/commands?limit=2")).json()[0]["state"] == "failed"
        assert (await client.get("/api/v1/alerts")).json()[0]["title"] == "Sudden loss: probable burst"
        assert (await client.get("/api/v1/commands?limit=9999")).status_code == 422


async def test_the_first_day_of_a_site_says_what_it_waits_for() -> None:
    world = await console_world(history=False)
    zones = await world.town.zones_now()
    nothing: dict[str, Any] = dict.fromkeys(("inflow_m3h", "inflow_at", "night_flow_m3h", "night", "critical_m", "critical_at"))

    async def unmeasured() -> list[ZoneNow]:
        return [replace(row, suspect=False, **nothing) for row in zones]

    world.town.zones_now = unmeasured  # a town before its first reading
    async with logged_in(world, "vera") as (client, _):
        text = (await client.get("/")).text
        assert "Nothing has been measured yet." in text
        assert text.count("is-unknown") >= 4
        assert re.search(r'data-live="zones_judged"[^>]*>0<', text), "no zone is called good before its pressure is known"
        assert "no night measured yet" in (await client.get("/zones/medina")).text


async def test_an_error_is_said_in_the_pages_language_and_says_what_it_is_about() -> None:
    world = await console_world()
    async with logged_in(world, "leila") as (client, _):
        wrong = await client.get("/zones?page=abc")
        assert wrong.status_code == 422
        assert "قيمة غير ملائمة" in wrong.text
        assert "query.page" in wrong.text
        gone = await client.get("/zones/atlantis")
        assert gone.status_code == 404
        assert "غير موجود" in gone.text


async def test_a_fault_of_ours_is_a_page_too_under_the_same_policy() -> None:
    world = await console_world()

    async def faulty(*_arguments: Any, **_named: Any) -> Any:
        raise RuntimeError("a fault that nobody foresaw")

    world.town.series = faulty
    transport = httpx.ASGITransport(app=create_app(world.services), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://console.test", timeout=30) as client:
        await log_in(client, "omar")
        answer = await client.get("/")
        assert answer.status_code == 500
        assert "A fault of the console" in answer.text
        assert "nobody foresaw" not in answer.text
        assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert (await client.get("/zones/medina/trend.json")).json()["error"] == "http_500"
