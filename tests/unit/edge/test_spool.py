"""The spool keeps what it was given until a receipt names it, and never gives a number twice."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from domain.delivery import Receipt, SequenceRange, Stream
from domain.errors import ConfigurationError
from domain.readings import Quality
from edge.database import open_database, transaction
from edge.readings import Lane, SpoolReading
from edge.spool import Spool

T0 = 1_772_000_000_000


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = open_database(tmp_path)
    yield connection
    connection.close()


def reading(device: str = "m1", metric: str = "flow_m3h", i: int = 0, value: float | None = 1.5) -> SpoolReading:
    return SpoolReading(device=device, metric=metric, time_ms=T0 + i, value=value)


def receipt(spool: Spool, committed: int, *above: tuple[int, int], epoch: int | None = None) -> Receipt:
    stream = Stream(edge="g/n", epoch=spool.epoch if epoch is None else epoch)
    return Receipt(stream=stream, committed=committed, above=tuple(SequenceRange(first=a, last=b) for a, b in above))


def firsts(spool: Spool, lane: Lane = Lane.LIVE) -> list[int]:
    return [h.first for h in spool.unacked(lane, limit=100, fresh_ms=0)]


def test_readings_come_back_in_order_by_device(db: sqlite3.Connection) -> None:
    spool = Spool(db)
    ranges = spool.append(
        [reading(i=0), reading("m2", i=1, value=None), reading(metric="volume_m3", i=2, value=7.25), reading("m2", i=3)], now_ms=T0
    )
    assert [(r.first, r.last) for r in ranges] == [(1, 2), (3, 4)]
    blocks = spool.load(spool.unacked(Lane.LIVE, limit=10, fresh_ms=0), now_ms=T0)
    assert [b.head.device for b in blocks] == ["m1", "m2"]
    assert blocks[0].rows["value"].tolist() == [1.5, 7.25]
    assert blocks[0].rows["time_ms"].tolist() == [T0, T0 + 2]
    assert np.isnan(blocks[1].rows["value"][0])
    aliases = {c.metric: c.alias for c in spool.channels("m1")}
    assert blocks[0].rows["channel"].tolist() == [aliases["flow_m3h"], aliases["volume_m3"]]


def test_quality_is_kept(db: sqlite3.Connection) -> None:
    spool = Spool(db)
    spool.append([SpoolReading(device="m", metric="x", time_ms=1, value=2.0, quality=Quality.CLOCK)], now_ms=T0)
    (block,) = spool.load(spool.unacked(Lane.LIVE, limit=1, fresh_ms=0), now_ms=T0)
    assert block.rows["quality"].tolist() == [int(Quality.CLOCK)]


def test_blocks_hold_at_most_the_limit(db: sqlite3.Connection) -> None:
    spool = Spool(db, block_readings=4)
    ranges = spool.append([reading(i=i) for i in range(10)], now_ms=T0)
    assert [(r.first, r.last) for r in ranges] == [(1, 4), (5, 8), (9, 10)]


def test_prefix_and_ranges_are_acknowledged_and_nothing_else(db: sqlite3.Connection) -> None:
    spool = Spool(db, block_readings=2)
    spool.append([reading(i=i) for i in range(12)], now_ms=T0)
    applied = spool.apply(receipt(spool, 3, (7, 8), (10, 12)), now_ms=T0)
    assert applied.acked == (1, 7, 11)
    assert firsts(spool) == [3, 5, 9]
    stats = spool.stats()
    assert (stats.spooled, stats.acked, stats.depth_readings, stats.depth_blocks) == (12, 6, 6, 3)


def test_a_foreign_epoch_changes_nothing(db: sqlite3.Connection) -> None:
    spool = Spool(db)
    spool.append([reading()], now_ms=T0)
    assert spool.apply(receipt(spool, 1, epoch=spool.epoch + 1), now_ms=T0).acked == ()
    assert firsts(spool) == [1]


def test_numbers_survive_purge_and_restart(tmp_path: Path) -> None:
    first = open_database(tmp_path)
    spool = Spool(first)
    spool.append([reading(i=i) for i in range(5)], now_ms=T0)
    spool.apply(receipt(spool, 5), now_ms=T0)
    spool.purge(now_ms=T0 + 10, keep_acked_ms=5)
    epoch, alias = spool.epoch, spool.channel("m1", "flow_m3h").alias
    first.close()

    second = open_database(tmp_path)
    spool = Spool(second)
    assert spool.epoch == epoch
    assert spool.channel("m1", "flow_m3h").alias == alias
    (numbers,) = spool.append([reading()], now_ms=T0)
    assert numbers.first == 6
    assert spool.stats().acked == 5
    second.close()


def test_what_was_committed_survives_the_death_of_the_process(tmp_path: Path) -> None:
    live = tmp_path / "live"
    connection = open_database(live)
    spool = Spool(connection)
    spool.append([reading(i=i) for i in range(300)], now_ms=T0)
    dead = tmp_path / "dead"
    shutil.copytree(live, dead)  # the files as a killed process leaves them: the write-ahead log is not folded in
    connection.close()
    assert (dead / "spool.db-wal").stat().st_size > 0

    reopened = open_database(dead)
    assert Spool(reopened).stats().depth_readings == 300
    reopened.close()


def test_a_restored_database_gets_its_readings_again(db: sqlite3.Connection) -> None:
    spool = Spool(db, block_readings=1, rewind_after=3)
    spool.append([reading(i=i) for i in range(6)], now_ms=T0)
    spool.apply(receipt(spool, 6), now_ms=T0)
    spool.append([reading(i=9)], now_ms=T0)
    for _ in range(2):
        assert spool.apply(receipt(spool, 2, (7, 7)), now_ms=T0).reopened_blocks == 0
    assert spool.apply(receipt(spool, 2, (7, 7)), now_ms=T0).reopened_blocks == 4
    assert firsts(spool) == [3, 4, 5, 6]
    assert spool.stats().acked == 3


def test_a_receipt_that_came_late_reopens_nothing(db: sqlite3.Connection) -> None:
    spool = Spool(db, block_readings=1, rewind_after=3)
    spool.append([reading(i=i) for i in range(6)], now_ms=T0)
    for committed in (4, 2, 5, 3, 6, 1, 6, 2, 2):
        spool.apply(receipt(spool, committed), now_ms=T0)
    assert firsts(spool) == []


def test_what_a_restored_database_cannot_get_back_is_counted(db: sqlite3.Connection) -> None:
    spool = Spool(db, block_readings=1, rewind_after=1)
    spool.append([reading(i=i) for i in range(6)], now_ms=T0)
    spool.apply(receipt(spool, 4), now_ms=T0)
    spool.purge(now_ms=T0 + 100, keep_acked_ms=50)
    spool.apply(receipt(spool, 6), now_ms=T0 + 100)
    applied = spool.apply(receipt(spool, 1), now_ms=T0)
    assert (applied.lost, applied.reopened_readings) == (3, 2)
    assert spool.stats().dropped == 3
    assert spool.apply(receipt(spool, 1), now_ms=T0).lost == 0


def test_only_a_receipt_does_not_wait_for_the_disk(db: sqlite3.Connection) -> None:
    spool = Spool(db)
    said: list[str] = []
    db.set_trace_callback(said.append)
    spool.apply(receipt(spool, 0), now_ms=T0)
    assert [s for s in said if s.startswith(("PRAGMA", "BEGIN", "COMMIT"))] == [
        "PRAGMA synchronous = NORMAL", "BEGIN IMMEDIATE", "COMMIT", "PRAGMA synchronous = FULL",
    ]  # fmt: skip
    said.clear()
    spool.append([reading()], now_ms=T0)
    assert not [s for s in said if s.startswith("PRAGMA")]
    with pytest.raises(sqlite3.OperationalError), transaction(db, durable=False):
        db.execute("nonsense")
    assert db.execute("PRAGMA synchronous").fetchone() == (2,), "FULL again, whatever happened"


def test_what_is_read_now_does_not_wait_for_what_was_read_during_an_outage(db: sqlite3.Connection) -> None:
    spool = Spool(db)
    for second in range(3):
        spool.append([reading(), reading("m2")], now_ms=T0 + 1000 * second)
    assert firsts(spool) == [5, 6, 3, 4, 1, 2], "the newest moment first; within it the order of reading"
    assert [h.first for h in spool.unacked(Lane.LIVE, limit=2, fresh_ms=0)] == [5, 6]
    assert [h.first for h in spool.unacked(Lane.BACKLOG, limit=9, fresh_ms=T0 + 9000)] == [1, 2, 3, 4, 5, 6]


def test_the_live_lane_is_not_behind_history(db: sqlite3.Connection) -> None:
    spool = Spool(db, block_readings=1)
    spool.append([reading(i=i) for i in range(3)], now_ms=T0, historical=True)
    spool.append([reading(i=9)], now_ms=T0 - 5000)
    spool.append([reading(i=10)], now_ms=T0)
    fresh = T0 - 1000
    assert [h.first for h in spool.unacked(Lane.LIVE, limit=5, fresh_ms=fresh)] == [5]
    backlog = spool.unacked(Lane.BACKLOG, limit=5, fresh_ms=fresh)
    assert [h.first for h in backlog] == [4, 5, 1, 2, 3], "the oldest first, what was imported last"
    assert [h.historical for h in backlog] == [False, False, True, True, True]


def test_a_full_spool_drops_acknowledged_first_and_records_the_gap(tmp_path: Path) -> None:
    connection = open_database(tmp_path)
    spool = Spool(connection, max_bytes=260_000)
    for i in range(60):
        spool.append([reading(i=j) for j in range(200)], now_ms=T0 + i)
    spool.apply(receipt(spool, 200), now_ms=T0)
    dropped = spool.purge(now_ms=T0, keep_acked_ms=10**9)
    stats = spool.stats()
    assert dropped > 0
    assert stats.bytes <= 260_000
    assert stats.dropped == dropped
    assert stats.spooled == 12_000
    assert stats.acked == 200
    gap = connection.execute("SELECT min(first), sum(last - first + 1), min(reason) FROM gap").fetchone()
    assert gap == (201, dropped, "spool_full")
    connection.close()


def test_a_damaged_block_becomes_a_gap_and_the_rest_goes_on(db: sqlite3.Connection) -> None:
    spool = Spool(db, block_readings=2)
    spool.append([reading(i=i) for i in range(4)], now_ms=T0)
    db.execute("UPDATE payload SET readings = zeroblob(44) WHERE first = 1")
    blocks = spool.load(spool.unacked(Lane.LIVE, limit=9, fresh_ms=0), now_ms=T0)
    assert [b.head.first for b in blocks] == [3]
    assert spool.stats().dropped == 2
    assert firsts(spool) == [3]


def test_bd_seq_counts_connections_and_wraps(db: sqlite3.Connection) -> None:
    spool = Spool(db)
    numbers = [spool.next_bd_seq() for _ in range(258)]
    assert numbers[:2] == [0, 1]
    assert numbers[255:] == [255, 0, 1]
    assert Spool(db).next_bd_seq() == 2


def test_a_second_process_is_told_so(tmp_path: Path) -> None:
    connection = open_database(tmp_path)
    with pytest.raises(ConfigurationError, match="a folder no other gateway uses"):
        open_database(tmp_path)
    connection.close()


def test_a_damaged_file_is_not_thrown_away(tmp_path: Path) -> None:
    (tmp_path / "spool.db").write_bytes(b"this is no database" * 400)
    with pytest.raises(ConfigurationError, match="intact"):
        open_database(tmp_path)
    assert (tmp_path / "spool.db").stat().st_size == 19 * 400
