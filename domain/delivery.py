"""Delivery: blocks of readings, the ledger of what is committed, and receipts.

    spool at the edge: sequence 1..n ── block [first, last] ──▶ ingest ── one transaction: rows + ledger ──▶ COMMIT
                                   ◀── receipt: committed prefix and the ranges above it ──────────────────────┘

A sequence number stands for one reading. The ledger keeps, per (edge, epoch), the set of committed numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

NULL_COUNT = np.iinfo(np.int64).min
"""Stands for "no value" in ``BlockRows.counts``; stored as SQL NULL."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Stream:
    """One life of one gateway's spool: numbers are unique within it."""

    edge: str
    """``group/node``"""
    epoch: int
    """Random 62-bit number made with the spool."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceRange:
    """Sequence numbers first..last, both included."""

    first: int
    last: int

    def __post_init__(self) -> None:
        if not 1 <= self.first <= self.last:
            raise ValueError(f"sequence range {self.first}..{self.last} must satisfy 1 <= first <= last")

    def __len__(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class GapPoint:
    """How many readings of one point a gap has swallowed."""

    device: str
    """Empty where it is not known."""
    metric: str
    readings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GapRecord:
    """Numbers that a gateway had to drop: they will never come."""

    range: SequenceRange
    reason: str
    """``spool_full``, ``damaged`` or ``purged``."""
    at_ms: int
    """When they were dropped, by the gateway's clock [ms since 1970 UTC]."""
    from_ms: int | None = None
    to_ms: int | None = None
    """Oldest and newest observation among them; None where nothing is known."""
    points: tuple[GapPoint, ...] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """Something that could not become a reading, kept with its reason."""

    edge: str
    reason: str
    """Stable code, e.g. ``unknown_device``."""
    detail: str
    topic: str = ""
    payload: bytes = b""
    epoch: int | None = None
    first: int | None = None
    last: int | None = None
    received_ms: int | None = None
    """When the message came, process time [ms since 1970 UTC]; a replay judges device clocks by it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BlockRows:
    """A decoded block, as arrays of one shape (N,), ready to be written.

    ``len(rows) + sum(len of dead letters' ranges)`` equals the length of ``range`` for acknowledged blocks.
    """

    stream: Stream | None
    """None for devices without receipts (``unacked``)."""
    range: SequenceRange | None
    sequence: NDArray[np.int64]
    point_id: NDArray[np.int32]
    time_ms: NDArray[np.int64]
    """Milliseconds since 1970 UTC."""
    counts: NDArray[np.int64]
    """Whole numbers of the point's resolution, or ``NULL_COUNT``."""
    quality: NDArray[np.int16]
    dead: tuple[DeadLetter, ...] = field(default_factory=tuple)
    edge: str = ""
    """``group/node`` of the sender where there is no stream; else ``stream.edge`` says it."""
    gap: GapRecord | None = None
    """Numbers of ``range`` that the gateway had to drop; then there are no rows and no dead letters."""
    device_ms: NDArray[np.int64] | None = None
    """What the device said the time was, where any of them was not believed, else None; negative where it said none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the database has committed of a stream."""

    stream: Stream
    committed: int
    """Every number from 1 to this one is committed; 0 if none."""
    above: tuple[SequenceRange, ...] = field(default_factory=tuple)
    """Committed ranges beyond ``committed + 1``, ascending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteResult:
    """What one transaction did."""

    stored: int
    """Rows newly in the readings table."""
    skipped: int
    """Rows the ledger already had: a resend."""
    conflicts: int
    """Rows whose (point, time) was taken by another value: dead-lettered as ``conflict``."""
    dead_letters: int
    """Readings that ended as dead letters, conflicts included."""
    receipts: tuple[Receipt, ...]
    dropped: int = 0
    """Numbers that gateways say they had to drop, and that were not committed before."""
    rejected: int = 0
    """Rows that the database itself refused: dead-lettered as ``sql_rejected``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasBinding:
    """What a birth certificate says: alias → metric of a device. ``device`` is empty for the node itself."""

    stream: Stream
    alias: int
    device: str
    metric: str
    datatype: int
