"""Gap records: numbers of its spool that a gateway had to drop, told with the numbers that the ledger counts.

NDATA = Spool/Epoch, Spool/First, Spool/Last, and Spool/Gap: JSON {reason, at, from, to, points: [[device, metric, readings], …]}
"""

from __future__ import annotations

import json
from typing import Any

from domain.delivery import GapPoint, GapRecord, SequenceRange, Stream
from domain.errors import DecodeError
from protocols.sparkplug.names import SPOOL_EPOCH, SPOOL_FIRST, SPOOL_GAP, SPOOL_LAST
from protocols.sparkplug.payload import MAX_INT64, DataType, Metric, Payload, by_name, encode, whole_number

GAP_MARK = SPOOL_GAP.encode()
"""Without these bytes a payload carries no gap record."""
MAX_READINGS = 10**9
"""No spool holds more; a larger gap is a fault, not a loss."""
_MAX_TEXT, _MAX_POINTS, _MAX_NAME = 65_536, 200, 300


def encode_gap(stream: Stream, gap: GapRecord, *, seq: int, timestamp_ms: int) -> bytes:
    """The NDATA payload of a gap record."""
    points = [[p.device, p.metric, p.readings] for p in gap.points]
    text = {"reason": gap.reason, "at": gap.at_ms, "from": gap.from_ms, "to": gap.to_ms, "points": points}
    numbers = ((SPOOL_EPOCH, stream.epoch), (SPOOL_FIRST, gap.range.first), (SPOOL_LAST, gap.range.last))
    metrics = [Metric(name=n, timestamp_ms=timestamp_ms, datatype=DataType.UINT64, value=v) for n, v in numbers]
    document = json.dumps(text, ensure_ascii=False, separators=(",", ":"))
    metrics.append(Metric(name=SPOOL_GAP, timestamp_ms=timestamp_ms, datatype=DataType.STRING, value=document))
    return encode(Payload(timestamp_ms=timestamp_ms, seq=seq, metrics=tuple(metrics)))


def decode_gap(payload: Payload, edge: str) -> tuple[Stream, GapRecord] | None:
    """The gap record in an NDATA, or None where it carries none.

    Raises:
        DecodeError: ``bad_gap``: incomplete, not alone, or not what a gateway of ours writes.
    """
    if all(metric.name != SPOOL_GAP for metric in payload.metrics):
        return None
    try:
        found = by_name(payload.metrics, SPOOL_EPOCH, SPOOL_FIRST, SPOOL_LAST, SPOOL_GAP)
        epoch, first, last = (whole_number(found.get(n), n) for n in (SPOOL_EPOCH, SPOOL_FIRST, SPOOL_LAST))
    except DecodeError as error:
        raise DecodeError("bad_gap", error.detail) from None
    if len(payload.metrics) != len(found):
        raise DecodeError("bad_gap", f"a gap record carries {len(found)} metrics, this one {len(payload.metrics)}")
    if not 1 <= epoch < MAX_INT64 or not 1 <= first <= last < MAX_INT64 or last - first >= MAX_READINGS:
        raise DecodeError("bad_gap", f"epoch {epoch}, numbers {first}..{last}; at most {MAX_READINGS} at a time")
    numbers = SequenceRange(first=first, last=last)
    return Stream(edge=edge, epoch=epoch), _record(numbers, found[SPOOL_GAP].value)


def _record(numbers: SequenceRange, text: Any) -> GapRecord:
    try:
        document = json.loads(text) if isinstance(text, str) and len(text) <= _MAX_TEXT else None
    except (ValueError, RecursionError):
        document = None
    match document:
        case {
            "reason": str(reason),
            "at": int(at),
            "from": int() | None as since,
            "to": int() | None as until,
            "points": list(points),
        }:
            if _is_word(reason) and _is_time(at) and _is_time(since) and _is_time(until) and len(points) <= _MAX_POINTS:
                named = tuple(_point(point) for point in points)
                return GapRecord(range=numbers, reason=reason, at_ms=at, from_ms=since, to_ms=until, points=named)
    raise DecodeError("bad_gap", f"{SPOOL_GAP} is {str(text)[:80]!r}; expected reason, at, from, to and points")


def _point(point: Any) -> GapPoint:
    match point:
        case [str(device), str(metric), int(readings)] if len(device) <= _MAX_NAME and len(metric) <= _MAX_NAME:
            if 0 < readings <= MAX_READINGS:
                return GapPoint(device=device, metric=metric, readings=readings)
    raise DecodeError("bad_gap", f"{str(point)[:80]!r} is no device, metric and number of readings")


def _is_word(text: str) -> bool:
    return 0 < len(text) <= 40 and text.isascii() and text.replace("_", "").isalnum()


def _is_time(ms: int | None) -> bool:
    return ms is None or -MAX_INT64 <= ms <= MAX_INT64
