"""What a receipt does to the spool.

A receipt names all that is committed: a prefix and ranges above it. Blocks inside become acknowledged. If it does *not* name a
block that an earlier receipt did, the database has been restored from an older copy (or a newer receipt overtook this one): after a
few such receipts in a row the blocks become unacknowledged again, gap records are told again, and what is no longer held becomes a
gap record. Sending too much is harmless, the ledger skips it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from domain.delivery import Receipt, SequenceRange
from edge import gaps

MAX_RANGES = 64
"""A receipt names at most this many ranges; beyond the last of a full list nothing is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What changed."""

    acked: tuple[int, ...] = ()
    """First numbers of the blocks newly acknowledged."""
    acked_readings: int = 0
    reopened_blocks: int = 0
    """Blocks that count as unacknowledged again."""
    reopened_readings: int = 0
    lost: int = 0
    """Readings the database has forgotten and the spool no longer holds."""
    gaps_changed: bool = False
    """Gap records were told, are to be told again, or have come into being."""


class RewindGuard:
    """Tells a restored database from a receipt that came late: the former contradicts again and again."""

    def __init__(self, *, confirmations: int) -> None:
        self._confirmations = confirmations
        self._seen = 0

    def observe(self, *, contradicts: bool) -> bool:
        """True when enough contradicting receipts came in a row."""
        self._seen = self._seen + 1 if contradicts else 0
        if self._seen < self._confirmations:
            return False
        self._seen = 0
        return True


def missing(receipt: Receipt, high_water: int) -> tuple[SequenceRange, ...]:
    """Numbers from 1 to ``high_water`` that the receipt does not name as committed, ascending."""
    holes, start = [], receipt.committed + 1
    for known in receipt.above:
        if known.first > start:
            holes.append(SequenceRange(first=start, last=known.first - 1))
        start = max(start, known.last + 1)
    if len(receipt.above) < MAX_RANGES and start <= high_water:
        holes.append(SequenceRange(first=start, last=high_water))
    return tuple(holes)


def apply(
    db: sqlite3.Connection, receipt: Receipt, *, guard: RewindGuard, high_water: int, depth_readings: int, now_ms: int
) -> Applied:
    """Marks and, where the database forgot, unmarks blocks; inside the caller's transaction.

    Args:
        db: The spool's.
        receipt: Of the spool's epoch.
        guard: Tells a restored database from a late receipt.
        high_water: The last number that was given.
        depth_readings: Readings in blocks without receipt, before this one.
        now_ms: Process time.
    """
    acked = _acknowledge(db, receipt, now_ms)
    told = gaps.acknowledge(db, _named(receipt), now_ms=now_ms)
    holes = [_whole_blocks(db, hole) for hole in missing(receipt, high_water)]
    contradicts = any(_acked_inside(db, hole) or gaps.told_inside(db, hole) for hole in holes)
    contradicts |= _names_too_few(db, receipt, high_water=high_water, unacked=depth_readings - _size(acked))
    reopened: list[tuple[int, int]] = []
    lost = untold = 0
    if guard.observe(contradicts=contradicts):
        for hole in holes:
            reopened += _reopen(db, hole)
            untold += gaps.reopen(db, hole)
            lost += _record_lost(db, hole, now_ms)
    return Applied(
        acked=tuple(first for first, _ in acked),
        acked_readings=_size(acked),
        reopened_blocks=len(reopened),
        reopened_readings=_size(reopened),
        lost=lost,
        gaps_changed=bool(told or untold or lost),
    )


def _acknowledge(db: sqlite3.Connection, receipt: Receipt, now_ms: int) -> list[tuple[int, int]]:
    acked: list[tuple[int, int]] = []
    for first, last in _named(receipt):
        acked += db.execute(
            "UPDATE block SET acked_at = ? WHERE acked_at IS NULL AND first BETWEEN ? AND ? AND last <= ? RETURNING first, last",
            (now_ms, first, last, last),
        ).fetchall()
    return acked


def _named(receipt: Receipt) -> list[tuple[int, int]]:
    return [(1, receipt.committed), *((r.first, r.last) for r in receipt.above)]


def _names_too_few(db: sqlite3.Connection, receipt: Receipt, *, high_water: int, unacked: int) -> bool:
    """Whether a receipt names fewer numbers than were ever acknowledged: what has been deleted since may be forgotten too."""
    if len(receipt.above) >= MAX_RANGES:
        return False  # more may be committed than it could name
    named = receipt.committed + sum(len(r) for r in receipt.above)
    return named < high_water - unacked - gaps.untold_readings(db)


def _whole_blocks(db: sqlite3.Connection, hole: SequenceRange) -> SequenceRange:
    """The hole, begun earlier where a block reaches into it: blocks are disjoint, so there is at most one."""
    row = db.execute("SELECT first, last FROM block WHERE first < ? ORDER BY first DESC LIMIT 1", (hole.first,)).fetchone()
    return hole if row is None or row[1] < hole.first else SequenceRange(first=row[0], last=hole.last)


def _acked_inside(db: sqlite3.Connection, hole: SequenceRange) -> bool:
    query = "SELECT 1 FROM block WHERE acked_at IS NOT NULL AND first BETWEEN ? AND ? LIMIT 1"
    return db.execute(query, (hole.first, hole.last)).fetchone() is not None


def _reopen(db: sqlite3.Connection, hole: SequenceRange) -> list[tuple[int, int]]:
    return db.execute(
        "UPDATE block SET acked_at = NULL WHERE acked_at IS NOT NULL AND first BETWEEN ? AND ? RETURNING first, last",
        (hole.first, hole.last),
    ).fetchall()


def _record_lost(db: sqlite3.Connection, hole: SequenceRange, now_ms: int) -> int:
    """Gap records for what was forgotten and purged here: numbers of a hole in no block and no gap; returns how many."""
    held = db.execute(
        """SELECT first, last FROM (SELECT first, last FROM block UNION ALL SELECT first, last FROM gap)
           WHERE first <= ? AND last >= ? ORDER BY first""",
        (hole.last, hole.first),
    ).fetchall()
    lost: list[SequenceRange] = []
    at = hole.first
    for first, last in [*held, (hole.last + 1, hole.last + 1)]:
        if first > at:
            lost.append(SequenceRange(first=at, last=first - 1))
        at = max(at, last + 1)
    gaps.record_unknown(db, lost, reason=gaps.PURGED, now_ms=now_ms)
    return sum(len(r) for r in lost)


def _size(ranges: Sequence[tuple[int, int]]) -> int:
    return sum(last - first + 1 for first, last in ranges)
