"""What readers see: units, buckets, net inflow, the night, and that the read-only role sees nothing else."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import psycopg
import pytest
from psycopg import AsyncConnection

from alerts.book import TOLD
from domain.delivery import DeadLetter
from storage.database import Database
from storage.ingest import PostgresIngestStore
from storage.roles import Role
from storage.zones import PostgresZones
from tests.support.postgres import FreshDatabase
from tests.support.stored_town import MINUTE_MS, OTHER, START, START_MS, STREAM, block

LOCAL = ZoneInfo("Africa/Casablanca")
VIEWS = (
    "v_site", "v_zone", "v_point", "v_inlet", "v_reading", "v_reading_15min", "v_reading_hour", "v_zone_flow", "v_zone_night_flow",
    "v_gateway", "v_dead_letter", "v_finding", "v_alert", "v_command", "v_actuator", "v_setpoint", "v_audit",
    "v_work_order", "v_complaint",
)  # fmt: skip


async def read(database: FreshDatabase, query: str, *values: object) -> list[tuple[Any, ...]]:
    """The query as Grafana would ask it."""
    async with await AsyncConnection.connect(database.dsn(Role.READ), autocommit=True) as connection:
        return await (await connection.execute(query.encode(), values)).fetchall()


async def ids(admin: AsyncConnection) -> dict[str, int]:
    return dict(await (await admin.execute("SELECT key, point_id FROM point")).fetchall())


async def test_the_reader_reads_every_view(town_database: FreshDatabase, admin: AsyncConnection) -> None:
    views = [
        name
        for (name,) in await (await admin.execute("SELECT viewname::text FROM pg_views WHERE schemaname = 'public'")).fetchall()
    ]
    assert set(VIEWS) <= set(views)
    assert len(views) > len(VIEWS)
    for view in views:
        await read(town_database, f"SELECT v::text FROM {view} v")


async def test_the_alarms_that_are_counted_are_those_that_are_told(admin: AsyncConnection) -> None:
    """The view and ``alerts.book.TOLD`` say the same: who is made to look is told, and what is told is counted."""
    row = await (await admin.execute("SELECT pg_get_viewdef('v_alert_annunciation'::regclass)")).fetchone()
    assert row is not None
    listed = re.search(r"action = ANY \(ARRAY\[(.*?)\]", row[0], re.DOTALL)
    assert listed is not None, row[0]
    assert set(re.findall(r"'(\w+)'", listed[1])) == TOLD


async def test_the_reader_reads_no_table_and_changes_nothing(town_database: FreshDatabase, admin: AsyncConnection) -> None:
    tables = [name for (name,) in await (await admin.execute(
        "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
    )).fetchall()]  # fmt: skip
    assert len(tables) > 20
    async with await AsyncConnection.connect(town_database.dsn(Role.READ), autocommit=True) as connection:
        for table in tables:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await connection.execute(f"SELECT * FROM {table}".encode())
        settings = await (await connection.execute(
            "SELECT current_setting('default_transaction_read_only'), current_setting('statement_timeout')"
        )).fetchone()  # fmt: skip
    assert settings == ("on", "30s")


async def test_values_are_the_doubles_nearest_to_the_decimals(
    town_database: FreshDatabase, ingest: PostgresIngestStore, admin: AsyncConnection
) -> None:
    key = await ids(admin)
    await ingest.write([block([1, 2, 3], point_id=key["upper.flow"], counts=[3, 110, 7_654_321])])
    await ingest.write([block([1, 2], stream=OTHER, point_id=key["plant.energy"], counts=[1, 333_333])])
    values = await read(town_database, "SELECT value FROM v_reading WHERE point = 'upper.flow' ORDER BY time")
    assert [v for (v,) in values] == [0.03, 1.1, 76543.21]
    values = await read(town_database, "SELECT value, unit, zone FROM v_reading WHERE point = 'plant.energy' ORDER BY time")
    assert values == [(0.00036, "kWh", None), (119.99988, "kWh", None)]


async def test_buckets_hold_good_values_only(
    town_database: FreshDatabase, ingest: PostgresIngestStore, admin: AsyncConnection
) -> None:
    key = (await ids(admin))["upper.flow"]
    numbers = list(range(1, 31))
    counts = [1000 if n < 15 else 2000 for n in numbers]
    counts[0], counts[1] = 99_999, 1600
    quality = [1, 3, *([0] * 28)]
    await ingest.write([block(numbers, point_id=key, counts=counts, quality=quality)])
    rows = await read(
        town_database, "SELECT time, mean, min, max, samples FROM v_reading_15min WHERE point = 'upper.flow' ORDER BY time"
    )
    first = (12 * 10.0 + 16.0) / 13
    assert rows[0] == (START, pytest.approx(first), 10.0, 16.0, 13)
    assert rows[1][1:] == (20.0, 20.0, 20.0, 15)
    hour = await read(town_database, "SELECT time, samples FROM v_reading_hour")
    assert hour == [(START, 29)]


async def two_nights(ingest: PostgresIngestStore, key: dict[str, int], *, step_min: int = 1) -> dict[str, np.ndarray]:
    """Two days of both meters, repeatable; returns the counts by point."""
    rng = np.random.default_rng(11)
    steps = np.arange(1, 2 * 1440, step_min)
    times = (START_MS + steps * MINUTE_MS).tolist()
    flows = {
        "upper.flow": (8000 + 3000 * np.sin(2 * np.pi * (steps - 400) / 1440) + rng.integers(-300, 300, steps.size)).astype(int),
        "lower.flow": (3000 + 1000 * np.sin(2 * np.pi * (steps - 430) / 1440) + rng.integers(-200, 200, steps.size)).astype(int),
    }
    for (point, counts), stream in zip(flows.items(), (STREAM, OTHER), strict=True):
        await ingest.write(
            [block(range(1, steps.size + 1), stream=stream, point_id=key[point], times_ms=times, counts=counts.tolist())]
        )
    return {"steps": steps, **flows}


async def test_zone_flow_is_signed_and_whole(
    town_database: FreshDatabase, ingest: PostgresIngestStore, admin: AsyncConnection
) -> None:
    key = await ids(admin)
    await ingest.write([block(range(5, 15), point_id=key["upper.flow"], counts=[5000] * 10)])
    await ingest.write([block(range(10, 15), stream=OTHER, point_id=key["lower.flow"], counts=[2000] * 5)])
    rows = await read(town_database, "SELECT zone, time, net_inflow_m3h FROM v_zone_flow ORDER BY zone, time")
    ten = START + timedelta(minutes=10)
    assert rows == [("lower", ten, 20.0), ("upper", ten, 30.0)]  # at 00:05 the upper zone's outlet is unknown: no sum


def least_hour(data: dict[str, np.ndarray], day: date, signs: dict[str, int]) -> float:
    """Minimum night flow by brute force over minutes in steps of 5: the definition, written another way."""
    two = datetime(day.year, day.month, day.day, 2, tzinfo=LOCAL)
    best = np.inf
    for offset in range(0, 121, 5):
        start = (two + timedelta(minutes=offset)).astimezone(UTC)
        low = (start - START) / timedelta(minutes=1)
        inside = (data["steps"] >= low) & (data["steps"] < low + 60)
        best = min(best, sum(sign * data[p][inside].mean() for p, sign in signs.items()) / 100)
    return float(best)


async def test_night_flow_is_the_least_hour_between_two_and_five_local(
    town_database: FreshDatabase, ingest: PostgresIngestStore, admin: AsyncConnection
) -> None:
    data = await two_nights(ingest, await ids(admin))
    rows = await read(town_database, "SELECT zone, night, night_flow_m3h, coverage FROM v_zone_night_flow ORDER BY zone, night")
    assert [(zone, night) for zone, night, _, _ in rows] == [(z, date(2026, 5, d)) for z in ("lower", "upper") for d in (1, 2)]
    for zone, night, flow, coverage in rows:
        signs = {"upper.flow": 1, "lower.flow": -1} if zone == "upper" else {"lower.flow": 1}
        assert flow == pytest.approx(least_hour(data, night, signs))
        assert coverage == pytest.approx(1.0)


async def test_night_flow_follows_the_clock_of_ramadan(
    town_database: FreshDatabase, ingest: PostgresIngestStore, admin: AsyncConnection
) -> None:
    """In Ramadan the country is on UTC, else on UTC+1: the same three local hours are other hours of UTC."""
    key = (await ids(admin))["lower.flow"]
    for number, day in enumerate((date(2026, 3, 10), date(2026, 5, 10))):
        midnight = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
        times = [midnight + m * MINUTE_MS for m in range(360)]
        counts = [100 * (m // 60) for m in range(360)]  # hour of UTC as m3/h: the least is the hour the night starts at
        first = 1 + 360 * number
        await ingest.write([block(range(first, first + 360), stream=OTHER, point_id=key, times_ms=times, counts=counts)])
    rows = await read(town_database, "SELECT night, night_flow_m3h FROM v_zone_night_flow ORDER BY night")
    assert rows == [(date(2026, 3, 10), 2.0), (date(2026, 5, 10), 1.0)]


@pytest.mark.parametrize("kind", ["instant", "interval"])
async def test_hourly_meters_have_a_night_too(
    town_database: FreshDatabase, ingest: PostgresIngestStore, admin: AsyncConnection, kind: str
) -> None:
    key = (await ids(admin))["lower.flow"]
    await admin.execute("UPDATE point SET period_s = 3600, kind = %s WHERE key = 'lower.flow'", (kind,))
    times = [START_MS + h * 60 * MINUTE_MS for h in range(1, 24)]
    await ingest.write([block(range(1, 24), stream=OTHER, point_id=key, times_ms=times, counts=[100 * h for h in range(1, 24)])])
    # Local 02:00 is 01:00 UTC. An hourly sample stands for the hour after it, an interval value for the hour before its stamp.
    expected = 1.0 if kind == "instant" else 2.0
    rows = await read(town_database, "SELECT night_flow_m3h, coverage FROM v_zone_night_flow WHERE zone = 'lower'")
    assert rows == [(expected, 1.0)]


async def test_half_a_night_is_told(town_database: FreshDatabase, ingest: PostgresIngestStore, admin: AsyncConnection) -> None:
    key = (await ids(admin))["lower.flow"]
    await ingest.write([block(range(60, 150), stream=OTHER, point_id=key, counts=[100] * 90)])
    assert await read(town_database, "SELECT coverage FROM v_zone_night_flow") == [(0.5,)]
    await ingest.write([block(range(2000, 2030), stream=OTHER, point_id=key, counts=[100] * 30)])
    assert len(await read(town_database, "SELECT * FROM v_zone_night_flow")) == 1


async def test_gateways_show_what_is_missing_and_dead(town_database: FreshDatabase, ingest: PostgresIngestStore) -> None:
    dead = DeadLetter(edge=STREAM.edge, reason="unknown_device", detail="", epoch=STREAM.epoch, first=21, last=22)
    await ingest.write([block(range(1, 11)), block(range(16, 21), dead=(dead,))])
    await ingest.dead_letters([DeadLetter(edge=STREAM.edge, reason="decode_error", detail="")])
    await ingest.gateway_state(STREAM.edge, online=True, at=START)
    async with Database(town_database.dsn(Role.COMMAND), size=1) as pool:
        first, second = await PostgresZones(pool).gateways_now()
    assert (first.edge, first.online, first.since) == (STREAM.edge, True, START)
    assert (first.rows_stored, first.dead_letters, first.missing) == (15, 3, 5)
    assert first.last_block_at == START + timedelta(minutes=20)
    assert (second.edge, second.online, second.rows_stored, second.missing) == (OTHER.edge, False, 0, 0)


async def test_zones_now(town_database: FreshDatabase, ingest: PostgresIngestStore, admin: AsyncConnection) -> None:
    key = await ids(admin)
    async with Database(town_database.dsn(Role.COMMAND), size=1) as pool:
        model = PostgresZones(pool)
        lower, upper = await model.zones_now()
        assert (lower.zone, lower.inflow_m3h, lower.night_flow_m3h, lower.suspect) == ("lower", None, None, True)
        data = await two_nights(ingest, key)
        low = block([9001, 9002], point_id=key["upper.low"], times_ms=[START_MS, START_MS + 2870 * MINUTE_MS], counts=[1, 3150])
        await ingest.write([low])
        lower, upper = await model.zones_now()
        assert upper.inflow_m3h == pytest.approx((data["upper.flow"][-1] - data["lower.flow"][-1]) / 100)
        assert upper.inflow_at == START + timedelta(minutes=2879)
        assert upper.night == date(2026, 5, 2)
        assert upper.night_flow_m3h == pytest.approx(least_hour(data, date(2026, 5, 2), {"upper.flow": 1, "lower.flow": -1}))
        assert (upper.critical_m, upper.suspect, lower.critical_m) == (31.5, False, None)
        await ingest.write(
            [block([9003], point_id=key["upper.flow"], times_ms=[START_MS + 2880 * MINUTE_MS], counts=[1], quality=1)]
        )
        assert [zone.suspect for zone in await model.zones_now()] == [False, True]
