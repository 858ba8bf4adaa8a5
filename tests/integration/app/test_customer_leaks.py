"""Leaks behind customers' meters from stored registers to the desk's pages: the centre's parts, its database, its restarts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from psycopg import AsyncConnection

from app.site import load_site
from domain.inventory import Inventory
from storage.inventory import save_inventory
from storage.roles import Role
from tests.support.centre_room import CentreRoom, centre_room
from tests.support.console_client import csrf
from tests.support.postgres import FreshDatabase

START = datetime(2026, 4, 1, tzinfo=UTC)
DAYS, FIRST = 40, 28
DRIP, BURST, CHANGED = "home2.volume", "home5.volume", "home7.volume"
HOMES = 10


def at(day: float) -> datetime:
    """A moment of the recording."""
    return START + timedelta(days=day)


def write_site(folder: Path) -> Inventory:
    """A zone with an inflow and ten registers read by the hour."""
    (folder / "site.toml").write_text('[site]\nkey = "s"\nnames = { en = "S" }\ntimezone = "Africa/Casablanca"\n')
    (folder / "zones.toml").write_text(
        '[[zone]]\nkey = "z"\nkind = "dma"\nnames = { en = "Zed" }\nconnections = 12\ninlets = [{ point = "in.flow", sign = 1 }]\n'
    )
    points = '[[point]]\nkey = "in.flow"\nquantity = "flow"\nrole = "inflow"\nresolution = "0.001"\nzone = "z"\nperiod_s = 3600\n'
    for k in range(HOMES):
        points += (
            f'[[point]]\nkey = "home{k}.volume"\nquantity = "volume"\nkind = "register"\nrole = "customer"\n'
            'resolution = "0.001"\nzone = "z"\nperiod_s = 3600\n'
        )
    (folder / "points.toml").write_text(points)
    (folder / "devices.toml").write_text("")
    return load_site(folder)


def registers() -> dict[str, np.ndarray]:
    """Litres at each full hour; one drips from day 30 to 35, one bursts on day 33 at 23:00, one is exchanged on day 33."""
    found = {}
    for k in range(HOMES):
        rng = np.random.default_rng(k)
        clock = np.arange(DAYS * 24) % 24
        events = rng.poisson(2.1 * np.where((clock > 5) & (clock < 23), 1.3, 0.12))
        use = np.floor(np.where(events > 0, rng.gamma(2.2 * np.maximum(events, 1), 3.0), 0.0))
        if f"home{k}.volume" == DRIP:
            use[30 * 24 : 35 * 24] += 60
        if f"home{k}.volume" == BURST:
            use[33 * 24 + 23 : 35 * 24] += 900
        litres = 50_000 + np.concatenate(([0.0], np.cumsum(use)))
        if f"home{k}.volume" == CHANGED:
            litres[33 * 24 :] -= litres[33 * 24]
        found[f"home{k}.volume"] = litres
    return found


async def store(dsn: str, inventory: Inventory, rows: dict[str, np.ndarray], hours: range) -> None:
    """Puts these hours of the recording into the database."""
    async with await AsyncConnection.connect(dsn) as connection:
        await save_inventory(connection, inventory, at=START)
        await connection.execute("SELECT ensure_reading_partitions(%s, %s)", (START, at(DAYS)))
        known: dict[str, int] = dict(await (await connection.execute("SELECT key, point_id FROM point")).fetchall())
        async with connection.cursor().copy("COPY reading (time, value, point_id, quality) FROM STDIN") as copy:
            for key, litres in rows.items():
                for hour in hours:
                    await copy.write_row((START + timedelta(hours=hour), int(litres[hour]), known[key], 0))


async def run(here: CentreRoom, first: float, last: float) -> None:
    """What the loop does, every six hours."""
    for day in np.arange(first, last, 0.25):
        here.clock.at = at(float(day)) + timedelta(hours=2, minutes=10)
        await here.centre.watch_customers(here.clock.at)
        await here.centre.look_after(here.clock.at)


async def test_two_leaks_are_told_shown_and_over_across_restarts(tmp_path: Path, database: FreshDatabase) -> None:
    inventory, rows = write_site(tmp_path), registers()
    late = range(31 * 24, 32 * 24)
    await store(database.dsn(), inventory, rows, range(31 * 24))
    await store(database.dsn(), inventory, rows, range(32 * 24, DAYS * 24))

    async with centre_room(tmp_path, database, inventory, at(FIRST)) as before:
        await run(before, FIRST, 32)
        assert await before.get("/api/v1/customers") == []
    await store(database.dsn(), inventory, rows, late)  # a concentrator was silent, and has come back
    async with centre_room(tmp_path, database, inventory, at(FIRST)) as again:
        await run(again, 32, 34.75)
        drip, burst = await both(again)
        assert (drip["since"][:13], burst["since"][:13]) == (at(30).isoformat()[:13], at(33 + 23 / 24).isoformat()[:13])
        assert abs(drip["flow_m3h"] - 0.06) < 0.01
        assert at(33.95) < datetime.fromisoformat(burst["found_at"]) <= at(34.5)
        await is_shown(again, burst)
        assert await readers_see(database) == 0
    async with centre_room(tmp_path, database, inventory, at(FIRST)) as over:
        await run(over, 34.75, 37)
        assert await over.get("/api/v1/customers") == []
        assert {f["key"] for f in await over.get("/api/v1/customers?closed=true")} == {drip["key"], burst["key"]}
        states = {a["finding"]: (a["state"], a["active"]) for a in await over.get("/api/v1/alerts?desk=customers&closed=true")}
        assert states == {drip["key"]: ("returned_unacknowledged", False), burst["key"]: ("normal", False)}


async def both(here: CentreRoom) -> tuple[Any, Any]:
    """The two leaks; each with one alarm of the customers' desk, none of them a finding or an alarm of the network."""
    found = {f["meter"]: f for f in await here.get("/api/v1/customers")}
    assert set(found) == {DRIP, BURST}, "not the meter that was exchanged"
    drip, burst = found[DRIP], found[BURST]
    assert (drip["kind"], burst["kind"]) == ("continuous", "sudden")
    alerts = await here.get("/api/v1/alerts?desk=customers")
    assert sorted((a["finding"], a["code"], a["zone"]) for a in alerts) == sorted(
        [(drip["key"], "customer.leak", "z"), (burst["key"], "customer.burst", "z")]
    )
    assert await here.get("/api/v1/alerts") == [], "no operator is made to look"
    assert await here.get("/api/v1/findings") == [], "no loss of the utility"
    return drip, burst


async def is_shown(here: CentreRoom, burst: Any) -> None:
    """On the page with its hours; its alarm is acknowledged there, and takes no crew."""
    page = (await here.client.get(f"/customers/{burst['key']}")).text
    assert "Sudden large flow" in page
    assert 'class="use"' in page
    hours = (await here.get(f"/api/v1/customers/{burst['key']}?series=true"))["series"]["use_l_h"]
    assert max(hours) > 900
    alert = (await here.get(f"/api/v1/customers/{burst['key']}"))["alert"]
    form = {"key": alert, "alert": alert, "csrf_token": await csrf(here.client)}
    assert (await here.client.post("/orders", data=form)).status_code == 409
    assert (await here.client.post("/alerts/acknowledge", data=form)).status_code == 303


async def readers_see(database: FreshDatabase) -> int:
    """Rows of the customers' desk that a reader of the database gets to see."""
    async with await AsyncConnection.connect(database.dsn(Role.READ)) as connection:
        counted = await connection.execute(
            "SELECT (SELECT count(*) FROM v_alert) + (SELECT count(*) FROM v_alert_annunciation) + (SELECT count(*) FROM v_finding)"
        )
        (rows,) = await counted.fetchone() or (0,)
        return int(rows)
