"""Gap records on PostgreSQL: they end in the ledger, each number once, and say what was lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from psycopg import AsyncConnection

from domain.delivery import BlockRows, GapPoint, GapRecord, SequenceRange, Stream
from ingest.decode import gap_block
from storage.database import Database
from storage.delivery import PostgresDelivery
from storage.ingest import PostgresIngestStore
from storage.roles import Role
from tests.support.postgres import FreshDatabase
from tests.support.stored_town import START, START_MS, STREAM, block


async def fetch(connection: AsyncConnection, query: str) -> list[tuple[Any, ...]]:
    return await (await connection.execute(query.encode())).fetchall()


async def check_ledger(connection: AsyncConnection) -> None:
    """Every committed number is stored, repeated, dead or dropped; every dropped one is in a gap record."""
    assert (
        await fetch(
            connection,
            """SELECT edge FROM ledger l
           WHERE (SELECT coalesce(sum(upper(r) - lower(r)), 0) FROM unnest(committed) r) <> stored + repeated + dead + dropped
              OR dropped <> (SELECT coalesce(sum(readings), 0) FROM v_gap g WHERE (g.edge, g.epoch) = (l.edge, l.epoch))""",
        )
        == []
    )


def gap(first: int, last: int, *, stream: Stream = STREAM, **other: Any) -> BlockRows:
    values = {"reason": "spool_full", "at_ms": START_MS, **other}
    return gap_block(stream, GapRecord(range=SequenceRange(first=first, last=last), **values))


GAPS = "SELECT first, last, reason FROM v_gap ORDER BY first"


async def test_a_gap_closes_the_prefix_and_is_receipted(ingest: PostgresIngestStore, admin: AsyncConnection) -> None:
    await ingest.write([block(range(1, 101)), block(range(151, 201))])
    result = await ingest.write([gap(101, 150)])
    assert (result.dropped, result.stored, result.dead_letters) == (50, 0, 0)
    assert (result.receipts[0].committed, result.receipts[0].above) == (200, ())
    assert await fetch(admin, "SELECT committed::text, stored, repeated, dead, dropped FROM ledger") == [
        ("{[1,201)}", 150, 0, 0, 50)
    ]
    again = await ingest.write([gap(101, 150)])
    assert (again.dropped, again.skipped, again.receipts[0].committed) == (0, 50, 200)
    assert await fetch(admin, GAPS) == [(101, 150, "spool_full")]
    await check_ledger(admin)


async def test_only_what_did_not_arrive_is_lost(ingest: PostgresIngestStore, admin: AsyncConnection) -> None:
    """A block may arrive and its receipt be lost, before the gateway has to drop it."""
    await ingest.write([block(range(11, 21))])
    result = await ingest.write([gap(1, 30), block(range(26, 31))])
    assert (result.dropped, result.stored, result.skipped) == (15, 5, 15)
    assert await fetch(admin, GAPS) == [(1, 10, "spool_full"), (21, 25, "spool_full")]
    assert result.receipts[0].committed == 30
    late = await ingest.write([block(range(21, 26))])
    assert (late.stored, late.skipped) == (0, 5), "a number ends once"
    await check_ledger(admin)


async def test_a_record_says_which_points_and_when(ingest: PostgresIngestStore, admin: AsyncConnection) -> None:
    points = (GapPoint(device="m\x00", metric="flow_m3h", readings=2), GapPoint(device="a", metric="\ud800", readings=1))
    await ingest.write([gap(1, 3, from_ms=START_MS, to_ms=START_MS + 60_000, points=points)])
    await ingest.write([gap(4, 6, from_ms=-5, to_ms=2**62, at_ms=2**62)])
    rows = await fetch(admin, "SELECT readings, at, from_time, to_time, devices, points FROM v_gap ORDER BY first")
    assert rows[0] == (3, START, START, START + timedelta(minutes=1), "a, m\ufffd", [["m\ufffd", "flow_m3h", 2], ["a", "?", 1]])
    assert rows[1][2:] == (None, None, None, [])
    assert rows[1][1] > START, "a time no calendar has is that of the commit"


async def test_a_new_spool_says_that_the_old_one_is_gone(ingest: PostgresIngestStore, admin: AsyncConnection) -> None:
    await ingest.write([block(range(1, 101))])
    assert await fetch(admin, GAPS) == []
    newer, newest = Stream(edge=STREAM.edge, epoch=99), Stream(edge=STREAM.edge, epoch=77)
    await ingest.write([block([200], stream=newer)])
    await ingest.write([block([201], stream=newer)])
    assert await fetch(admin, "SELECT epoch, first, last, reason, from_time FROM v_gap") == [
        (STREAM.epoch, 101, None, "new_spool", START + timedelta(minutes=100))
    ]
    await ingest.write([gap(1, 1, stream=newest)])
    rows = await fetch(admin, "SELECT epoch, first, last FROM v_gap WHERE reason = 'new_spool'")
    assert (99, 202, None) in rows
    assert len(rows) == 2
    await check_ledger(admin)


async def test_what_devices_said_of_the_time_is_kept_apart(ingest: PostgresIngestStore, admin: AsyncConnection) -> None:
    plain = block([1, 2, 3])
    said = plain.time_ms + np.array([0, 600_000, 2**62])
    told = BlockRows(**{name: getattr(plain, name) for name in BlockRows.__slots__} | {"device_ms": said})
    await ingest.write([told])
    await ingest.write([told])
    assert await fetch(admin, "SELECT edge, (extract(epoch FROM time) * 1000)::int8, device_ms FROM clock_note ORDER BY time") == [
        (STREAM.edge, int(plain.time_ms[1]), int(said[1])),
        (STREAM.edge, int(plain.time_ms[2]), int(said[2])),
    ]
    assert (await fetch(admin, "SELECT count(*) FROM v_clock_note")) == [(2,)]


async def test_what_is_wrong_now(ingest: PostgresIngestStore, admin: AsyncConnection, town_database: FreshDatabase) -> None:
    plain = block([1])
    told = BlockRows(
        **{name: getattr(plain, name) for name in BlockRows.__slots__} | {"device_ms": plain.time_ms + np.array([600_000])}
    )
    await ingest.write([told, gap(2, 21), gap(30, 39, reason="damaged")])
    async with Database(town_database.dsn(Role.COMMAND), size=1) as pool:
        delivery = PostgresDelivery(pool)
        (now,) = await delivery.delivery_now()
        assert (now.edge, now.lost, now.reasons, now.losing) == (STREAM.edge, 30, "damaged, spool_full", True)
        assert (now.clock_wrong, now.ahead_s) == (True, 600.0)
        await admin.execute("UPDATE gap_record SET received_at = received_at - INTERVAL '25 hours'")
        await admin.execute("UPDATE clock_note SET received_at = received_at - INTERVAL '2 hours'")
        (now,) = await delivery.delivery_now()
        assert (now.lost, now.reasons, now.losing, now.clock_wrong, now.ahead_s) == (0, "", False, False, 0)


@pytest.mark.parametrize("role", [Role.READ, Role.ANALYTICS])
async def test_readers_see_gaps(role: Role, ingest: PostgresIngestStore, town_database: FreshDatabase) -> None:
    await ingest.write([gap(1, 2)])
    async with Database(town_database.dsn(role), size=1) as pool, pool.transaction("look") as connection:
        assert await fetch(connection, "SELECT count(*) FROM v_gap") == [(1,)]
        assert await fetch(connection, "SELECT count(*) FROM v_clock_note") == [(0,)]
    assert datetime.now(UTC) > START
