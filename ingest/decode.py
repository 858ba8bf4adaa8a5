"""Readings of one payload → rows that can be written, and dead letters for the rest. Pure.

rows + the lengths of the letters' ranges = the length of the block's range: every number ends in one of the two
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.delivery import BlockRows, DeadLetter, GapRecord, SequenceRange, Stream
from domain.ports import ChannelRow
from domain.readings import Quality
from ingest.channels import Fault
from ingest.quality import ClockLimits, Times, by_age, judge_times, judge_values
from ingest.reasons import Reason, letter
from ingest.wire import Columns, Readings, columns
from protocols.sparkplug.payload import MAX_INT64
from protocols.sparkplug.schema import payload_class

_ACCEPTED = 0
_REFUSALS = (Reason.TYPE_MISMATCH, Reason.LATE_READING, Reason.OUT_OF_RANGE)
_NO_CHANNEL = len(_REFUSALS) + 1
_FAULTS = _NO_CHANNEL + 1
"""Codes from here on stand for the fault of label ``code - _FAULTS`` and of every other label with the same reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a label stands for."""

    metric: str
    datatype: int
    """As declared at birth; 0 where no birth said it."""
    channels: tuple[ChannelRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a payload came from and when."""

    edge: str
    device: str
    topic: str
    payload: bytes
    received_ms: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decoded:
    """Rows of one payload, and what its clock was like."""

    rows: BlockRows
    skewed: int
    """Readings whose time is counted from that of receipt."""
    worst_skew_ms: int
    """How far the farthest of them lay ahead [ms]."""
    not_finite: int
    """Readings stored without their value, because it was NaN or infinite."""


def decode(readings: Readings, targets: Sequence[Target | Fault], origin: Origin, limits: ClockLimits) -> Decoded:
    """The rows of a payload whose labels were looked up.

    Args:
        readings: What the payload holds.
        targets: What each of ``readings.labels`` stands for.
        origin: Where it came from; its payload is kept with the first dead letter.
        limits: How far a clock may be off.
    """
    found = columns(readings, [0 if isinstance(t, Fault) else t.datatype for t in targets])
    times = judge_times(readings.time_ms, origin.received_ms, limits)
    doubtful = bool(times.skewed.any())
    if doubtful:
        sent_ms = sent_at(origin.payload)
        times = by_age(times, readings.time_ms, readings.which, now_ms=origin.received_ms, sent_ms=sent_ms, limits=limits)
    point_id, resolution, low, high, assigned = _channels(readings.which, times.time_ms, targets)
    values = judge_values(found.value, found.null, found.quality, resolution, low, high)

    code = np.full(len(readings), _ACCEPTED, dtype=np.int64)
    code[values.out_of_range] = 1 + _REFUSALS.index(Reason.OUT_OF_RANGE)
    code[times.late] = 1 + _REFUSALS.index(Reason.LATE_READING)
    code[found.mismatch] = 1 + _REFUSALS.index(Reason.TYPE_MISMATCH)
    code[~assigned] = _NO_CHANNEL
    leaders: dict[str, int] = {}
    for k, target in enumerate(targets):
        if isinstance(target, Fault):
            code[readings.which == k] = _FAULTS + leaders.setdefault(target.reason, k)

    kept = code == _ACCEPTED
    quality = np.where(times.skewed & (values.quality != Quality.BAD), np.int16(Quality.CLOCK), values.quality)
    first = 1 if readings.numbers is None else readings.numbers.first
    sequence = first + np.arange(len(readings), dtype=np.int64)
    rows = BlockRows(
        stream=readings.stream,
        edge=origin.edge,
        range=readings.numbers,
        sequence=sequence[kept],
        point_id=point_id[kept],
        time_ms=times.time_ms[kept],
        counts=values.counts[kept],
        quality=quality[kept],
        device_ms=readings.time_ms[kept] if doubtful else None,
        dead=() if kept.all() else _letters(readings, code, origin, _words(readings, found, targets, times, origin)),
    )
    skewed = times.skewed & kept
    ahead = worst_ahead(readings.time_ms[skewed], origin.received_ms)
    not_finite = int((~np.isfinite(found.value) & ~found.null & kept).sum())
    return Decoded(rows=rows, skewed=int(skewed.sum()), worst_skew_ms=ahead, not_finite=not_finite)


def worst_ahead(device_ms: NDArray[np.int64], now_ms: int) -> int:
    """How far the farthest of some times lies ahead [ms]; 0 where none was given or none does."""
    return max(0, int(device_ms.max()) - now_ms) if device_ms.size else 0


def sent_at(payload: bytes) -> int | None:
    """When a payload that was read before says that it was sent [ms since 1970 UTC], by the sender's clock."""
    message = payload_class().FromString(payload)
    return min(int(message.timestamp), MAX_INT64) if message.HasField("timestamp") else None


