"""The centre on a network of our own, from stored history to the proved repair: its parts, its database, its pages."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from app.centre import Centre
from app.settings import Settings
from console.app import create_app
from domain.alerts import AlertState
from domain.inventory import Inventory
from domain.ports import User
from leak_detection.life import OVER_NOTES
from storage.database import Database
from storage.roles import Role
from storage.users import PostgresUsers
from tests.support.console_client import csrf, log_in
from tests.support.console_services import SteppedClock, password_hash
from tests.support.postgres import FreshDatabase
from tests.support.small_network import Leak, is_near, record
from tests.support.small_town import at, store, write_town

STANDING, BURST = Leak("J13", 20.3, 999.0, 6.0), Leak("J42", 59.6, 62.4, 12.0)
STARTS, REPORTED, DAYS = 58.9, 62.45, 64
TAUGHT_AGAIN, LAST = 112, 114


@dataclass(kw_only=True)
class Control:
    """The centre without its clockwork, and an operator at its console."""

    centre: Centre
    clock: SteppedClock
    client: httpx.AsyncClient

    async def round(self, day: float) -> None:
        """What the loops do, at a moment."""
        self.clock.at = at(day) + timedelta(minutes=20)
        await self.centre.detect(self.clock.at)
        await self.centre.look_after(self.clock.at)

    async def run(self, first: float, last: float, *, hours: float) -> None:
        """Rounds from one day to another."""
        for day in np.arange(first, last, hours / 24):
            await self.round(float(day))

    async def get(self, path: str) -> Any:
        answer = await self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()


@asynccontextmanager
async def control(folder: Path, database: FreshDatabase, inventory: Inventory) -> AsyncIterator[Control]:
    """The centre as its command starts it, over a database with a recording in it."""
    settings = Settings.model_validate(
        {
            "site": {"folder": folder},
            "database": {
                "dsn": database.dsn(Role.READ),
                "analytics_dsn": database.dsn(Role.ANALYTICS),
                "command_dsn": database.dsn(Role.COMMAND),
            },
            "centre": {"state_folder": folder / "state"},
        }
    )
    clock = SteppedClock(at=at(STARTS))
    centre = Centre(settings, inventory, clock)
    analytics, command = centre.databases
    async with Database(database.dsn(Role.COMMAND), size=1) as pool:
        await PostgresUsers(pool).save_user(User(name="omar", role="operator", zones=frozenset(), language="en"), password_hash())
    async with analytics, command:
        transport = httpx.ASGITransport(app=create_app(centre.console()))
        async with httpx.AsyncClient(transport=transport, base_url="http://console.test", timeout=30) as client:
            assert (await log_in(client, "omar")).status_code == 303
            yield Control(centre=centre, clock=clock, client=client)


@asynccontextmanager
async def stored(folder: Path, database: FreshDatabase, leaks: Sequence[Leak], days: int) -> AsyncIterator[Control]:
    """A centre over a recording of the network with these leaks."""
    inventory = write_town(folder)
    pressure, flow = record(folder / "small.inp", leaks, days, np.random.default_rng(17))
    await store(database.dsn(), inventory, pressure, flow)
    async with control(folder, database, inventory) as room:
        yield room


async def learnt(room: Control, day: float) -> None:
    """Learns at a day, and begins to tell."""
    await room.round(day)
    await room.centre.learning()
    await room.round(day + 0.02)


async def test_a_burst_is_placed_told_shown_repaired_and_over(tmp_path: Path, database: FreshDatabase) -> None:
    async with stored(tmp_path, database, (STANDING, BURST), DAYS) as room:
        await learnt(room, STARTS)
        standing = await what_stood(room)
        burst, alert = await what_burst(room, standing)
        await is_repaired(room, standing, burst, alert)


async def what_stood(centre: Control) -> Any:
    """Told on the first day."""
    network = await centre.get("/api/v1/network")
    assert (network["trouble"], network["gauges"], network["opened"][:10]) == ("", 9, at(56).isoformat()[:10])
    (standing,) = await centre.get("/api/v1/findings")
    assert is_near(standing["places"][0]["pipe"], STANDING.node)
    return standing


async def what_burst(centre: Control, standing: Any) -> tuple[Any, Any]:
    """Told within half a day, at its pipe; the finding and its alert."""
    await centre.run(STARTS + 0.2, BURST.first, hours=12)
    assert len(await centre.get("/api/v1/findings")) == 1
    await centre.run(BURST.first, BURST.first + 0.5, hours=2)
    found = await centre.get("/api/v1/findings")
    (burst,) = [f for f in found if f["key"] != standing["key"]]
    assert any(is_near(p["pipe"], BURST.node) for p in burst["places"][:3])
    assert any(is_near(pipe, BURST.node) for pipe in burst["region"]["pipes"])

    alerts = {a["finding"]: a for a in await centre.get("/api/v1/alerts")}
    assert set(alerts) == {standing["key"], burst["key"]}, "two leaks of one zone, two alerts"
    alert = alerts[burst["key"]]
    assert alert["parameters"]["pipe"] == burst["places"][0]["pipe"]
    assert (await centre.get(f"/api/v1/findings/{burst['key']}"))["alert"] == alert["key"]
    page = (await centre.client.get("/")).text
    assert burst["key"] in page, "drawn on the map"
    page = (await centre.client.get(f"/findings/{burst['key']}")).text
    assert burst["region"]["pipes"][0] in page
    return burst, alert


async def is_repaired(centre: Control, standing: Any, burst: Any, alert: Any) -> None:
    """The crew's word closes nothing; the night after it closes finding, alert and order, and the layer knows of it."""
    await centre.run(BURST.first + 0.5, REPORTED, hours=12)
    order = await send_crew(centre, alert["key"])
    await say_repaired(centre, order)
    assert {f["key"] for f in await centre.get("/api/v1/findings")} == {standing["key"], burst["key"]}, "a word closes nothing"
    assert (await centre.get("/api/v1/network"))["repairs"] == 0
    await centre.run(REPORTED + 0.05, DAYS - 0.1, hours=6)
    (left,) = await centre.get("/api/v1/findings")
    assert left["key"] == standing["key"]
    over = await centre.get(f"/api/v1/findings/{burst['key']}")
    assert (over["open"], bool(set(over["notes"]) & set(OVER_NOTES))) == (False, True)
    assert over["orders"] == [{"key": order, "state": "verified", "reopened": 0}]
    assert (await centre.get("/api/v1/network"))["repairs"] == 1, "the layer knows of the repair"
    states = {a["key"]: a["state"] for a in await centre.get("/api/v1/alerts")}
    assert states[alert["key"]] == AlertState.RETURNED_UNACKNOWLEDGED.value
    assert [key for key, state in states.items() if state == AlertState.UNACKNOWLEDGED.value] == [
        (await centre.get(f"/api/v1/findings/{standing['key']}"))["alert"]
    ]


