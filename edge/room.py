"""Room in the spool: what goes when it must, and the record it leaves.

    acknowledged longer than it is kept for │ acknowledged, while the file is over half of its limit     no loss
    telemetry, oldest first │ of amounts all but the last of each quarter hour │ the oldest of all       each with a gap record

An amount (a register, an energy) is what bills are made of, and a later register reading also tells what flowed while others were
lost: so of these some stay to the last. Imported history is not thinned: it goes as a whole, after the telemetry.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from domain.delivery import SequenceRange
from edge import gaps
from edge.gaps import Head

ACKED_SHARE = 0.5
"""Of the limit: a file beyond it keeps nothing that the database has."""
DISK_RESERVE = 64 << 20
"""Bytes of the disk that the spool leaves free, for its own write-ahead log and for everybody else."""
AMOUNT_SUFFIXES = ("_m3", "_kwh")
_QUARTER_HOUR_MS = 900_000
_STEP_BLOCKS = 32
_HEAD = "first, last, device, created_ms, crc"


def is_amount(metric: str) -> bool:
    """Whether a metric is an amount, by the unit in its name."""
    return metric.endswith(AMOUNT_SUFFIXES)


def used_bytes(db: sqlite3.Connection) -> int:
    """Bytes of the file that hold something; deleted pages are used again before the file grows."""
    pages, free, size = (int(db.execute(f"PRAGMA {p}").fetchone()[0]) for p in ("page_count", "freelist_count", "page_size"))
    return (pages - free) * size


def possible_bytes(db: sqlite3.Connection) -> int | None:
    """How large the used part of the file may be on this disk; None where there is no file or plenty of room."""
    path = db.execute("PRAGMA database_list").fetchone()[2]
    free = shutil.disk_usage(Path(path).parent).free if path else DISK_RESERVE
    if free >= DISK_RESERVE:
        return None
    pages, size = (int(db.execute(f"PRAGMA {p}").fetchone()[0]) for p in ("page_count", "page_size"))
    return max(0, pages * size + free - DISK_RESERVE)


def purge_acked(db: sqlite3.Connection, *, before_ms: int) -> int:
    """Deletes blocks acknowledged before a moment; returns how many."""
    firsts = db.execute("DELETE FROM block WHERE acked_at < ? RETURNING first", (before_ms,)).fetchall()
    db.executemany("DELETE FROM payload WHERE first = ?", firsts)
    return len(firsts)


def make_room(db: sqlite3.Connection, *, max_bytes: int, now_ms: int) -> list[SequenceRange]:
    """Brings the file below its limit; returns what was dropped without a receipt."""
    while used_bytes(db) > max_bytes * ACKED_SHARE and _forget_acked(db):
        pass
    dropped: list[SequenceRange] = []
    for candidates in (_telemetry(db), _thinned(db), _oldest(db)):
        while used_bytes(db) > max_bytes and (heads := list(islice(candidates, _STEP_BLOCKS))):
            drop(db, heads, reason=gaps.SPOOL_FULL, now_ms=now_ms)
            dropped += [SequenceRange(first=head[0], last=head[1]) for head in heads]
    return dropped


def drop(db: sqlite3.Connection, heads: Sequence[Head], *, reason: str, now_ms: int) -> None:
    """Deletes blocks without receipt; gap records say what they held."""
    gaps.record_blocks(db, heads, reason=reason, now_ms=now_ms)
    _delete(db, [(head[0],) for head in heads])


def head_of(db: sqlite3.Connection, first: int) -> Head | None:
    """What is known of a block besides its readings."""
    row: Head | None = db.execute(f"SELECT {_HEAD} FROM block WHERE first = ?", (first,)).fetchone()  # noqa: S608  (no input in it)
    return row


def _forget_acked(db: sqlite3.Connection) -> bool:
    """Deletes some of the oldest acknowledged blocks; False where there are none."""
    acked = db.execute("SELECT first FROM block WHERE acked_at IS NOT NULL ORDER BY first LIMIT ?", (_STEP_BLOCKS,)).fetchall()
    _delete(db, acked)
    return bool(acked)


def _telemetry(db: sqlite3.Connection) -> Iterator[Head]:
    return _heads(db, "amounts = 0 AND historical = 0")


def _thinned(db: sqlite3.Connection) -> Iterator[Head]:
    """Of each device's blocks of a quarter hour all but the last, oldest first."""
    live = list(_heads(db, "historical = 0"))
    last = {(device, created_ms // _QUARTER_HOUR_MS): first for first, _, device, created_ms, _ in live}
    for head in live:
        if last[head[2], head[3] // _QUARTER_HOUR_MS] != head[0]:
            yield head


def _oldest(db: sqlite3.Connection) -> Iterator[Head]:
    return _heads(db, "TRUE")


def _heads(db: sqlite3.Connection, where: str) -> Iterator[Head]:
    """Blocks without receipt in the order of their numbers, fetched step by step: they may be deleted meanwhile."""
    after = 0
    while True:
        rows: list[Head] = db.execute(
            f"SELECT {_HEAD} FROM block WHERE acked_at IS NULL AND first > ? AND {where} ORDER BY first LIMIT ?",  # noqa: S608  (no input in it)
            (after, _STEP_BLOCKS),
        ).fetchall()
        if not rows:
            return
        yield from rows
        after = rows[-1][0]


def _delete(db: sqlite3.Connection, firsts: Sequence[tuple[int]]) -> None:
    db.executemany("DELETE FROM payload WHERE first = ?", firsts)
    db.executemany("DELETE FROM block WHERE first = ?", firsts)
