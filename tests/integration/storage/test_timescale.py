"""The same schema and the same write path on a real TimescaleDB; the server has one session, so one connection at a time."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from psycopg import AsyncConnection

from domain.audit import verify_chain
from domain.delivery import SequenceRange
from domain.points import PointKey
from storage.commands import PostgresCommands
from storage.database import Database
from storage.ingest import PostgresIngestStore
from storage.inventory import save_inventory
from storage.life import AGGREGATES, read_life, refresh_aggregates
from storage.migrate import migrate, read_migrations
from storage.retention import apply_retention
from storage.roles import Role
from storage.series import PostgresSeries
from storage.zones import PostgresZones
from tests.support.rollup_model import Bucket, Reading, rollup
from tests.support.stored_town import MINUTE_MS, OTHER, START, START_MS, STREAM, block, town
from tests.support.timescale_server import timescale, wipe

__all__ = ["timescale"]

pytestmark = pytest.mark.timescale


@pytest.fixture
async def dsn(timescale: str) -> str:
    """A fresh schema with the town's inventory."""
    wipe(timescale)
    assert await migrate(timescale) == [file.name for file in read_migrations()]
    async with await AsyncConnection.connect(timescale) as connection:
        await save_inventory(connection, town(), at=START)
    return timescale


@asynccontextmanager
async def as_role(dsn: str, role: Role) -> AsyncIterator[Database]:
    async with Database(dsn, role=role, size=1) as pool:
        yield pool


async def ask(dsn: str, query: str) -> list[tuple[Any, ...]]:
    async with await AsyncConnection.connect(dsn, autocommit=True) as connection:
        return await (await connection.execute(query.encode())).fetchall()


async def test_reading_is_a_hypertable_of_weeks_with_one_index(dsn: str) -> None:
    assert await migrate(dsn) == []
    found = await ask(dsn, "SELECT hypertable_name::text, compression_enabled FROM timescaledb_information.hypertables")
    assert found == [("reading", True)]
    width = "SELECT time_interval FROM timescaledb_information.dimensions WHERE hypertable_name = 'reading'"
    assert await ask(dsn, width) == [(timedelta(days=7),)]
    assert await ask(dsn, "SELECT indexname::text FROM pg_indexes WHERE tablename = 'reading'") == [("reading_pkey",)]


async def test_copy_conflict_and_ledger(dsn: str) -> None:
    async with as_role(dsn, Role.INGEST) as pool:
        store = PostgresIngestStore(pool)
        first = await store.write([block(range(1, 101), counts=[None, *range(102, 201)]), block(range(201, 211))])
        again = await store.write([block(range(90, 121))])
        times = [START_MS + n * MINUTE_MS for n in (1, 2, 121)]
        other = await store.write([block([1, 2, 3], stream=OTHER, times_ms=times, counts=[None, 999, 221])])
        receipts = await store.receipts([STREAM, OTHER])
    assert (first.stored, again.stored, again.skipped) == (110, 20, 11)
    assert (other.stored, other.skipped, other.conflicts) == (1, 1, 1)
    assert [receipt.committed for receipt in receipts] == [120, 3]
    assert receipts[0].above == (SequenceRange(first=201, last=210),)
    counts = await ask(dsn, "SELECT stored, repeated, dead FROM ledger ORDER BY edge")
    assert counts == [(130, 0, 0), (1, 1, 1)]
    assert await ask(dsn, "SELECT first, value, kept_value FROM dead_letter") == [(2, 999, 102)]


