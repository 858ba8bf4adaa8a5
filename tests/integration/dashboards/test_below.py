"""Minutes below a limit out of the rollups: as counted one by one, whatever came when and wherever the limit lies."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import AsyncConnection, Connection

from app.site import load_site
from storage.inventory import save_inventory
from tests.integration.dashboards.conftest import SITE
from tests.support.postgres import FreshDatabase

START = datetime(2026, 5, 4, tzinfo=UTC)
SPAN = timedelta(days=2)
POINTS = ("medina.critical1.pressure", "oued.critical2.pressure", "medina.inlet.flow")
Connected = Connection[tuple[Any, ...]]

minute = st.integers(0, int(SPAN.total_seconds() // 60) - 1)
point = st.sampled_from(POINTS)
qualities = st.sampled_from([0, 0, 0, 1, 3, 4])
readings = st.dictionaries(
    st.tuples(point, minute),
    st.tuples(st.none() | st.integers(0, 4000), qualities),
    min_size=1,
    max_size=25,
)
MARK = "SELECT mark_readings(%s::timestamptz[], %s::timestamptz[], %s::text[])"
limits = st.sampled_from([0.0, 20.0, 20.01, 27.5])
steps = st.one_of(
    st.tuples(st.just("insert"), st.tuples(readings, st.booleans())),
    st.tuples(st.just("delete"), st.tuples(point, minute)),
    st.tuples(st.just("limit"), st.tuples(st.sampled_from(["medina", "oued"]), limits)),
    st.tuples(st.just("refresh"), st.tuples(minute, st.integers(1, 4))),
)
ASKED = """
SELECT p.key, readings_below(p.point_id, z.min_pressure_m, %(since)s, %(until)s),
       (SELECT count(*) FROM v_reading r WHERE r.point_id = p.point_id AND r.time >= %(since)s AND r.time < %(until)s
           AND r.quality IN (0, 3) AND r.value < z.min_pressure_m)
FROM point p JOIN zone z ON z.key = p.zone WHERE p.key = ANY (%(points)s)
"""


@pytest.fixture
def connection(database: FreshDatabase) -> Iterator[Connected]:
    asyncio.run(_save(database.dsn()))
    with psycopg.connect(database.dsn(), autocommit=True) as connected:
        connected.execute("SELECT ensure_reading_partitions(%s, %s)", (START, START + SPAN))
        yield connected


async def _save(dsn: str) -> None:
    async with await AsyncConnection.connect(dsn) as connection:
        await save_inventory(connection, load_site(SITE), at=START)


def _take(connection: Connected, step: tuple[str, Any]) -> None:
    match step:
        case ("insert", (new, marked)):
            with connection.transaction(), connection.cursor() as cursor:
                if marked:
                    hours = sorted({START + timedelta(hours=at // 60) for _, at in new})
                    ends = [hour + timedelta(hours=1) for hour in hours]
                    everyone = ["{(,)}"] * len(hours)
                    cursor.execute(MARK, (hours, ends, everyone))
                cursor.executemany(
                    "INSERT INTO reading (time, value, point_id, quality) SELECT %s, %s, point_id, %s FROM point WHERE key = %s "
                    "ON CONFLICT (point_id, time) DO UPDATE SET value = excluded.value, quality = excluded.quality",
                    [(START + timedelta(minutes=at), value, quality, key) for (key, at), (value, quality) in new.items()],
                )
        case ("delete", (key, at)):
            since = START + timedelta(minutes=at)
            connection.execute(
                "DELETE FROM reading r USING point p WHERE p.key = %s AND r.point_id = p.point_id AND r.time >= %s AND r.time < %s",
                (key, since, since + timedelta(hours=2)),
            )
        case ("limit", (zone, least)):
            connection.execute("UPDATE zone SET min_pressure_m = %s WHERE key = %s", (least, zone))
        case ("refresh", (at, most)):
            connection.execute("SELECT refresh_rollups(%s, %s)", (START + timedelta(minutes=at), most))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, min_size=1, max_size=10), minute, minute)
def test_any_interleaving_counts_as_one_by_one(connection: Connected, taken: list[tuple[str, Any]], one: int, other: int) -> None:
    connection.execute("TRUNCATE reading, rollup_dirty, rollup_dirty_day, rollup_15min, rollup_hour, rollup_day")
    connection.execute("DELETE FROM rollup_dirty")
    inside = (START + timedelta(minutes=min(one, other)), START + timedelta(minutes=max(one, other)))
    for step in [*taken, ("refresh", (int(SPAN.total_seconds() // 60), 1000))]:
        _take(connection, step)
        for since, until in ((START, START + SPAN), inside):
            rows = connection.execute(ASKED, {"since": since, "until": until, "points": list(POINTS)}).fetchall()
            assert [(key, counted) for key, counted, _ in rows] == [(key, truth) for key, _, truth in rows], f"after {step}"


def test_hours_that_are_written_are_not_read_again(connection: Connected) -> None:
    """A count put into the rollup by hand shows, so the readings were not looked at; under a mark they are."""
    new = {("medina.critical1.pressure", at): (1900 + at, 0) for at in range(0, 240, 2)}
    _take(connection, ("insert", (new, True)))
    _take(connection, ("refresh", (2880, 1000)))
    connection.execute("UPDATE rollup_hour SET below = 7000 WHERE below > 0")
    asked = {"since": START, "until": START + SPAN, "points": ["medina.critical1.pressure"]}
    assert connection.execute(ASKED, asked).fetchall() == [("medina.critical1.pressure", 14000, 50)]
    _take(connection, ("insert", ({("medina.critical1.pressure", 1): (1, 0)}, True)))
    assert connection.execute(ASKED, asked).fetchall() == [("medina.critical1.pressure", 31 + 7000, 51)]


def test_another_limit_is_counted_anew_and_written_in_time(connection: Connected) -> None:
    new = {("medina.critical1.pressure", at): (1900 + at, 0) for at in range(0, 240, 2)}
    _take(connection, ("insert", (new, True)))
    _take(connection, ("refresh", (2880, 1000)))
    connection.execute("UPDATE zone SET min_pressure_m = min_pressure_m, names = names")
    assert connection.execute("SELECT count(*) FROM rollup_dirty").fetchone() == (0,), "nothing changed, nothing is marked"
    _take(connection, ("limit", ("medina", 20.5)))
    asked = {"since": START, "until": START + SPAN, "points": ["medina.critical1.pressure"]}
    assert connection.execute(ASKED, asked).fetchall() == [("medina.critical1.pressure", 75, 75)]
    _take(connection, ("refresh", (2880, 1000)))
    assert connection.execute("SELECT sum(below), max(below_limit) FROM rollup_hour WHERE below > 0").fetchone() == (75, 20.5)
    connection.execute("UPDATE zone SET min_pressure_m = 19.1 WHERE key = 'oued'")
    connection.execute("UPDATE point SET zone = 'oued' WHERE key = 'medina.critical1.pressure'")
    assert connection.execute(ASKED, asked).fetchall() == [("medina.critical1.pressure", 5, 5)], "in another zone, no mark says so"
