"""Rollups on plain PostgreSQL: whatever came when, and whatever was refreshed when, they answer as if computed anew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import astuple
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import AsyncConnection, Connection

from storage.database import Database
from storage.ingest import PostgresIngestStore
from storage.reading_rows import Rows, copy_bytes
from storage.roles import Role
from storage.rollups import MOST_MARKS, mark, marks_of, read_lag, refresh
from tests.support.postgres import FreshDatabase
from tests.support.rollup_model import Bucket, Reading, rollup
from tests.support.stored_town import MINUTE_MS, OTHER, START, START_MS, block

START_S = START_MS // 1000
WIDTHS = {"15min": 900, "hour": 3600, "day": 86400}
COLUMNS = (
    "point_id, extract(epoch FROM time)::int8, received, good, estimated, suspect, min, max, sum, first, last, rise, falls, fallen"
)
POINTS = (1, 2, 3, 6)
Connected = Connection[tuple[Any, ...]]


@pytest.fixture
def connection(town_database: FreshDatabase) -> Iterator[Connected]:
    with psycopg.connect(town_database.dsn(), autocommit=True) as connected:
        connected.execute("SELECT ensure_reading_partitions(%s, %s)", (START - timedelta(days=9), START + timedelta(days=9)))
        yield connected


def stored(connection: Connected, name: str) -> dict[tuple[int, int], Bucket]:
    rows = connection.execute(f"SELECT {COLUMNS} FROM reading_{name} WHERE received > 0".encode()).fetchall()
    names = Bucket.__dataclass_fields__
    found = {(row[0], row[1]): Bucket(**dict(zip(names, row[2:], strict=True))) for row in rows}
    assert len(found) == len(rows), "a bucket is there twice"
    return found


def insert(connection: Connected, readings: Mapping[tuple[int, int], Reading], *, marked: bool = True) -> None:
    keys = sorted(readings)
    rows = Rows(
        stream=np.zeros(len(keys), dtype=np.int32),
        sequence=np.zeros(len(keys), dtype=np.int64),
        point_id=np.array([point for point, _ in keys], dtype=np.int32),
        time_ms=np.array([time * 1000 for _, time in keys], dtype=np.int64),
        counts=np.array([-(2**63) if readings[key][0] is None else readings[key][0] for key in keys], dtype=np.int64),
        quality=np.array([readings[key][1] for key in keys], dtype=np.int16),
    )
    with connection.transaction(), connection.cursor() as cursor:
        if marked:
            found = marks_of(rows)
            values = (list(found.starts), list(found.ends), list(found.points))
            cursor.execute("SELECT mark_readings(%s::timestamptz[], %s::timestamptz[], %s::text[])", values)
        with cursor.copy("COPY reading (time, value, point_id, quality) FROM STDIN (FORMAT BINARY)") as copy:
            copy.write(copy_bytes(rows))


minutes = st.integers(-3 * 1440, 3 * 1440)
readings = st.dictionaries(
    st.tuples(st.sampled_from(POINTS), minutes.map(lambda minute: START_S + 60 * minute)),
    st.tuples(st.none() | st.integers(-1000, 1_000_000), st.integers(0, 4)),
    min_size=1,
    max_size=25,
)
steps = st.one_of(
    st.tuples(st.just("insert"), readings),
    st.tuples(st.just("insert unmarked"), readings),
    st.tuples(st.just("replace"), readings),
    st.tuples(st.just("delete"), st.tuples(st.sampled_from(POINTS), minutes)),
    st.tuples(st.just("refresh"), st.tuples(minutes, st.integers(1, 4))),
)


def take(connection: Connected, truth: dict[tuple[int, int], Reading], step: tuple[str, Any]) -> None:
    """Does one step to the database and to the truth."""
    match step:
        case ("insert" | "insert unmarked" as how, new):
            fresh = {key: reading for key, reading in new.items() if key not in truth}
            if fresh:
                insert(connection, fresh, marked=how == "insert")
                truth.update(fresh)
        case ("replace", new):
            for (point, time), (value, quality) in new.items():
                if (point, time) in truth:
                    connection.execute(
                        "UPDATE reading SET value = %s, quality = %s WHERE point_id = %s AND time = to_timestamp(%s)",
                        (value, quality, point, time),
                    )
                    truth[point, time] = (value, quality)
        case ("delete", (point, minute)):
            low = START_S + 60 * minute
            connection.execute(
                "DELETE FROM reading WHERE point_id = %s AND time >= to_timestamp(%s) AND time < to_timestamp(%s)",
                (point, low, low + 7200),
            )
            for key in [k for k in truth if k[0] == point and low <= k[1] < low + 7200]:
                del truth[key]
        case ("refresh", (minute, most)):
            connection.execute("SELECT refresh_rollups(%s, %s)", (START + timedelta(minutes=minute), most))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, min_size=1, max_size=10))
def test_any_interleaving_answers_as_if_computed_from_scratch(connection: Connected, taken: list[tuple[str, Any]]) -> None:
    connection.execute("TRUNCATE reading, rollup_dirty, rollup_dirty_day, rollup_15min, rollup_hour, rollup_day")
    connection.execute("DELETE FROM rollup_dirty")
    truth: dict[tuple[int, int], Reading] = {}
    for step in taken:
        take(connection, truth, step)
        if step[0] == "refresh":
            for name, width in WIDTHS.items():
                assert stored(connection, name) == rollup(truth, width), f"after {step}, from marks and readings"
    for _ in range(60):
        row = connection.execute("SELECT waiting FROM refresh_rollups(%s, 100)", (START + timedelta(days=9),)).fetchone()
        if row == (0,):
            break
    assert connection.execute("SELECT count(*) FROM rollup_dirty").fetchone() == (0,)
    assert connection.execute("SELECT count(*) FROM rollup_dirty_day").fetchone() == (0,)
    for name, width in WIDTHS.items():
        assert stored(connection, name) == rollup(truth, width), "when all is refreshed"


def series(point: int, start_minute: int, count: int, step_min: int = 1, seed: int = 3) -> dict[tuple[int, int], Reading]:
    """Readings of one point with a suspect, an estimated and an absent one now and then."""
    rng = np.random.default_rng(seed + point)
    values, quality = rng.integers(0, 10_000, count).tolist(), rng.choice([0, 0, 0, 0, 0, 1, 3], count).tolist()
    return {
        (point, START_S + 60 * (start_minute + step_min * n)): (None if n % 37 == 5 else values[n], quality[n])
        for n in range(count)
    }


RANGES = [
    (timedelta(0), timedelta(days=2)),
    (timedelta(minutes=7), timedelta(days=1, hours=22, minutes=13)),
    (timedelta(hours=25, minutes=1), timedelta(hours=25, minutes=9)),
    (timedelta(hours=3), timedelta(hours=3)),
    (timedelta(minutes=59), timedelta(hours=1, minutes=1)),
]


@pytest.mark.parametrize("width", ["7 minutes", "15 minutes", "45 minutes", "1 hour", "6 hours", "1 day"])
def test_buckets_of_any_range_are_those_of_the_readings(connection: Connected, width: str) -> None:
    for point in (1, 2):
        insert(connection, series(point, 0, 2 * 1440))
    connection.execute("SELECT refresh_rollups(%s, 30)", (START + timedelta(hours=41),))
    expected = """
        SELECT point, date_bin(%(width)s::interval, time, '1970-01-01 00:00:00+00') AS time,
               avg(value), min(value), max(value), count(*)
        FROM v_reading WHERE time >= %(since)s AND time < %(until)s AND quality IN (0, 3) AND value IS NOT NULL
        GROUP BY 1, 2 ORDER BY 1, 2"""
    for since, until in RANGES:
        values = {"width": width, "since": START + since, "until": START + until}
        found = connection.execute(
            "SELECT point, time, mean, min, max, samples FROM reading_bucket(%(width)s, %(since)s, %(until)s) ORDER BY 1, 2", values
        ).fetchall()
        wanted = connection.execute(expected, values).fetchall()
        assert [(*row[:2], *row[3:]) for row in found] == [(*row[:2], *row[3:]) for row in wanted]
        assert [row[2] for row in found] == pytest.approx([row[2] for row in wanted])
        received = connection.execute(
            "SELECT coalesce(sum(received), 0), (SELECT count(*) FROM v_reading WHERE time >= %(since)s AND time < %(until)s)"
            " FROM reading_rollup(%(width)s, %(since)s, %(until)s)",
            values,
        ).fetchone()
        assert received is not None
        assert received[0] == received[1]


def test_long_ranges_are_answered_from_rollups_alone(connection: Connected) -> None:
    insert(connection, series(1, 0, 2 * 1440))
    while connection.execute("SELECT waiting FROM refresh_rollups(%s)", (START + timedelta(days=3),)).fetchone() != (0,):
        pass
    connection.execute("UPDATE rollup_hour SET max = 77777")
    found = connection.execute(
        "SELECT DISTINCT max FROM reading_bucket('2 hours', %s, %s)", (START, START + timedelta(days=2))
    ).fetchall()
    assert found == [(777.77,)]


@pytest.mark.parametrize(("width", "class_"), [
    ("1 minute", "raw"), ("10 minutes", "raw"), ("15 minutes", "15min"), ("30 minutes", "15min"),
    ("1 hour", "hour"), ("90 minutes", "15min"), ("6 hours", "hour"), ("1 day", "day"), ("7 days", "day"),
])  # fmt: skip
def test_the_coarsest_class_that_fits(connection: Connected, width: str, class_: str) -> None:
    assert connection.execute("SELECT rollup_class(%s::interval)", (width,)).fetchone() == (class_,)


@pytest.mark.parametrize(("wanted", "least", "width"), [
    ("1 second", "1 minute", timedelta(minutes=1)), ("2 minutes", "1 minute", timedelta(minutes=2)),
    ("10 minutes", "1 minute", timedelta(minutes=15)), ("30 minutes", "5 minutes", timedelta(minutes=30)),
    ("20 minutes", "5 minutes", timedelta(minutes=30)), ("6 hours", "5 minutes", timedelta(hours=6)),
])  # fmt: skip
def test_a_panels_width_suits_a_rollup(connection: Connected, wanted: str, least: str, width: timedelta) -> None:
    assert connection.execute("SELECT panel_width(%s::interval, %s::interval)", (wanted, least)).fetchone() == (width,)


REGISTER = 6
"""plant.energy: made a register here."""


def consumption(connection: Connected, width: str, hours: int = 48) -> list[tuple[Any, ...]]:
    return connection.execute(
        "SELECT round(consumption / 0.00036), rollovers, resets FROM register_consumption(%s, %s, %s) ORDER BY time",
        (width, START, START + timedelta(hours=hours)),
    ).fetchall()


@pytest.mark.parametrize("width", ["5 minutes", "15 minutes", "1 hour", "1 day"])
def test_registers_roll_over_and_are_set_back(connection: Connected, width: str) -> None:
    """Every 7 minutes 10 more; over the top back to 0 at 1000; a new meter that stands at 100 on the second day."""
    connection.execute("UPDATE point SET kind = 'register', modulus = 0.36 WHERE point_id = %s", (REGISTER,))
    counts = [(10 * n) % 1000 for n in range(200)] + [100 + 10 * n for n in range(60)]
    truth = {(REGISTER, START_S - 600 + 420 * n): (value, 0) for n, value in enumerate(counts)}
    insert(connection, truth)
    connection.execute("SELECT refresh_rollups(%s, 20)", (START + timedelta(hours=26),))
    found = consumption(connection, width)
    # The second reading lies before START: the first step of ours is the one from it. The new meter's 100 after 990 looks like one
    # more turn, 110 on: nobody but the people who changed it could tell.
    assert sum(row[0] for row in found) == 10 * 198 + 110 + 10 * 59
    assert sum(row[2] for row in found) == 0


def test_a_step_down_that_is_no_rollover_counts_nothing_and_is_told(connection: Connected) -> None:
    connection.execute("UPDATE point SET kind = 'register' WHERE point_id = %s", (REGISTER,))
    insert(connection, {(REGISTER, START_S + 60 * n): (value, 0) for n, value in enumerate([500, 510, 3, 13, 23])})
    assert consumption(connection, "1 hour") == [(30.0, 0, 1)]
    connection.execute("UPDATE point SET modulus = 0.72 WHERE point_id = %s", (REGISTER,))
    assert consumption(connection, "1 hour") == [(30.0, 0, 1)], "a quarter of the way down is no turn"
    connection.execute("UPDATE point SET modulus = 0.216 WHERE point_id = %s", (REGISTER,))
    assert consumption(connection, "1 hour") == [(30.0 + 600 - 507, 1, 0)]


def rows_of(points: list[int], times_ms: list[int]) -> Rows:
    size = len(points)
    return Rows(
        stream=np.zeros(size, dtype=np.int32), sequence=np.zeros(size, dtype=np.int64), point_id=np.array(points, dtype=np.int32),
        time_ms=np.array(times_ms, dtype=np.int64), counts=np.zeros(size, dtype=np.int64), quality=np.zeros(size, dtype=np.int16),
    )  # fmt: skip


def test_marks_are_hours_with_runs_of_points() -> None:
    found = marks_of(rows_of([3, 1, 2, 9, 1], [START_MS, START_MS, START_MS + 59 * MINUTE_MS, START_MS, START_MS + 60 * MINUTE_MS]))
    hour = timedelta(hours=1)
    assert astuple(found) == ((START, START + hour), (START + hour, START + 2 * hour), ("{[1,3],[9,9]}", "{[1,1]}"))


@pytest.mark.parametrize("days", [2, 100, 3000])
def test_a_batch_spread_over_years_leaves_few_marks(days: int) -> None:
    times = [START_MS + n * 86_400_000 // 24 for n in range(0, days * 24, 3)]
    found = marks_of(rows_of([1] * len(times), times))
    assert 1 <= len(found.starts) <= MOST_MARKS
    for time in times:
        at = datetime.fromtimestamp(time / 1000, UTC)
        assert any(start <= at < end for start, end in zip(found.starts, found.ends, strict=True))


async def test_the_ingestors_writes_are_marked_and_refreshed(town_database: FreshDatabase, ingest: PostgresIngestStore) -> None:
    await ingest.write([block(range(1, 200)), block(range(1, 200), stream=OTHER, point_id=2)])
    async with await AsyncConnection.connect(town_database.dsn()) as admin:
        marks = await (await admin.execute("SELECT starts, points::text FROM rollup_dirty ORDER BY 1")).fetchall()
        assert marks == [(START + timedelta(hours=n), "{[1,3)}") for n in range(4)]
        lag = await read_lag(admin)
        assert (lag.marks, lag.oldest, lag.behind) == (4, START, timedelta(hours=3))
    async with Database(town_database.dsn(Role.ANALYTICS), size=1) as analytics:
        done = await refresh(analytics, START + timedelta(minutes=200), budget_s=60, most=1)
    assert (done.waiting, done.steps) == (0, 3)
    assert done.written == 2 * (12 + 3)
    async with await AsyncConnection.connect(town_database.dsn()) as admin:
        lag = await read_lag(admin)
        assert (lag.marks, lag.behind) == (1, timedelta(0))


async def test_a_budget_of_nothing_still_does_one_step(town_database: FreshDatabase, ingest: PostgresIngestStore) -> None:
    await ingest.write([block(range(1, 200))])
    async with Database(town_database.dsn(Role.ANALYTICS), size=1) as analytics:
        done = await refresh(analytics, START + timedelta(days=1), budget_s=0, most=1)
    assert (done.steps, done.waiting) == (1, 3), "newest first"


def test_a_mark_without_an_end_goes_where_nothing_was_ever_read(connection: Connected) -> None:
    """An INSERT of no rows that did not say so marks all time: cut into days, that would never end."""
    connection.execute("SET statement_timeout = '60s'")
    connection.execute("INSERT INTO reading (time, value, point_id, quality) SELECT now(), 1, 1, 0 WHERE false")
    assert connection.execute("SELECT count(*) FROM rollup_dirty").fetchall() == [(1,)]
    assert connection.execute("SELECT written, waiting FROM refresh_rollups(%s)", (START,)).fetchall() == [(0, 0)]
    assert connection.execute("SELECT count(*) FROM rollup_dirty").fetchall() == [(0,)]


async def test_two_refreshes_do_not_meet(town_database: FreshDatabase, ingest: PostgresIngestStore) -> None:
    await ingest.write([block(range(1, 200))])
    async with (
        await AsyncConnection.connect(town_database.dsn()) as one,
        Database(town_database.dsn(Role.ANALYTICS), size=1) as two,
    ):
        await one.execute("SELECT refresh_rollups(%s)", (START + timedelta(days=1),))
        done = await refresh(two, START + timedelta(days=1), budget_s=0)
        assert (done.written, done.waiting) == (0, 0)


async def test_a_commit_during_a_refresh_is_not_lost(town_database: FreshDatabase, ingest: PostgresIngestStore) -> None:
    """The writer's transaction is older than the refresh and commits after it: its mark stays for the next one."""
    await ingest.write([block(range(1, 30))])
    at = START + timedelta(hours=5)
    async with await AsyncConnection.connect(town_database.dsn(Role.INGEST)) as writer:
        rows = rows_of([1], [START_MS + 40 * MINUTE_MS])
        await mark(writer, rows)
        async with (
            writer.cursor() as cursor,
            cursor.copy("COPY reading (time, value, point_id, quality) FROM STDIN BINARY") as copy,
        ):
            await copy.write(copy_bytes(rows))
        async with Database(town_database.dsn(Role.ANALYTICS), size=1) as analytics:
            await refresh(analytics, at, budget_s=60)
            await writer.commit()
            async with analytics.transaction("look") as connection:
                query = "SELECT received FROM reading_hour"
                assert await (await connection.execute(query)).fetchall() == [(30,)], "from the mark at once"
            await refresh(analytics, at, budget_s=60)
            async with analytics.transaction("look") as connection:
                assert await (await connection.execute("SELECT received FROM rollup_hour")).fetchall() == [(30,)]


