"""What goes beside the readings of a batch: numbers that gateways had to drop, and what devices with a wrong clock said.

Nearly every batch has neither; then nothing here speaks to the database.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from psycopg import AsyncConnection

from domain.delivery import BlockRows, GapRecord, Stream
from storage.batch import Settled
from storage.dead_letters import moment, plain_text
from storage.ledger import is_possible
from storage.reading_rows import Rows
from storage.sequence_set import SequenceSet
from storage.sql import queries

_Q = queries("gaps")
_INT8 = 2**63


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Beside:
    """What some blocks bring besides readings and letters."""

    gaps: tuple[tuple[Stream, GapRecord], ...] = ()
    device_ms: Mapping[tuple[int, int], int] = field(default_factory=dict)
    """(point, time) of a row → what the device said the time was."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dropped:
    """A gap record, and those of its numbers that nothing else has committed."""

    stream: Stream
    record: GapRecord
    numbers: SequenceSet


def beside(blocks: Sequence[BlockRows]) -> Beside:
    """The gap records and the device times of these blocks."""
    gaps = tuple((b.stream, b.gap) for b in blocks if b.gap is not None and b.stream is not None and is_possible(b.stream))
    device_ms: dict[tuple[int, int], int] = {}
    for block in blocks:
        if block.device_ms is not None:
            for i in np.flatnonzero(block.device_ms != block.time_ms).tolist():
                device_ms[int(block.point_id[i]), int(block.time_ms[i])] = int(block.device_ms[i])
    return Beside(gaps=gaps, device_ms=device_ms)


def settle_gaps(settled: Settled, found: Beside, ledger: Mapping[Stream, SequenceSet]) -> tuple[Dropped, ...]:
    """Commits the numbers of gap records, after those of readings and letters; each number is dropped once."""
    dropped: list[Dropped] = []
    of = {sender: number for number, sender in enumerate(settled.batch.senders)}
    for stream, record in found.gaps:
        number = of[stream]
        numbers = SequenceSet.of([(record.range.first, record.range.last + 1)]) - ledger[stream] - settled.committing[number]
        settled.skipped += len(record.range) - len(numbers)
        if len(numbers):
            settled.committing[number] |= numbers
            dropped.append(Dropped(stream=stream, record=record, numbers=numbers))
    return tuple(dropped)


async def save(connection: AsyncConnection, dropped: Sequence[Dropped], found: Beside, settled: Settled, stored: Rows) -> None:
    """Keeps gap records, and device times of rows that are new, in the caller's transaction."""
    parts = [(d, part) for d in dropped for part in d.numbers.ranges_above(0)]
    if parts:
        await connection.execute(_Q["save_gaps"], _gap_columns(parts))
    if found.device_ms:
        columns = _clock_columns(found, settled, stored)
        if columns["points"]:
            await connection.execute(_Q["save_clock_notes"], columns)


def _gap_columns(parts: Sequence[tuple[Dropped, Any]]) -> dict[str, list[Any]]:
    records = [d.record for d, _ in parts]
    return {
        "edges": [d.stream.edge for d, _ in parts],
        "epochs": [d.stream.epoch for d, _ in parts],
        "firsts": [part.first for _, part in parts],
        "lasts": [part.last for _, part in parts],
        "reasons": [plain_text(r.reason) for r in records],
        "at": [moment(r.at_ms) for r in records],
        "from_times": [moment(r.from_ms) for r in records],
        "to_times": [moment(r.to_ms) for r in records],
        "points": [json.dumps([[plain_text(p.device), plain_text(p.metric), p.readings] for p in r.points]) for r in records],
    }


def _clock_columns(found: Beside, settled: Settled, stored: Rows) -> dict[str, list[Any]]:
    keys = list(zip(stored.point_id.tolist(), stored.time_ms.tolist(), stored.stream.tolist(), strict=True))
    noted = [(point, at, sender) for point, at, sender in keys if (point, at) in found.device_ms]
    senders = [settled.batch.senders[sender] for _, _, sender in noted]
    return {
        "points": [point for point, _, _ in noted],
        "times": [moment(at) for _, at, _ in noted],
        "device_ms": [min(max(found.device_ms[point, at], -1), _INT8 - 1) for point, at, _ in noted],
        "edges": [sender.edge if isinstance(sender, Stream) else sender for sender in senders],
    }
