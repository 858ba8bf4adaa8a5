"""Room in the spool: what goes when it must, and the record it leaves.

Thin: when the file is full the oldest acknowledged blocks go first, then the oldest blocks whatever they hold, each with a gap
record. Thinning out slow classes first comes later.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from domain.delivery import SequenceRange

_STEP_BLOCKS = 256


def used_bytes(db: sqlite3.Connection) -> int:
    """Bytes of the file that hold something; deleted pages are used again before the file grows."""
    pages, free, size = (int(db.execute(f"PRAGMA {p}").fetchone()[0]) for p in ("page_count", "freelist_count", "page_size"))
    return (pages - free) * size


def purge_acked(db: sqlite3.Connection, *, before_ms: int) -> int:
    """Deletes blocks acknowledged before a moment; returns how many."""
    firsts = db.execute("DELETE FROM block WHERE acked_at < ? RETURNING first", (before_ms,)).fetchall()
    db.executemany("DELETE FROM payload WHERE first = ?", firsts)
    return len(firsts)


def make_room(db: sqlite3.Connection, *, max_bytes: int, now_ms: int) -> list[SequenceRange]:
    """Brings the file below its limit; returns what was dropped without a receipt."""
    dropped: list[SequenceRange] = []
    while used_bytes(db) > max_bytes:
        acked = db.execute("SELECT first FROM block WHERE acked_at IS NOT NULL ORDER BY first LIMIT ?", (_STEP_BLOCKS,)).fetchall()
        if acked:
            _delete(db, acked)
            continue
        rows = db.execute("SELECT first, last FROM block ORDER BY first LIMIT ?", (_STEP_BLOCKS,)).fetchall()
        if not rows:
            break
        ranges = [SequenceRange(first=first, last=last) for first, last in rows]
        drop(db, ranges, reason="spool_full", now_ms=now_ms)
        dropped.extend(ranges)
    return dropped


def drop(db: sqlite3.Connection, ranges: Sequence[SequenceRange], *, reason: str, now_ms: int) -> None:
    """Deletes blocks without receipt and writes a gap record for each."""
    _delete(db, [(r.first,) for r in ranges])
    db.executemany("INSERT OR REPLACE INTO gap VALUES (?, ?, ?, ?)", [(r.first, r.last, reason, now_ms) for r in ranges])


def _delete(db: sqlite3.Connection, firsts: Sequence[tuple[int]]) -> None:
    db.executemany("DELETE FROM payload WHERE first = ?", firsts)
    db.executemany("DELETE FROM block WHERE first = ?", firsts)
