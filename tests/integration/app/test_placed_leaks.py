"""The centre on a network of our own, from stored history to the proved repair: its parts, its database, its pages."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domain.alerts import AlertState
from leak_detection.life import OVER_NOTES
from tests.support.centre_room import CentreRoom, centre_room
from tests.support.console_client import csrf
from tests.support.postgres import FreshDatabase
from tests.support.small_network import Leak, is_near, record
from tests.support.small_town import at, store, write_town

STANDING, BURST = Leak("J13", 20.3, 999.0, 6.0), Leak("J42", 59.6, 62.4, 12.0)
STARTS, REPORTED, DAYS = 58.9, 62.45, 64
TAUGHT_AGAIN, LAST = 112, 114


async def look(room: CentreRoom, day: float) -> None:
    """What the loops do, at a moment."""
    room.clock.at = at(day) + timedelta(minutes=20)
    await room.centre.detect(room.clock.at)
    await room.centre.look_after(room.clock.at)


async def run(room: CentreRoom, first: float, last: float, *, hours: float) -> None:
    """Looks from one day to another."""
    for day in np.arange(first, last, hours / 24):
        await look(room, float(day))


@asynccontextmanager
async def stored(folder: Path, database: FreshDatabase, leaks: Sequence[Leak], days: int) -> AsyncIterator[CentreRoom]:
    """A centre over a recording of the network with these leaks."""
    inventory = write_town(folder)
    pressure, flow = record(folder / "small.inp", leaks, days, np.random.default_rng(17))
    await store(database.dsn(), inventory, pressure, flow)
    async with centre_room(folder, database, inventory, at(STARTS)) as room:
        yield room


async def learnt(room: CentreRoom, day: float) -> None:
    """Learns at a day, and begins to tell."""
    await look(room, day)
    await room.centre.learning()
    await look(room, day + 0.02)


async def test_a_burst_is_placed_told_shown_repaired_and_over(tmp_path: Path, database: FreshDatabase) -> None:
    async with stored(tmp_path, database, (STANDING, BURST), DAYS) as room:
        await learnt(room, STARTS)
        standing = await what_stood(room)
        burst, alert = await what_burst(room, standing)
        await is_repaired(room, standing, burst, alert)


async def what_stood(centre: CentreRoom) -> Any:
    """Told on the first day."""
    network = await centre.get("/api/v1/network")
    assert (network["trouble"], network["gauges"], network["opened"][:10]) == ("", 9, at(56).isoformat()[:10])
    (standing,) = await centre.get("/api/v1/findings")
    assert is_near(standing["places"][0]["pipe"], STANDING.node)
    return standing


async def what_burst(centre: CentreRoom, standing: Any) -> tuple[Any, Any]:
    """Told within half a day, at its pipe; the finding and its alert."""
    await run(centre, STARTS + 0.2, BURST.first, hours=12)
    assert len(await centre.get("/api/v1/findings")) == 1
    await run(centre, BURST.first, BURST.first + 0.5, hours=2)
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


async def is_repaired(centre: CentreRoom, standing: Any, burst: Any, alert: Any) -> None:
    """The crew's word closes nothing; the night after it closes finding, alert and order, and the layer knows of it."""
    await run(centre, BURST.first + 0.5, REPORTED, hours=12)
    order = await send_crew(centre, alert["key"])
    await say_repaired(centre, order)
    assert {f["key"] for f in await centre.get("/api/v1/findings")} == {standing["key"], burst["key"]}, "a word closes nothing"
    assert (await centre.get("/api/v1/network"))["repairs"] == 0
    await run(centre, REPORTED + 0.05, DAYS - 0.1, hours=6)
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


async def send_crew(room: CentreRoom, alert: str) -> str:
    """An order by the form; its key."""
    answer = await room.client.post("/orders", data={"alert": alert, "csrf_token": await csrf(room.client)})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].removeprefix("/orders/")


async def say_repaired(room: CentreRoom, order: str) -> None:
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
        await run(room, STARTS + 1, TAUGHT_AGAIN, hours=24)
        before = {f["key"]: f["found_at"] for f in await room.get("/api/v1/findings")}
        alerts = {a["key"]: a["raised_at"] for a in await room.get("/api/v1/alerts")}
        assert len(before) == len(alerts) == 2
        await look(room, TAUGHT_AGAIN + 0.5)
        assert (await room.get("/api/v1/network"))["learning"]
        await room.centre.learning()
        await run(room, TAUGHT_AGAIN + 0.6, LAST, hours=6)
        network = await room.get("/api/v1/network")
        assert (network["trouble"], network["opened"][:10]) == ("", at(TAUGHT_AGAIN).isoformat()[:10])
        assert {f["key"]: f["found_at"] for f in await room.get("/api/v1/findings")} == before
        assert {a["key"]: a["raised_at"] for a in await room.get("/api/v1/alerts?closed=true")} == alerts
