"""Series, findings, alerts and users over a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from psycopg import AsyncConnection

from domain.alerts import Alert, AlertState, Priority
from domain.findings import Evidence, Finding, FindingKind
from domain.points import PointKey
from domain.ports import User
from domain.readings import Quality
from storage.alerts import PostgresAlerts
from storage.database import Database
from storage.findings import PostgresFindings
from storage.ingest import PostgresIngestStore
from storage.reading_rows import WEEK_MS, parse_columns
from storage.roles import Role
from storage.series import PostgresSeries
from storage.users import PostgresUsers
from tests.support.postgres import FreshDatabase
from tests.support.stored_town import MINUTE_MS, OTHER, START, START_MS, STREAM, block

UPPER, LOWER, NOWHERE = PointKey("upper.flow"), PointKey("lower.flow"), PointKey("no.such.point")


@pytest.fixture
async def analytics(town_database: FreshDatabase) -> AsyncIterator[Database]:
    async with Database(town_database.dsn(Role.ANALYTICS), size=2) as pool:
        yield pool


async def write(ingest: PostgresIngestStore, admin: AsyncConnection, numbers: range, **more: Any) -> None:
    row = await (await admin.execute("SELECT point_id FROM point WHERE key = %s", (UPPER,))).fetchone()
    assert row is not None
    await ingest.write([block(numbers, point_id=row[0], **more)])


async def test_series_are_half_open_ordered_and_empty_where_nothing_is(
    ingest: PostgresIngestStore, admin: AsyncConnection, analytics: Database
) -> None:
    await write(ingest, admin, range(11, 21))
    await write(ingest, admin, range(1, 11), counts=[None, *range(102, 111)], quality=[2, *([0] * 9)])
    found = await PostgresSeries(analytics).series([UPPER, LOWER, NOWHERE], START, START + timedelta(minutes=20))
    upper = found[UPPER]
    assert len(upper) == 19
    assert upper.times[0] == np.datetime64("2026-05-01T00:01", "ms")
    assert np.isnan(upper.values[0])
    assert (upper.values[1:] == [n / 100 for n in range(102, 120)]).all()
    assert upper.quality.tolist() == [2] + [0] * 18
    assert len(upper.good()) == 18
    assert (len(found[LOWER]), len(found[NOWHERE])) == (0, 0)


async def test_series_go_on_over_the_edge_of_a_partition_point_by_point(
    ingest: PostgresIngestStore, admin: AsyncConnection, analytics: Database
) -> None:
    edge_ms = -(-START_MS // WEEK_MS) * WEEK_MS
    times = [edge_ms + n for n in (1, -1, 0, WEEK_MS - 1, WEEK_MS, MINUTE_MS)]
    for key, more in ((LOWER, 7), (UPPER, 0)):
        row = await (await admin.execute("SELECT point_id FROM point WHERE key = %s", (key,))).fetchone()
        assert row is not None
        counts = [None if n == 2 else (2**53 + 1 if n == 3 else n + more) for n in range(6)]
        stream = OTHER if more else STREAM
        quality = [0, 1, 2, 3, 0, 1]
        await ingest.write([block(range(1, 7), point_id=row[0], stream=stream, times_ms=times, counts=counts, quality=quality)])
    found = await PostgresSeries(analytics).series([UPPER, LOWER, UPPER], moment(edge_ms - 1), moment(edge_ms + WEEK_MS))
    for key, more in ((UPPER, 0), (LOWER, 7)):
        series = found[key]
        assert [int(t) - edge_ms for t in series.times.astype(np.int64)] == [-1, 0, 1, MINUTE_MS, WEEK_MS - 1]
        np.testing.assert_array_equal(
            series.values, [(1 + more) / 100, np.nan, more / 100, (5 + more) / 100, float(2**53 + 1) / 100]
        )
        assert series.quality.tolist() == [1, 2, 0, 1, 3]
    assert (series.times.dtype, series.values.dtype, series.quality.dtype) == (np.dtype("M8[ms]"), np.float64, np.int16)


def moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)


async def test_a_reading_that_is_given_up_midway_leaves_its_connection_as_it_was(
    ingest: PostgresIngestStore, admin: AsyncConnection, town_database: FreshDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write(ingest, admin, range(1, 21))

    def given_up(part: bytes) -> object:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        return parse_columns(part)

    async with Database(town_database.dsn(Role.ANALYTICS), size=1) as pool:
        source = PostgresSeries(pool)
        with monkeypatch.context() as broken:
            broken.setattr("storage.series.parse_columns", given_up)
            task = asyncio.create_task(source.series([UPPER], START, START + timedelta(hours=1)))
            assert await asyncio.wait({task}, timeout=30) == ({task}, set())
            assert task.cancelled()
        found = await source.series([UPPER], START, START + timedelta(hours=1))
    assert len(found[UPPER]) == 20


async def test_means_are_of_good_values(ingest: PostgresIngestStore, admin: AsyncConnection, analytics: Database) -> None:
    await write(ingest, admin, range(0 + 1, 11), counts=[100] * 5 + [200] * 5, quality=[1, 0, 0, 0, 0, 3, 0, 0, 0, 0])
    source = PostgresSeries(analytics)
    means = (await source.series([UPPER], START, START + timedelta(hours=1), 300))[UPPER]
    assert means.times.tolist() == [datetime(2026, 5, 1, 0, m) for m in (0, 5, 10)]
    assert means.values.tolist() == [1.0, pytest.approx((1.0 + 4 * 2.0) / 5), 2.0]
    assert means.quality.tolist() == [0, 0, 0]


async def test_latest(ingest: PostgresIngestStore, admin: AsyncConnection, analytics: Database) -> None:
    await write(ingest, admin, range(1, 4), counts=[1, 2, None], quality=[0, 0, 2])
    found = await PostgresSeries(analytics).latest([UPPER, LOWER, NOWHERE])
    assert list(found) == [UPPER]
    reading = found[UPPER]
    assert (reading.value, reading.quality, reading.observed_at) == (None, Quality.BAD, START + timedelta(minutes=3))


async def test_a_finding_keeps_its_first_moment(analytics: Database) -> None:
    store = PostgresFindings(analytics)
    first = Finding(
        key="burst:upper:1", kind=FindingKind.BURST, zone="upper", detector="flow_step", since=START,
        found_at=START + timedelta(hours=1),
        flow_m3h=4.5, flow_error_m3h=0.3, confidence=0.9,
        evidence=(Evidence(name="night_flow", observed=9.1, expected=4.6, sd=0.2, unit="m3/h"),),
    )  # fmt: skip
    older = replace(first, key="standing:lower", since=START - timedelta(days=3), evidence=())
    await store.save_findings([first, older])
    later = replace(first, found_at=START + timedelta(hours=9), flow_m3h=5.0)
    await store.save_findings([later])
    assert await store.open_findings() == (older, replace(later, found_at=first.found_at))
    await store.save_findings([replace(first, open=False), replace(older, open=False)])
    assert await store.open_findings() == ()


async def test_alerts_are_logged_at_every_change(admin: AsyncConnection, analytics: Database) -> None:
    store = PostgresAlerts(analytics)
    alert = Alert(
        key="leak:upper", code="leak.burst", zone="upper", priority=Priority.HIGH, state=AlertState.UNACKNOWLEDGED, raised_at=START,
        updated_at=START, parameters={"flow": "4.5 m³/h"}, finding="burst:upper:1",
    )  # fmt: skip
    newer = replace(alert, key="meter:lower", raised_at=START + timedelta(hours=1))
    await store.save_alert(alert, actor="detector", action="raised")
    await store.save_alert(newer, actor="detector", action="raised")
    assert await store.alerts() == (newer, alert)
    closed = replace(
        alert, state=AlertState.NORMAL, acknowledged_by="amina", updated_at=START + timedelta(hours=2),
        shelved_until=START + timedelta(days=1), shelved_reason="works",
    )  # fmt: skip
    await store.save_alert(closed, actor="amina", action="acknowledged")
    assert await store.alerts() == (newer,)
    assert await store.alerts(include_closed=True) == (newer, closed)
    log = await (
        await admin.execute("SELECT at, actor, action, state FROM alert_log WHERE alert = 'leak:upper' ORDER BY id")
    ).fetchall()
    assert log == [(START, "detector", "raised", "unacknowledged"), (START + timedelta(hours=2), "amina", "acknowledged", "normal")]


async def test_alerts_and_orders_about_one_finding_are_found_without_reading_all(analytics: Database) -> None:
    store, hour = PostgresAlerts(analytics), timedelta(hours=1)
    named = Alert(
        key="a", code="leak.burst", zone="lower", priority=Priority.HIGH, state=AlertState.NORMAL, raised_at=START,
        updated_at=START, finding="burst:upper:1", active=False,
    )  # fmt: skip
    there = replace(named, key="b", zone="upper", finding="other", raised_at=START + hour, active=True)
    event = replace(there, key="c", zone="town", areas=("upper", "lower"), raised_at=START + 2 * hour)
    just_over = replace(there, key="d", active=False, raised_at=START + 3 * hour, updated_at=START + 4 * hour)
    long_over = replace(just_over, key="e", updated_at=START)
    elsewhere = replace(there, key="f", zone="lower")
    for alert in (named, there, event, just_over, long_over, elsewhere):
        await store.save_alert(alert, actor="system", action="raised")
    found = await store.alerts_about("burst:upper:1", "upper", START + 4 * hour)
    assert [a.key for a in found] == ["d", "c", "b", "a"]


async def test_users(town_database: FreshDatabase) -> None:
    async with Database(town_database.dsn(Role.COMMAND), size=1) as pool:
        store = PostgresUsers(pool)
        amina = User(name="amina", role="operator", zones=frozenset({"upper", "lower"}), language="ar")
        await store.save_user(amina, "$argon2id$one")
        await store.save_user(replace(amina, role="supervisor"), "$argon2id$two")
        assert await store.user("amina") == (replace(amina, role="supervisor"), "$argon2id$two")
        assert await store.user("nobody") is None
        assert await store.user("a\0mina") is None


async def test_times_come_back_in_utc(ingest: PostgresIngestStore, admin: AsyncConnection, analytics: Database) -> None:
    await write(ingest, admin, range(1, 2))
    reading = (await PostgresSeries(analytics).latest([UPPER]))[UPPER]
    assert reading.observed_at.astimezone(UTC).isoformat() == "2026-05-01T00:01:00+00:00"
