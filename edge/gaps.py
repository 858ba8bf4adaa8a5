"""Gap records: what the gateway had to drop, told to the centre by the road of the readings themselves.

    drop ──▶ row of ``gap`` ──▶ NDATA with Spool/Gap ──▶ ledger: these numbers will never come ──▶ receipt ──▶ told

Rows are kept for good: a database restored from an older copy is told again.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from domain.delivery import GapPoint, GapRecord, SequenceRange
from edge.readings import READING

SPOOL_FULL, DAMAGED, PURGED = "spool_full", "damaged", "purged"
"""No room for it; unreadable on the disk; forgotten by a restored database after the gateway had let it go."""
MOST_POINTS = 50
"""Points that one record names; the rest of its readings are counted without a name."""

Head = tuple[int, int, str, int, int]
"""first, last, device, created_ms, crc of a block."""


@dataclass(slots=True, kw_only=True)
class _Loss:
    first: int
    last: int
    from_ms: int | None = None
    to_ms: int | None = None
    points: Counter[tuple[str, str]] = field(default_factory=Counter)

    def join(self, later: _Loss) -> None:
        """Takes in what follows without a hole."""
        self.last = later.last
        times = [t for t in (self.from_ms, self.to_ms, later.from_ms, later.to_ms) if t is not None]
        self.from_ms, self.to_ms = min(times, default=None), max(times, default=None)
        self.points.update(later.points)


def record_blocks(db: sqlite3.Connection, heads: Sequence[Head], *, reason: str, now_ms: int) -> None:
    """Notes blocks that are about to be deleted, before they are: which readings of which points, from when to when."""
    metrics = {int(alias): str(metric) for alias, metric in db.execute("SELECT id, metric FROM channel")}
    _record(db, [_loss_of(db, head, metrics) for head in heads], reason=reason, now_ms=now_ms)


def record_unknown(db: sqlite3.Connection, ranges: Iterable[SequenceRange], *, reason: str, now_ms: int) -> None:
    """Notes numbers of which nothing is known any more."""
    _record(
        db, [_Loss(first=r.first, last=r.last, points=Counter({("", ""): len(r)})) for r in ranges], reason=reason, now_ms=now_ms
    )


def untold(db: sqlite3.Connection, *, limit: int) -> tuple[GapRecord, ...]:
    """Records without a receipt, the oldest numbers first."""
    rows = db.execute(
        "SELECT first, last, reason, at_ms, from_ms, to_ms, points FROM gap WHERE acked_at IS NULL ORDER BY first LIMIT ?", (limit,)
    )
    return tuple(
        GapRecord(
            range=SequenceRange(first=first, last=last),
            reason=reason,
            at_ms=at_ms,
            from_ms=from_ms,
            to_ms=to_ms,
            points=tuple(GapPoint(device=device, metric=metric, readings=n) for device, metric, n in json.loads(points)),
        )
        for first, last, reason, at_ms, from_ms, to_ms, points in rows
    )


def count_untold(db: sqlite3.Connection) -> int:
    """Records without a receipt."""
    return int(db.execute("SELECT count(*) FROM gap WHERE acked_at IS NULL").fetchone()[0])


def untold_readings(db: sqlite3.Connection) -> int:
    """Readings in records without a receipt."""
    return int(db.execute("SELECT coalesce(sum(last - first + 1), 0) FROM gap WHERE acked_at IS NULL").fetchone()[0])


def acknowledge(db: sqlite3.Connection, named: Iterable[tuple[int, int]], *, now_ms: int) -> int:
    """Marks the records whose numbers a receipt names; returns how many."""
    query = "UPDATE gap SET acked_at = ? WHERE acked_at IS NULL AND first BETWEEN ? AND ? AND last <= ?"
    return sum(db.execute(query, (now_ms, first, last, last)).rowcount for first, last in named)


def told_inside(db: sqlite3.Connection, hole: SequenceRange) -> bool:
    """Whether a record with a receipt lies in a hole of a later receipt."""
    query = "SELECT 1 FROM gap WHERE acked_at IS NOT NULL AND first <= ? AND last >= ? LIMIT 1"
    return db.execute(query, (hole.last, hole.first)).fetchone() is not None


def reopen(db: sqlite3.Connection, hole: SequenceRange) -> int:
    """The centre has forgotten these records: they are to be told again; returns how many."""
    query = "UPDATE gap SET acked_at = NULL WHERE acked_at IS NOT NULL AND first <= ? AND last >= ?"
    return int(db.execute(query, (hole.last, hole.first)).rowcount)


def _loss_of(db: sqlite3.Connection, head: Head, metrics: dict[int, str]) -> _Loss:
    first, last, device, created_ms, crc = head
    row = db.execute("SELECT readings FROM payload WHERE first = ?", (first,)).fetchone()
    size = last - first + 1
    if row is None or zlib.crc32(row[0]) != crc or len(row[0]) != size * READING.itemsize:
        return _Loss(first=first, last=last, from_ms=created_ms, to_ms=created_ms, points=Counter({(device, ""): size}))
    rows = np.frombuffer(row[0], dtype=READING)
    aliases, counts = np.unique(rows["channel"], return_counts=True)
    points = {(device, metrics.get(a, "")): n for a, n in zip(aliases.tolist(), counts.tolist(), strict=True)}
    times = rows["time_ms"]
    return _Loss(first=first, last=last, from_ms=int(times.min()), to_ms=int(times.max()), points=Counter(points))


def _record(db: sqlite3.Connection, losses: Sequence[_Loss], *, reason: str, now_ms: int) -> None:
    """Neighbours become one record, also with one that waits already: a receipt can name only so many ranges."""
    joined: list[_Loss] = []
    for loss in sorted(losses, key=lambda one: one.first):
        if joined and joined[-1].last + 1 == loss.first:
            joined[-1].join(loss)
        else:
            joined.append(loss)
    for loss in joined:
        before = db.execute(
            "SELECT first, last, from_ms, to_ms, points FROM gap WHERE last = ? AND reason = ? AND acked_at IS NULL",
            (loss.first - 1, reason),
        ).fetchone()
        if before is not None:
            points = Counter({(device, metric): n for device, metric, n in json.loads(before[4])})
            whole = _Loss(first=before[0], last=before[1], from_ms=before[2], to_ms=before[3], points=points)
            whole.join(loss)
            loss = whole  # noqa: PLW2901  (the whole takes the place of its part)
        db.execute(
            "INSERT OR REPLACE INTO gap (first, last, reason, at_ms, from_ms, to_ms, points) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (loss.first, loss.last, reason, now_ms, loss.from_ms, loss.to_ms, json.dumps(_named(loss.points))),
        )


def _named(points: Counter[tuple[str, str]]) -> list[tuple[str, str, int]]:
    """Those with the most readings by name, the rest as one without."""
    named = [(device, metric, n) for (device, metric), n in points.most_common(MOST_POINTS) if device]
    rest = points.total() - sum(n for _, _, n in named)
    return [*named, ("", "", rest)] if rest else named