async def test_an_old_chunk_is_compressed_and_takes_late_rows(dsn: str) -> None:
    minutes = 14 * 1440
    async with as_role(dsn, Role.INGEST) as pool:
        await PostgresIngestStore(pool).write([block(range(1, minutes, 2), counts=list(range(1, minutes, 2)))])
    await ask(dsn, "SELECT compress_chunk(c) FROM show_chunks('reading', older_than => TIMESTAMPTZ '2026-05-08') c")
    compressed = "SELECT count(*) > 0 FROM timescaledb_information.chunks WHERE is_compressed"
    assert await ask(dsn, compressed) == [(True,)]
    before = await ask(dsn, "SELECT count(*), sum(value) FROM reading")
    assert before == [(minutes // 2, sum(range(1, minutes, 2)))]
    async with as_role(dsn, Role.INGEST) as pool:
        store = PostgresIngestStore(pool)
        late = await store.write([block([2, 4, 6])])
        # The same moments once more under other numbers: the compressed chunk must still know its key.
        times = [START_MS + n * MINUTE_MS for n in (1, 2, 3)]
        again = await store.write([block([1, 2, 3], stream=OTHER, times_ms=times, counts=[1, 102, 999])])
    assert (late.stored, again.stored, again.skipped, again.conflicts) == (3, 0, 2, 1)
    async with as_role(dsn, Role.ANALYTICS) as pool:
        found = await PostgresSeries(pool).series([PointKey("upper.flow")], START, START + timedelta(minutes=8))
        keys = [PointKey("lower.flow"), PointKey("upper.flow")]
        long = await PostgresSeries(pool).series(keys, START, START + timedelta(days=14))
    assert found[PointKey("upper.flow")].values.tolist() == [0.01, 1.02, 0.03, 1.04, 0.05, 1.06, 0.07]
    series = long[PointKey("upper.flow")]
    assert (len(series), len(long[PointKey("lower.flow")])) == (minutes // 2 + 3, 0)
    assert (np.diff(series.times.astype(np.int64)) > 0).all(), "compressed chunks keep the newest first"
    await ask(dsn, "SELECT decompress_chunk(c, true) FROM show_chunks('reading') c")
    assert await ask(dsn, "SELECT count(*) FROM reading") == [(minutes // 2 + 3,)]


async def test_views_and_read_models(dsn: str) -> None:
    numbers = range(1, 2880)
    async with as_role(dsn, Role.INGEST) as pool:
        store = PostgresIngestStore(pool)
        keys = {channel.point: channel.point_id for channel in await store.channels()}
        await store.write([block(numbers, point_id=keys[PointKey("upper.flow")], counts=[5000] * len(numbers))])
        lower = block(numbers, stream=OTHER, point_id=keys[PointKey("lower.flow")], counts=[2000] * len(numbers))
        await store.write([lower])
        await store.gateway_state(STREAM.edge, online=True, at=START)
    async with as_role(dsn, Role.READ) as pool, pool.transaction("look") as connection:
        nights = await (
            await connection.execute("SELECT zone, night, night_flow_m3h FROM v_zone_night_flow ORDER BY 1, 2")
        ).fetchall()
        assert nights == [(z, date(2026, 5, d), f) for z, f in (("lower", 20.0), ("upper", 30.0)) for d in (1, 2)]
        quarter = await connection.execute(
            "SELECT count(*), min(mean), max(samples) FROM v_reading_15min WHERE point = 'upper.flow'"
        )
        assert await quarter.fetchone() == (192, 50.0, 15)
        for view in ("v_gateway", "v_command", "v_alert", "v_finding", "v_setpoint", "v_zone_flow", "v_reading_hour"):
            await connection.execute(f"SELECT * FROM {view} LIMIT 1".encode())
    async with as_role(dsn, Role.COMMAND) as pool:
        zones = await PostgresZones(pool).zones_now()
        assert [(zone.zone, zone.inflow_m3h, zone.night_flow_m3h) for zone in zones] == [
            ("lower", 20.0, 20.0),
            ("upper", 30.0, 30.0),
        ]
        gateways = await PostgresZones(pool).gateways_now()
        assert [(gateway.online, gateway.rows_stored) for gateway in gateways] == [(True, 2879), (False, 2879)]


async def test_the_audit_holds(dsn: str) -> None:
    async with as_role(dsn, Role.COMMAND) as pool:
        store = PostgresCommands(pool)
        for n in range(3):
            await store.audit(at=START, actor="a", action="b", subject="c", body={"n": n, "value_m": 38.1})
        assert verify_chain(await store.audit_rows()) is None


async def test_continuous_aggregates_answer_as_from_scratch(dsn: str) -> None:
    """On time, refreshed, then late: late ones count after the next refresh, what no refresh has reached counts at once."""
    truth: dict[tuple[int, int], Reading] = {}

    async def write(numbers: range, first: int) -> None:
        values = [(7 * n) % 500 - (n % 11 == 0) * 400 for n in numbers]
        quality = [3 if n % 13 == 0 else 1 if n % 17 == 0 else 0 for n in numbers]
        counts = [None if n % 19 == 0 else value for n, value in zip(numbers, values, strict=True)]
        times = [START_MS + n * MINUTE_MS for n in numbers]
        sequence = range(first, first + len(numbers))
        async with as_role(dsn, Role.INGEST) as pool:
            await PostgresIngestStore(pool).write([block(sequence, times_ms=times, counts=counts, quality=quality)])
        for n, value, q in zip(numbers, counts, quality, strict=True):
            truth[1, START_MS // 1000 + 60 * n] = (value, q)

    async def check() -> None:
        for name, width in (("15min", 900), ("hour", 3600), ("day", 86400)):
            columns = "received, good, estimated, suspect, min, max, sum, first, last, rise, falls, fallen"
            rows = await ask(dsn, f"SELECT point_id, extract(epoch FROM time)::int8, {columns} FROM reading_{name}")
            names = Bucket.__dataclass_fields__
            assert {(row[0], row[1]): Bucket(**dict(zip(names, row[2:], strict=True))) for row in rows} == rollup(truth, width)

    await write(range(0, 2000, 3), 1)
    await check()
    await refresh_by_hand(dsn, START + timedelta(days=1))
    await write(range(2000, 2500, 3), 1001)
    await check()
    await write(range(1, 600, 3), 2001)
    await refresh_by_hand(dsn, START + timedelta(days=1))
    await check()


async def refresh_by_hand(dsn: str, until: datetime) -> None:
    async with await AsyncConnection.connect(dsn, autocommit=True) as connection:
        await refresh_aggregates(connection, until)


async def test_policies_and_retention(dsn: str) -> None:
    """Chunks go when their aggregates are written, and these stay, whatever is refreshed later."""
    days = range(800)
    # Policies go by the server's own clock. A Thursday, as weeks begin, is the 800th day.
    week_ms = 7 * 1440 * MINUTE_MS
    first_ms = int(time.time() * 1000) // week_ms * week_ms - 799 * 1440 * MINUTE_MS
    async with as_role(dsn, Role.INGEST) as pool:
        times = [first_ms + n * 1440 * MINUTE_MS for n in days]
        await PostgresIngestStore(pool).write([block([n + 1 for n in days], times_ms=times)])
    at = datetime.fromtimestamp(times[-1] / 1000, UTC)
    async with await AsyncConnection.connect(dsn, autocommit=True) as connection:
        life = await read_life(connection, at)
        assert life is not None
        assert [job.on for job in life.jobs] == [*AGGREGATES, "reading"]
        assert [part.became for part in life.expired] == ["waits for rollups"]
        await refresh_aggregates(connection, at)
        before = await (await connection.execute("SELECT count(*), sum(received) FROM reading_day")).fetchone()
        assert before == (800, 800)
        async with connection.transaction():
            dropped = await apply_retention(connection, at)
        assert dropped[-1].ends == at - timedelta(days=735), "the last whole week before 730 days"
        assert {part.became for part in dropped} == {"dropped"}
        for (job,) in await (
            await connection.execute("SELECT job_id FROM timescaledb_information.jobs WHERE job_id >= 1000")
        ).fetchall():
            await connection.execute(f"CALL run_job({job:d})")
        await refresh_aggregates(connection, at)
        assert await (await connection.execute("SELECT count(*), sum(received) FROM reading_day")).fetchone() == before
        raw = await (await connection.execute("SELECT count(*) FROM reading")).fetchone()
        life = await read_life(connection, at)
    assert raw is not None
    assert life is not None
    assert raw == ((at - dropped[-1].ends).days + 1,)
    assert life.raw_from == dropped[-1].ends
    assert life.expired == ()
    assert {part.name: part.parts > 0 for part in life.classes} == dict.fromkeys(("reading", "15min", "hour", "day"), True)