async def send_crew(room: Control, alert: str) -> str:
    """An order by the form; its key."""
    answer = await room.client.post("/orders", data={"alert": alert, "csrf_token": await csrf(room.client)})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].removeprefix("/orders/")


async def say_repaired(room: Control, order: str) -> None:
    """The crew's report, as its telephone sends it."""
    said = {"key": "a" * 16, "order": order, "kind": "repaired", "said_at": room.clock.at.isoformat()}
    answer = await room.client.post("/api/v1/orders/reports", json=said, headers={"x-csrf-token": await csrf(room.client)})
    assert answer.status_code == 200, answer.text
    assert re.search("repaired", answer.text)


@pytest.mark.slow
async def test_a_layer_that_learns_anew_keeps_what_is_open_and_repeats_nothing(tmp_path: Path, database: FreshDatabase) -> None:
    late = Leak("J42", 100.6, 999.0, 12.0)
    async with stored(tmp_path, database, (STANDING, late), LAST) as room:
        await learnt(room, STARTS)
        await room.run(STARTS + 1, TAUGHT_AGAIN, hours=24)
        before = {f["key"]: f["found_at"] for f in await room.get("/api/v1/findings")}
        alerts = {a["key"]: a["raised_at"] for a in await room.get("/api/v1/alerts")}
        assert len(before) == len(alerts) == 2
        await room.round(TAUGHT_AGAIN + 0.5)
        assert (await room.get("/api/v1/network"))["learning"]
        await room.centre.learning()
        await room.run(TAUGHT_AGAIN + 0.6, LAST, hours=6)
        network = await room.get("/api/v1/network")
        assert (network["trouble"], network["opened"][:10]) == ("", at(TAUGHT_AGAIN).isoformat()[:10])
        assert {f["key"]: f["found_at"] for f in await room.get("/api/v1/findings")} == before
        assert {a["key"]: a["raised_at"] for a in await room.get("/api/v1/alerts?closed=true")} == alerts
