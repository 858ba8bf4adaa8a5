"""The write path on PostgreSQL: ledger, conflicts, poison, two writers at once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import AsyncConnection

from domain.delivery import AliasBinding, BlockRows, DeadLetter, SequenceRange, Stream
from domain.errors import StorageError, StorageUnavailable
from storage.database import Database, translated
from storage.ingest import PostgresIngestStore
from storage.roles import Role
from tests.support.postgres import FreshDatabase
from tests.support.stored_town import MINUTE_MS, OTHER, START, START_MS, STREAM, block


async def fetch(connection: AsyncConnection, query: str) -> list[tuple[Any, ...]]:
    return await (await connection.execute(query.encode())).fetchall()


async def check_ledger(connection: AsyncConnection) -> None:
    """Numbers = stored + repeated + dead for each stream, and stored is what the table has."""
    wrong = await fetch(
        connection,
        """SELECT * FROM ledger
           WHERE (SELECT coalesce(sum(upper(r) - lower(r)), 0) FROM unnest(committed) r) <> stored + repeated + dead + dropped""",
    )
    assert wrong == []


async def test_rows_ledger_and_receipt_move_together(ingest: PostgresIngestStore, admin: AsyncConnection) -> None:
    result = await ingest.write([block(range(1, 101)), block(range(201, 301)), block(range(1, 11), stream=OTHER, point_id=2)])
    assert (result.stored, result.skipped, result.conflicts, result.dead_letters) == (210, 0, 0, 0)
    by_stream = {receipt.stream: receipt for receipt in result.receipts}
    assert by_stream[STREAM].committed == 100
    assert by_stream[STREAM].above == (SequenceRange(first=201, last=300),)
    assert by_stream[OTHER].committed == 10
    assert (await ingest.receipts([STREAM, OTHER])) == (by_stream[STREAM], by_stream[OTHER])
    assert await fetch(admin, "SELECT count(*), min(time), max(value) FROM reading") == [(210, START + timedelta(minutes=1), 400)]
    await check_ledger(admin)


async def test_a_resend_is_skipped_and_receipted_again(ingest: PostgresIngestStore, admin: AsyncConnection) -> None:
    await ingest.write([block(range(1, 101))])
    again = await ingest.write([block(range(51, 151)), block(range(51, 151))])
    assert (again.stored, again.skipped) == (50, 150)
    assert again.receipts[0].committed == 150
    assert await fetch(admin, "SELECT stored, repeated, dead FROM ledger") == [(150, 0, 0)]
    await check_ledger(admin)


async def test_values_null_and_quality_survive(ingest: PostgresIngestStore, admin: AsyncConnection) -> None:
    await ingest.write([block([1, 2, 3], counts=[2**62, None, -(2**62)], quality=[0, 2, 4])])
    assert await fetch(admin, "SELECT value, quality FROM reading ORDER BY time") == [(2**62, 0), (None, 2), (-(2**62), 4)]


async def test_the_same_content_under_new_numbers_is_repeated_other_content_is_a_conflict(
    ingest: PostgresIngestStore, admin: AsyncConnection
) -> None:
    await ingest.write([block(range(1, 6))])
    fresh_spool = Stream(edge=STREAM.edge, epoch=99)
    times = [START_MS + n * MINUTE_MS for n in (4, 5, 6, 6, 6)]
    result = await ingest.write([block(range(1, 6), stream=fresh_spool, times_ms=times, counts=[104, 999, 106, 106, 107])])
    # 4 as it is, 5 with another value, 6 new, 6 again the same, 6 again otherwise
    assert (result.stored, result.skipped, result.conflicts, result.dead_letters) == (1, 2, 2, 2)
    assert result.receipts[0].committed == 5
    assert await fetch(admin, "SELECT stored, repeated, dead FROM ledger WHERE epoch = 99") == [(1, 2, 2)]
    letters = await fetch(
        admin, "SELECT reason, first, last, point_id, time, value, kept_value, detail FROM dead_letter ORDER BY first"
    )
    assert [row[:7] for row in letters] == [
        ("conflict", 2, 2, 1, START + timedelta(minutes=5), 999, 105),
        ("conflict", 5, 5, 1, START + timedelta(minutes=6), 107, 106),
    ]
    assert (
        letters[0][7] == "point 1 at 2026-05-01T00:05:00.000+00:00 holds 105 steps (quality 0); 999 steps (quality 0) was refused"
    )
    await check_ledger(admin)


async def test_conflict_with_no_value_is_told_apart(ingest: PostgresIngestStore, admin: AsyncConnection) -> None:
    await ingest.write([block([1], counts=[None], quality=2)])
    times = [START_MS + MINUTE_MS] * 2
    result = await ingest.write([block([2, 3], times_ms=times, counts=[None, 5], quality=[2, 0])])
    assert (result.stored, result.skipped, result.conflicts) == (0, 1, 1)
    assert await fetch(admin, "SELECT value, kept_value FROM dead_letter") == [(5, None)]


async def test_dead_letters_of_blocks_count_in_the_ledger_once(ingest: PostgresIngestStore, admin: AsyncConnection) -> None:
    letter = DeadLetter(
        edge=STREAM.edge,
        reason="unknown_device",
        detail="no\0such device",
        payload=b"x" * 70_000,
        epoch=STREAM.epoch,
        first=4,
        last=6,
    )
    for _ in range(2):
        result = await ingest.write([block([1, 2, 3], dead=(letter,))])
    assert (result.stored, result.skipped, result.dead_letters) == (0, 6, 0)
    assert result.receipts[0].committed == 6
    assert await fetch(admin, "SELECT stored, repeated, dead FROM ledger") == [(3, 0, 3)]
    kept = await fetch(admin, "SELECT reason, detail, length(payload), payload_size, length(payload_sha256) FROM dead_letter")
    assert kept == [("unknown_device", "no\ufffdsuch device", 65_536, 70_000, 32)]


async def test_impossible_times_and_streams_never_reach_sql(ingest: PostgresIngestStore, admin: AsyncConnection) -> None:
    times = [START_MS, -(2**62), 2**62, 0, 4_102_444_800_000, 946_684_800_000]
    result = await ingest.write(
        [
            block(range(1, 7), times_ms=times),
            block([1], stream=Stream(edge="a", epoch=2**64 - 1)),
            block([1], stream=OTHER, point_id=2),
        ]
    )
    assert (result.stored, result.dead_letters) == (3, 4)
    reasons = await fetch(admin, "SELECT reason, count(*) FROM dead_letter GROUP BY 1 ORDER BY 1")
    assert reasons == [("stream_out_of_range", 1), ("time_out_of_range", 4)]
    await check_ledger(admin)


async def test_devices_without_receipts_write_without_a_ledger(ingest: PostgresIngestStore, admin: AsyncConnection) -> None:
    times = [START_MS, START_MS + MINUTE_MS]
    for _ in range(2):
        result = await ingest.write([block([0, 0], stream=None, times_ms=times, counts=[1, 2], edge="foreign/node")])
    assert (result.stored, result.skipped, result.receipts) == (0, 2, ())
    result = await ingest.write([block([0], stream=None, times_ms=times[:1], counts=[3], edge="foreign/node")])
    assert result.conflicts == 1
    assert await fetch(admin, "SELECT edge, first FROM dead_letter") == [("foreign/node", None)]
    assert await fetch(admin, "SELECT count(*) FROM ledger") == [(0,)]


async def test_a_row_the_database_refuses_is_found_and_the_rest_is_stored(
    ingest: PostgresIngestStore, admin: AsyncConnection
) -> None:
    await admin.execute("ALTER TABLE reading ADD CONSTRAINT no_thirteen CHECK (value <> 113)")
    result = await ingest.write([block(range(1, 8)), block(range(8, 31)), block(range(1, 5), stream=OTHER, point_id=2)])
    assert (result.stored, result.dead_letters) == (33, 1)
    assert {r.stream: r.committed for r in result.receipts} == {STREAM: 30, OTHER: 4}
    assert await fetch(admin, "SELECT reason, first, last FROM dead_letter") == [("sql_rejected", 13, 13)]
    await check_ledger(admin)


async def test_a_partition_that_was_dropped_comes_back(ingest: PostgresIngestStore, admin: AsyncConnection) -> None:
    await ingest.write([block([1])])
    [(name,)] = await fetch(admin, "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'reading'::regclass")
    await admin.execute(f"DROP TABLE {name}".encode())
    result = await ingest.write([block([2, 3])])
    assert (result.stored, result.dead_letters, result.receipts[0].committed) == (2, 0, 3)


async def test_ledger_rows_that_were_taken_away_are_made_again(ingest: PostgresIngestStore, admin: AsyncConnection) -> None:
    await ingest.write([block([1])])
    await admin.execute("DELETE FROM ledger")
    with pytest.raises(StorageUnavailable, match="try again"):
        await ingest.write([block([2])])
    again = await ingest.write([block([1, 2])])  # as after a restore: what the table has already is told apart by its content
    assert (again.stored, again.skipped, again.receipts[0].committed) == (1, 1, 2)
    await check_ledger(admin)


async def test_missing_rights_are_an_error_not_dead_letters(ingest: PostgresIngestStore, admin: AsyncConnection) -> None:
    await admin.execute("REVOKE INSERT ON reading FROM khettara_ingest")
    with pytest.raises(StorageError, match="permission denied"):
        await ingest.write([block([1])])
    assert await fetch(admin, "SELECT count(*) FROM dead_letter") == [(0,)]
    assert (await ingest.receipts([STREAM]))[0].committed == 0


async def test_writers_at_once_lose_and_double_nothing(ingest: PostgresIngestStore, admin: AsyncConnection) -> None:
    shuffled = np.random.default_rng(5)
    pieces = [block(range(n, n + 20), stream=s, point_id=p) for n in range(1, 801, 20) for s, p in ((STREAM, 1), (OTHER, 2))]

    async def writer() -> int:
        stored = 0
        order = shuffled.permutation(len(pieces))
        for start in range(0, len(pieces), 8):
            stored += (await ingest.write([pieces[i] for i in order[start : start + 8]])).stored
        return stored

    assert sum(await asyncio.gather(writer(), writer(), writer())) == 1600
    assert {r.committed for r in await ingest.receipts([STREAM, OTHER])} == {800}
    assert await fetch(admin, "SELECT point_id, count(*) FROM reading GROUP BY 1 ORDER BY 1") == [(1, 800), (2, 800)]
    await check_ledger(admin)


async def test_a_frozen_writer_is_ended_and_the_others_go_on(town_database: FreshDatabase, ingest: PostgresIngestStore) -> None:
    await ingest.write([block([1])])
    frozen = await AsyncConnection.connect(town_database.dsn(Role.INGEST))
    try:
        assert await fetch(frozen, "SHOW idle_in_transaction_session_timeout") == [("10s",)]
        await frozen.execute("SET idle_in_transaction_session_timeout = '300ms'")
        await frozen.commit()
        await frozen.execute("SELECT * FROM ledger FOR UPDATE")
        result = await ingest.write([block([2])])
        with pytest.raises(StorageUnavailable), translated("go on"):
            await frozen.execute("SELECT 1")
    finally:
        await frozen.close()
    assert result.receipts[0].committed == 2


async def test_a_lock_that_does_not_come_is_a_retryable_error(town_database: FreshDatabase, admin: AsyncConnection) -> None:
    async with Database(town_database.dsn(Role.INGEST) + "?options=-clock_timeout%3D200ms", size=1) as pool:
        store = PostgresIngestStore(pool)
        await store.write([block([1])])
        async with admin.transaction():
            await admin.execute("SELECT * FROM ledger FOR UPDATE")
            with pytest.raises(StorageUnavailable):
                await store.write([block([2])])
        assert (await store.write([block([2])])).stored == 1


async def test_bindings_survive_and_change(ingest: PostgresIngestStore) -> None:
    flow = AliasBinding(stream=STREAM, alias=1, device="meter", metric="flow_m3h", datatype=10)
    giant = AliasBinding(stream=STREAM, alias=2**63, device="meter", metric="x", datatype=10)
    await ingest.save_bindings([flow, flow, giant])
    await ingest.save_bindings([flow])
    assert list(await ingest.bindings()) == [flow]


async def test_channels_name_their_points(ingest: PostgresIngestStore) -> None:
    channels = {(c.edge, c.device, c.metric): c for c in await ingest.channels()}
    flow = channels["town/gw-1", "meter", "flow_m3h"]
    assert (flow.point, flow.resolution, flow.valid_from_ms, flow.valid_to_ms) == ("upper.flow", 0.01, None, None)
    assert len(channels) == 3


async def test_old_news_of_a_gateway_changes_nothing(ingest: PostgresIngestStore, admin: AsyncConnection) -> None:
    late = START + timedelta(hours=1)
    await ingest.gateway_state("town/gw-1", online=True, at=START)
    await ingest.gateway_state("town/gw-1", online=True, at=late)
    await ingest.gateway_state("town/gw-1", online=False, at=START)
    assert await fetch(admin, "SELECT online, since, updated_at FROM gateway_state") == [(True, START, late)]


async def test_undecodable_payloads_are_kept(ingest: PostgresIngestStore, admin: AsyncConnection) -> None:
    await ingest.dead_letters(
        [DeadLetter(edge="a/b", reason="decode_error", detail="", topic="t/\0\ud800", payload=b"\0", epoch=2**64 - 1)]
    )
    assert await fetch(admin, "SELECT reason, topic, payload, epoch FROM dead_letter") == [
        ("decode_error", "t/\ufffd?", b"\0", None)
    ]


def blocks() -> st.SearchStrategy[list[BlockRows | None]]:
    """Blocks of two streams that overlap in numbers, in times and in values, with poison among them."""
    time = st.sampled_from([START_MS + i * MINUTE_MS for i in range(12)] + [0, 2**61])
    row = st.tuples(time, st.sampled_from([1, 2, None]), st.sampled_from([0, 1]))

    @st.composite
    def one(draw: st.DrawFn) -> BlockRows:
        stream = draw(st.sampled_from([STREAM, OTHER]))
        rows = draw(st.lists(row, max_size=8))
        first = draw(st.integers(1, 12))
        numbers = range(first, first + len(rows))
        letter = draw(st.integers(0, 3))
        dead = DeadLetter(
            edge=stream.edge,
            reason="r",
            detail="d",
            epoch=stream.epoch,
            first=first + len(rows),
            last=first + len(rows) + letter - 1,
        )
        return block(
            numbers, stream=stream, times_ms=[r[0] for r in rows], counts=[r[1] for r in rows], quality=[r[2] for r in rows],
            dead=(dead,) if letter else (),
        )  # fmt: skip

    def with_ends(batches: list[list[BlockRows]]) -> list[BlockRows | None]:
        return [b for batch in batches for b in (*batch, None)]

    return st.lists(st.lists(one(), max_size=4), max_size=4).map(with_ends)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=blocks())
async def test_every_number_is_counted_exactly_once(
    script: list[BlockRows | None], ingest: PostgresIngestStore, admin: AsyncConnection
) -> None:
    await admin.execute("TRUNCATE reading, ledger, dead_letter")
    ingest._forget()
    batch: list[BlockRows] = []
    sent: dict[Stream, set[int]] = {STREAM: set(), OTHER: set()}
    for item in script:
        if item is not None:
            batch.append(item)
            assert item.stream is not None
            sent[item.stream] |= set(item.sequence.tolist())
            sent[item.stream] |= {n for d in item.dead for n in range(d.first or 0, (d.last or 0) + 1)}
            continue
        total = sum(b.point_id.size + sum((d.last or 0) - (d.first or 0) + 1 for d in b.dead) for b in batch)
        result = await ingest.write(batch)
        assert result.stored + result.skipped + result.dead_letters == total
        batch = []
    await check_ledger(admin)
    for stream, numbers in sent.items():
        committed = {n for (n,) in await fetch(
            admin,
            f"SELECT generate_series(lower(r), upper(r) - 1) FROM ledger, unnest(committed) r WHERE edge = '{stream.edge}'",
        )}  # fmt: skip
        assert committed == numbers
    [(stored,)] = await fetch(admin, "SELECT coalesce(sum(stored), 0)::int8 FROM ledger")
    [(rows,)] = await fetch(admin, "SELECT count(*) FROM reading")
    assert stored == rows


async def test_a_database_that_goes_away_says_so_and_comes_back(town_database: FreshDatabase, admin: AsyncConnection) -> None:
    async with Database(town_database.dsn(Role.INGEST), size=1, wait_s=20.0) as pool:
        store = PostgresIngestStore(pool)
        await store.write([block([1])])
        await admin.execute(
            """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE usename = 'khettara_ingest' AND datname = current_database()"""
        )
        assert (await store.write([block([2])])).stored == 1  # a dead connection is replaced before use
    async with Database("postgresql://nobody:x@127.0.0.1:1/none", size=1, wait_s=0.3) as pool:
        with pytest.raises(StorageUnavailable):
            await PostgresIngestStore(pool).write([block([3])])


async def test_newest_is_the_newest_observation(ingest: PostgresIngestStore, admin: AsyncConnection) -> None:
    await ingest.write([block([5])])
    await ingest.write([block([1])])
    assert await fetch(admin, "SELECT newest FROM ledger") == [(datetime(2026, 5, 1, 0, 5, tzinfo=UTC),)]
