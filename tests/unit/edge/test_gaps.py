"""What the spool had to drop leaves a record, which is told until the centre has it, and again when the centre forgot."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.delivery import GapPoint, Receipt, SequenceRange, Stream
from edge import room
from edge.database import open_database
from edge.readings import Lane, SpoolReading
from edge.spool import Spool

T0 = 1_772_000_000_000
QUARTER_MS = 900_000


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = open_database(tmp_path)
    yield connection
    connection.close()


def readings(device: str, metrics: list[str], count: int, start_ms: int) -> list[SpoolReading]:
    return [SpoolReading(device=device, metric=metrics[i % len(metrics)], time_ms=start_ms + i, value=1.0) for i in range(count)]


def receipt(spool: Spool, committed: int, *above: tuple[int, int]) -> Receipt:
    ranges = tuple(SequenceRange(first=a, last=b) for a, b in above)
    return Receipt(stream=Stream(edge="g/n", epoch=spool.epoch), committed=committed, above=ranges)


def ranges(spool: Spool) -> list[tuple[int, int]]:
    return [(gap.range.first, gap.range.last) for gap in spool.gaps(limit=100)]


def fill(spool: Spool, rounds: int, *, start_ms: int = T0) -> None:
    """A meter and a pressure logger, a block of 100 readings of each every minute."""
    for minute in range(rounds):
        at = start_ms + minute * 60_000
        batch = readings("meter", ["volume_m3", "flow_m3h"], 100, at) + readings("logger", ["pressure_m"], 100, at)
        spool.append(batch, now_ms=at)


def devices_of(db: sqlite3.Connection) -> Counter[str]:
    return Counter(device for (device,) in db.execute("SELECT device FROM block"))


def test_telemetry_goes_before_amounts_and_amounts_are_thinned_before_they_go(tmp_path: Path) -> None:
    connection = open_database(tmp_path)
    spool = Spool(connection)
    fill(spool, 120)
    whole = spool.stats().bytes
    tight = Spool(connection, max_bytes=int(whole * 0.7))
    tight.purge(now_ms=T0, keep_acked_ms=0)
    after = devices_of(connection)
    assert after["meter"] == 120
    assert 0 < after["logger"] < 120
    oldest_kept = connection.execute("SELECT min(created_ms) FROM block WHERE device = 'logger'").fetchone()[0]
    newest_lost = max(gap.to_ms or 0 for gap in tight.gaps(limit=1000))
    assert newest_lost < oldest_kept + 60_000, "the oldest telemetry goes first"

    tighter = Spool(connection, max_bytes=int(whole * 0.3))
    tighter.purge(now_ms=T0, keep_acked_ms=0)
    assert devices_of(connection)["logger"] == 0
    quarters = {created // QUARTER_MS for (created,) in connection.execute("SELECT created_ms FROM block")}
    assert quarters == {(T0 + minute * 60_000) // QUARTER_MS for minute in range(120)}, "of each quarter of an hour one stays"
    assert tighter.stats().bytes <= whole * 0.3
    connection.close()


def test_when_nothing_else_is_left_the_oldest_goes(tmp_path: Path) -> None:
    connection = open_database(tmp_path)
    spool = Spool(connection, max_bytes=150_000)
    for quarter in range(100):
        spool.append(readings("meter", ["volume_m3"], 200, T0), now_ms=T0 + quarter * QUARTER_MS)
    dropped = spool.purge(now_ms=T0, keep_acked_ms=0)
    assert ranges(spool) == [(1, dropped)]
    assert spool.stats().bytes <= 150_000
    connection.close()


def test_imported_history_is_not_thinned_by_the_moment_of_its_import(tmp_path: Path) -> None:
    connection = open_database(tmp_path)
    spool = Spool(connection, max_bytes=400_000)
    for _ in range(60):
        spool.append(readings("meter", ["volume_m3"], 200, T0), now_ms=T0, historical=True)
    dropped = spool.purge(now_ms=T0, keep_acked_ms=0)
    left = connection.execute("SELECT min(first), count(*) FROM block").fetchone()
    assert left == (dropped + 1, 60 - dropped // 200)
    connection.close()


def test_acknowledged_blocks_leave_at_half_of_the_limit(tmp_path: Path) -> None:
    connection = open_database(tmp_path)
    spool = Spool(connection, max_bytes=10_000_000)
    fill(spool, 60)
    used = spool.stats().bytes
    spool.apply(receipt(spool, spool.stats().spooled), now_ms=T0)
    roomy = Spool(connection, max_bytes=int(used * 2.2))
    assert roomy.purge(now_ms=T0, keep_acked_ms=10**9) == 0
    assert sum(devices_of(connection).values()) == 120
    tight = Spool(connection, max_bytes=int(used * 1.5))
    assert tight.purge(now_ms=T0, keep_acked_ms=10**9) == 0
    assert 0 < sum(devices_of(connection).values()) < 120
    assert tight.stats().bytes <= used * 0.75
    assert tight.stats().dropped == 0
    connection.close()


def test_a_disk_that_others_have_filled_is_a_limit_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = open_database(tmp_path)
    spool = Spool(connection)
    fill(spool, 60)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file_bytes = (tmp_path / "spool.db").stat().st_size
    free = shutil.disk_usage(tmp_path)._replace(free=room.DISK_RESERVE - file_bytes // 2)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    assert spool.purge(now_ms=T0, keep_acked_ms=10**9) > 0
    assert spool.stats().bytes <= file_bytes // 2
    connection.close()


def test_a_record_says_what_was_lost(db: sqlite3.Connection) -> None:
    spool = Spool(db, block_readings=10)
    spool.append(readings("meter", ["volume_m3", "flow_m3h"], 20, T0), now_ms=T0 + 100)
    spool.append(readings("logger", ["pressure_m"], 5, T0 + 50), now_ms=T0 + 200)
    with db:
        heads = [room.head_of(db, first) for first in (1, 11, 21)]
        room.drop(db, [head for head in heads if head], reason="spool_full", now_ms=T0 + 300)
    spool = Spool(db)
    (gap,) = spool.gaps(limit=9)
    assert (gap.range, gap.reason, gap.at_ms) == (SequenceRange(first=1, last=25), "spool_full", T0 + 300)
    assert (gap.from_ms, gap.to_ms) == (T0, T0 + 54)
    assert set(gap.points) == {
        GapPoint(device="meter", metric="volume_m3", readings=10),
        GapPoint(device="meter", metric="flow_m3h", readings=10),
        GapPoint(device="logger", metric="pressure_m", readings=5),
    }
    assert (spool.stats().dropped, spool.stats().gaps_untold, spool.stats().depth_readings) == (25, 1, 0)


def test_a_damaged_block_says_what_is_still_known(db: sqlite3.Connection) -> None:
    spool = Spool(db, block_readings=10)
    spool.append(readings("meter", ["volume_m3"], 20, T0), now_ms=T0 + 100)
    db.execute("UPDATE payload SET readings = zeroblob(7) WHERE first = 11")
    spool.load(spool.unacked(Lane.LIVE, limit=9, fresh_ms=0), now_ms=T0 + 300)
    (gap,) = spool.gaps(limit=9)
    assert (gap.range, gap.reason, gap.from_ms, gap.to_ms) == (SequenceRange(first=11, last=20), "damaged", T0 + 100, T0 + 100)
    assert gap.points == (GapPoint(device="meter", metric="", readings=10),)


def test_many_points_are_named_up_to_a_number(db: sqlite3.Connection) -> None:
    spool = Spool(db)
    for n in range(80):
        spool.append(readings(f"meter-{n}", ["volume_m3"], 1 + n, T0), now_ms=T0)
    every = [head for (first,) in db.execute("SELECT first FROM block").fetchall() if (head := room.head_of(db, first))]
    room.drop(db, every, reason="spool_full", now_ms=T0)
    (gap,) = Spool(db).gaps(limit=9)
    assert len(gap.points) == 51
    assert gap.points[-1].device == ""
    assert sum(p.readings for p in gap.points) == len(gap.range)


def test_a_record_is_told_until_a_receipt_names_it_and_grows_while_it_waits(db: sqlite3.Connection) -> None:
    spool = Spool(db, block_readings=1)
    spool.append(readings("logger", ["pressure_m"], 6, T0), now_ms=T0)
    for first in (1, 2):
        head = room.head_of(db, first)
        assert head is not None
        room.drop(db, [head], reason="damaged", now_ms=T0)
    spool = Spool(db)
    assert ranges(spool) == [(1, 2)]
    spool.apply(receipt(spool, 1), now_ms=T0)
    assert ranges(spool) == [(1, 2)], "one half of it is not enough"
    spool.apply(receipt(spool, 3), now_ms=T0)
    assert ranges(spool) == []
    assert Spool(db).gaps_untold == 0


def test_a_restored_database_is_told_again_and_of_what_is_no_longer_held(db: sqlite3.Connection) -> None:
    spool = Spool(db, block_readings=1, rewind_after=2)
    spool.append(readings("logger", ["pressure_m"], 8, T0), now_ms=T0)
    head = room.head_of(db, 3)
    assert head is not None
    room.drop(db, [head], reason="damaged", now_ms=T0)
    spool = Spool(db, block_readings=1, rewind_after=2)
    spool.apply(receipt(spool, 5), now_ms=T0)
    assert ranges(spool) == []
    spool.purge(now_ms=T0 + 10, keep_acked_ms=5)  # 1, 2, 4, 5 go
    spool.apply(receipt(spool, 8), now_ms=T0 + 100)
    for _ in range(2):
        applied = spool.apply(receipt(spool, 1), now_ms=T0 + 200)
    assert applied.lost == 3
    assert (applied.reopened_blocks, spool.stats().dropped) == (3, 4)
    assert ranges(spool) == [(2, 2), (3, 3), (4, 5)]
    assert [gap.reason for gap in spool.gaps(limit=9)] == ["purged", "damaged", "purged"]
    for _ in range(4):
        assert spool.apply(receipt(spool, 1), now_ms=T0 + 300).lost == 0


def test_a_database_older_than_everything_that_is_held_is_noticed(db: sqlite3.Connection) -> None:
    spool = Spool(db, block_readings=1, rewind_after=2)
    spool.append(readings("logger", ["pressure_m"], 4, T0), now_ms=T0)
    spool.apply(receipt(spool, 4), now_ms=T0)
    spool.purge(now_ms=T0 + 10, keep_acked_ms=0)
    spool.append(readings("logger", ["pressure_m"], 1, T0), now_ms=T0)
    assert spool.apply(receipt(spool, 2), now_ms=T0).lost == 0
    assert spool.apply(receipt(spool, 2), now_ms=T0).lost == 2
    assert ranges(spool) == [(3, 4)]


def test_the_file_of_an_earlier_version_is_taken_over(tmp_path: Path) -> None:
    old = sqlite3.connect(tmp_path / "spool.db")
    old.executescript("""
        CREATE TABLE block (first INTEGER PRIMARY KEY, last INTEGER NOT NULL, device TEXT NOT NULL, created_ms INTEGER NOT NULL,
                            historical INTEGER NOT NULL, crc INTEGER NOT NULL, acked_at INTEGER);
        CREATE TABLE gap (first INTEGER PRIMARY KEY, last INTEGER NOT NULL, reason TEXT NOT NULL, at_ms INTEGER NOT NULL);
        INSERT INTO gap VALUES (1, 5, 'spool_full', 7);
    """)
    old.close()
    connection = open_database(tmp_path)
    spool = Spool(connection)
    (gap,) = spool.gaps(limit=9)
    assert (gap.range, gap.reason, gap.at_ms, gap.from_ms, gap.points) == (
        SequenceRange(first=1, last=5),
        "spool_full",
        7,
        None,
        (),
    )
    fill(spool, 1)
    assert json.loads(connection.execute("SELECT json_group_array(amounts) FROM block").fetchone()[0]) == [1, 0]
    connection.close()