@pytest.mark.parametrize("step", ["5 minutes", "10 minutes", "15 minutes", "1 hour", "6 hours"])
def test_inflow_of_any_step_is_the_mean_of_the_exact_one(connection: Connected, step: str) -> None:
    """Whole data: the mean over 5-minute buckets is the mean over the step. Upper is upper.flow less lower.flow."""
    for point in (1, 2):
        insert(connection, {(point, START_S + 60 * n): ((100 + n % 700) * point, 0) for n in range(1440)})
    connection.execute("SELECT refresh_rollups(%s, 30)", (START + timedelta(hours=13),))
    values = {"step": step, "since": START, "until": START + timedelta(days=1)}
    wanted = connection.execute(
        "SELECT zone, date_bin(%(step)s::interval, time, '1970-01-01 00:00:00+00') AS t, avg(net_inflow_m3h), sum(width)"
        " FROM zone_flow(%(since)s, %(until)s) GROUP BY 1, 2 ORDER BY 1, 2",
        values,
    ).fetchall()
    found = connection.execute("SELECT * FROM zone_inflow(%(step)s, %(since)s, %(until)s) ORDER BY 1, 2", values).fetchall()
    assert [(zone, time, width) for zone, time, _, width in found] == [(zone, time, width) for zone, time, _, width in wanted]
    assert [row[2] for row in found] == pytest.approx([row[2] for row in wanted])


def test_an_hour_that_lacks_a_third_of_one_inlet_is_left_out(connection: Connected) -> None:
    insert(connection, {(1, START_S + 300 * n): (5000, 0) for n in range(24)})
    insert(connection, {(2, START_S + 300 * n): (2000, 0) for n in range(12 + 8)})
    found = connection.execute(
        "SELECT zone, time, net_inflow_m3h FROM zone_inflow('1 hour', %s, %s) ORDER BY 1, 2", (START, START + timedelta(hours=2))
    ).fetchall()
    assert found == [("lower", START, 20.0), ("upper", START, 30.0)]