def refused_block(
    stream: Stream, numbers: SequenceRange, reason: str, detail: str, *, topic: str = "", payload: bytes = b""
) -> BlockRows:
    """A block of no rows and one dead letter that covers all of its numbers: it moves the ledger, so the gateway may go on."""
    covering = letter(
        reason, detail, edge=stream.edge, topic=topic, payload=payload, epoch=stream.epoch, first=numbers.first, last=numbers.last
    )
    return _without_rows(stream, numbers, dead=(covering,))


def gap_block(stream: Stream, gap: GapRecord) -> BlockRows:
    """Numbers that the gateway had to drop, as a block that moves the ledger."""
    return _without_rows(stream, gap.range, gap=gap)


def _without_rows(
    stream: Stream, numbers: SequenceRange, *, dead: tuple[DeadLetter, ...] = (), gap: GapRecord | None = None
) -> BlockRows:
    none = np.empty(0, dtype=np.int64)
    return BlockRows(
        stream=stream,
        edge=stream.edge,
        range=numbers,
        sequence=none,
        point_id=none.astype(np.int32),
        time_ms=none,
        counts=none,
        quality=none.astype(np.int16),
        dead=dead,
        gap=gap,
    )


def _channels(
    which: NDArray[np.intp], time_ms: NDArray[np.int64], targets: Sequence[Target | Fault]
) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Point, resolution, low, high of each reading, and whether a channel was valid at its time."""
    n = which.shape[0]
    point_id = np.zeros(n, dtype=np.int32)
    resolution, low, high = np.ones(n), np.full(n, np.nan), np.full(n, np.nan)
    assigned = np.zeros(n, dtype=np.bool_)
    for k, target in enumerate(targets):
        if isinstance(target, Fault):
            continue
        mine = which == k
        for row in target.channels:
            valid = mine
            if row.valid_from_ms is not None:
                valid = valid & (time_ms >= row.valid_from_ms)
            if row.valid_to_ms is not None:
                valid = valid & (time_ms < row.valid_to_ms)
            point_id[valid] = row.point_id
            resolution[valid] = row.resolution
            low[valid] = np.nan if row.low is None else row.low
            high[valid] = np.nan if row.high is None else row.high
            assigned |= valid
    return point_id, resolution, low, high, assigned


def _words(
    readings: Readings, found: Columns, targets: Sequence[Target | Fault], times: Times, origin: Origin
) -> Callable[[int, int], tuple[Reason, str]]:
    """A function (code, index of the first reading) → reason and detail of a letter."""

    def words(code: int, i: int) -> tuple[Reason, str]:
        target = targets[int(readings.which[i])]
        if isinstance(target, Fault):
            alike = dict.fromkeys(t.detail for t in targets if isinstance(t, Fault) and t.reason == target.reason)
            return target.reason, "; ".join(alike)
        metric, at_ms = target.metric, int(readings.time_ms[i])
        if code == _NO_CHANNEL:
            detail = f"metric {metric!r} of device {origin.device!r} feeds no point at {int(times.time_ms[i])} ms"
            return Reason.UNKNOWN_METRIC, detail
        reason = _REFUSALS[code - 1]
        match reason:
            case Reason.TYPE_MISMATCH:
                declared = f"the birth declared {target.datatype}" if target.datatype else "a number was expected"
                return reason, f"metric {metric!r} came with datatype {int(found.datatype[i])}; {declared}"
            case Reason.LATE_READING:
                detail = f"metric {metric!r} observed at {at_ms} ms, before 2000 or past the retention"
                return reason, f"{detail}; received at {origin.received_ms} ms"
            case _:
                return reason, f"metric {metric!r} = {float(found.value[i])!r}: more than 2**53 steps of the point's resolution"

    return words


def _letters(
    readings: Readings, code: NDArray[np.int64], origin: Origin, words: Callable[[int, int], tuple[Reason, str]]
) -> tuple[DeadLetter, ...]:
    """One letter for each run of readings refused for one reason; the first carries the payload for all."""
    starts = np.flatnonzero(np.diff(code, prepend=-1))
    ends = np.append(starts[1:], code.shape[0]) - 1
    letters: list[DeadLetter] = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        if code[start] == _ACCEPTED:
            continue
        reason, detail = words(int(code[start]), start)
        letters.append(
            letter(
                reason,
                detail,
                edge=origin.edge,
                topic=origin.topic,
                payload=b"" if letters else origin.payload,
                epoch=readings.stream.epoch if readings.stream else None,
                first=readings.numbers.first + start if readings.numbers else None,
                last=readings.numbers.first + end if readings.numbers else None,
            )
        )
    return tuple(letters)
