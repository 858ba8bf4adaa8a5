"""Messages of other people's devices as rows without receipts, by the inventory. Pure.

topic ──▶ source ──▶ decoder ──▶ readings ──channels──▶ rows of gateway ``mqtt/<source>``, and dead letters for the rest

A device that is not in the inventory is a dead letter, to be adopted. A field that no rule of the source names and that feeds no
point is left out without a word: such devices send much that nobody asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from domain.delivery import BlockRows, DeadLetter
from domain.errors import DecodeError
from domain.ports import ChannelRow
from domain.readings import Quality
from ingest.channels import ChannelTable, Fault
from ingest.decode import Decoded, worst_ahead
from ingest.quality import ClockLimits, by_age, judge_times, judge_values
from ingest.reasons import Reason, letter
from protocols.foreign.model import ForeignReading, Message, Source
from protocols.foreign.table import DECODERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """A message and the source that it is of."""

    source: Source
    parts: Mapping[str, str]


@dataclass(slots=True, kw_only=True)
class _Refused:
    """Details by reason, each once, in the order they came."""

    details: dict[str, dict[str, None]] = field(default_factory=dict)

    def add(self, reason: str, detail: str) -> None:
        self.details.setdefault(reason, {})[detail] = None

    def letters(self, source: Source, topic: str, payload: bytes) -> tuple[DeadLetter, ...]:
        """One letter a reason; the first holds the message."""
        return tuple(
            letter(reason, "; ".join(details), edge=source.edge, topic=topic, payload=payload if i == 0 else b"")
            for i, (reason, details) in enumerate(self.details.items())
        )


def match(sources: Sequence[Source], topic: str) -> Matched | None:
    """The first source whose pattern fits the topic."""
    for source in sources:
        parts = source.topic.match(topic)
        if parts is not None:
            return Matched(source=source, parts=parts)
    return None


def decode_foreign(
    matched: Matched, topic: str, payload: bytes, *, channels: ChannelTable, now_ms: int, limits: ClockLimits, max_readings: int
) -> Decoded | None:
    """The rows and letters of one message; None where it says nothing.

    Raises:
        DecodeError: It cannot be read as a whole.
    """
    source = matched.source
    decoded = DECODERS[source.format](Message(source=source, parts=matched.parts, payload=payload, received_ms=now_ms))
    if len(decoded.readings) > max_readings:
        raise DecodeError(Reason.OVERSIZE, f"message with {len(decoded.readings)} readings; the limit is {max_readings}")
    if not decoded.readings and not decoded.faults:
        return None
    refused = _Refused()
    for fault in decoded.faults:
        refused.add(fault.reason, fault.detail)
    resolved = _resolve(source, decoded.readings, channels, refused)
    return _rows(source, topic, payload, resolved, refused, now_ms, limits)


def _resolve(
    source: Source, readings: Sequence[ForeignReading], channels: ChannelTable, refused: _Refused
) -> list[tuple[ForeignReading, tuple[ChannelRow, ...]]]:
    """Readings with the channels their metric has ever been."""
    resolved: list[tuple[ForeignReading, tuple[ChannelRow, ...]]] = []
    unasked = _Refused()
    for reading in readings:
        found = channels.find(source.edge, reading.device, reading.metric)
        if not isinstance(found, Fault):
            resolved.append((reading, found))
        elif found.reason is Reason.UNKNOWN_METRIC and not source.metrics:
            unasked.add(found.reason, found.detail)
        else:
            refused.add(found.reason, found.detail)
    if not resolved:
        for reason, details in unasked.details.items():
            for detail in details:
                refused.add(reason, detail)
    return resolved


def _rows(
    source: Source,
    topic: str,
    payload: bytes,
    resolved: Sequence[tuple[ForeignReading, tuple[ChannelRow, ...]]],
    refused: _Refused,
    now_ms: int,
    limits: ClockLimits,
) -> Decoded:
    readings = [reading for reading, _ in resolved]
    device_ms = np.array([r.time_ms for r in readings], dtype=np.int64)
    times = judge_times(device_ms, now_ms, limits)
    doubtful = bool(times.skewed.any())
    if doubtful:
        times = by_age(times, device_ms, _series(readings), now_ms=now_ms, sent_ms=None, limits=limits)
    chosen = [_valid(rows, int(at)) for (_, rows), at in zip(resolved, times.time_ms, strict=True)]
    value = np.array([np.nan if r.value is None else r.value for r in readings], dtype=np.float64)
    values = judge_values(
        value,
        np.isnan(value),
        np.array([r.quality.sparkplug for r in readings], dtype=np.int32),
        np.array([1.0 if row is None else row.resolution for row in chosen], dtype=np.float64),
        np.array([np.nan if row is None or row.low is None else row.low for row in chosen], dtype=np.float64),
        np.array([np.nan if row is None or row.high is None else row.high for row in chosen], dtype=np.float64),
    )
    point_id = np.array([0 if row is None else row.point_id for row in chosen], dtype=np.int32)
    kept = np.array([row is not None for row in chosen], dtype=np.bool_) & ~times.late & ~values.out_of_range
    for i, reading in enumerate(readings):
        if not kept[i]:
            reason = _reason(no_channel=chosen[i] is None, late=bool(times.late[i]))
            refused.add(
                reason, f"metric {reading.metric!r} of device {reading.device!r} = {reading.value!r} at {reading.time_ms} ms"
            )
    clock = times.skewed & (values.quality != Quality.BAD)
    rows = BlockRows(
        stream=None,
        edge=source.edge,
        range=None,
        sequence=np.zeros(int(kept.sum()), dtype=np.int64),
        point_id=point_id[kept],
        time_ms=times.time_ms[kept],
        counts=values.counts[kept],
        quality=np.where(clock, np.int16(Quality.CLOCK), values.quality)[kept],
        device_ms=device_ms[kept] if doubtful else None,
        dead=refused.letters(source, topic, payload),
    )
    given = np.array([r.value is not None for r in readings], dtype=np.bool_)
    return Decoded(
        rows=rows,
        skewed=int((times.skewed & kept).sum()),
        worst_skew_ms=worst_ahead(device_ms[times.skewed & kept], now_ms),
        not_finite=int((given & kept & ~np.isfinite(value)).sum()),
    )


def _series(readings: Sequence[ForeignReading]) -> NDArray[np.intp]:
    """A number for each metric of each device, shape (N,)."""
    numbers: dict[tuple[str, str], int] = {}
    return np.array([numbers.setdefault((r.device, r.metric), len(numbers)) for r in readings], dtype=np.intp)


def _reason(*, no_channel: bool, late: bool) -> Reason:
    if no_channel:
        return Reason.UNKNOWN_METRIC
    return Reason.LATE_READING if late else Reason.OUT_OF_RANGE


def _valid(rows: Sequence[ChannelRow], time_ms: int) -> ChannelRow | None:
    """The channel that was valid at a time."""
    for row in rows:
        if (row.valid_from_ms is None or time_ms >= row.valid_from_ms) and (row.valid_to_ms is None or time_ms < row.valid_to_ms):
            return row
    return None
