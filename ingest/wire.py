"""One DDATA or NDATA payload as columns, straight from the protobuf message: no object a reading on the busy road.

bytes ──parse──▶ message ──split──▶ header (Spool metrics) + readings ──label──▶ which alias or name each one carries
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError as ProtobufDecodeError
from numpy.typing import NDArray

from domain.delivery import SequenceRange, Stream
from domain.errors import DecodeError
from ingest.reasons import Reason
from protocols.sparkplug.names import QUALITY, SPOOL_EPOCH, SPOOL_FIRST, SPOOL_LAST, SPOOL_PREFIX
from protocols.sparkplug.payload import MAX_INT64, DataType, interpret
from protocols.sparkplug.schema import payload_class

GOOD_QUALITY = 192
ABSENT_TIME = -1
_CONTROL = ("Node Control/", "Device Control/", "Command/", "bdSeq")
_HEADER = (SPOOL_EPOCH, SPOOL_FIRST, SPOOL_LAST)
_HEADER_WITHIN = 16
"""In a payload that is too long the Spool metrics are looked for among its first ones only."""


class BadBlock(DecodeError):
    """A block that cannot be taken as it is, with the numbers it claims where those can be believed."""

    def __init__(self, reason: Reason, detail: str, *, stream: Stream | None = None, numbers: SequenceRange | None = None) -> None:
        self.stream = stream
        self.numbers = numbers
        super().__init__(reason, detail)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Readings:
    """Readings of one payload, in its order; arrays of shape (N,)."""

    stream: Stream | None
    numbers: SequenceRange | None
    """Both None where the payload carries no Spool metrics."""
    metrics: Sequence[Any]
    """The protobuf messages."""
    labels: tuple[int | str, ...]
    """Each alias or name that occurs, once."""
    which: NDArray[np.intp]
    """Index into ``labels``."""
    time_ms: NDArray[np.int64]
    """Observation time [ms since 1970 UTC]; ``ABSENT_TIME`` where none was given."""

    def __len__(self) -> int:
        return len(self.metrics)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Columns:
    """Values of ``Readings``; arrays of shape (N,)."""

    value: NDArray[np.float64]
    null: NDArray[np.bool_]
    quality: NDArray[np.int32]
    """Sparkplug quality code."""
    datatype: NDArray[np.int64]
    """As sent, else as declared at birth."""
    mismatch: NDArray[np.bool_]
    """No number, or not of the datatype that the birth declared."""


def parse(data: bytes, edge: str, *, max_bytes: int, max_readings: int) -> Readings | None:
    """The readings of a payload; None where it holds nothing that could be one (results of commands, control metrics).

    Raises:
        DecodeError: ``oversize`` or ``decode_error``: nothing of it can be believed.
        BadBlock: ``oversize`` or ``bad_block``: with the range that it covers where that is sane.
    """
    if len(data) > max_bytes:
        raise DecodeError(Reason.OVERSIZE, f"payload of {len(data)} bytes; the limit is {max_bytes}")
    try:
        message = payload_class().FromString(data)
        if len(message.metrics) > max_readings + len(_HEADER):
            raise _too_many(message, edge, max_readings)
        return _split(message, edge, max_readings)
    except ProtobufDecodeError as error:
        raise DecodeError(Reason.DECODE_ERROR, f"{len(data)} bytes are not a Sparkplug payload: {error}") from None


def columns(readings: Readings, declared: Sequence[int]) -> Columns:
    """The values of readings whose labels were resolved.

    Args:
        readings: Of one payload.
        declared: Datatype from the birth for each of ``readings.labels``; 0 where it is not known.
    """
    metrics = readings.metrics
    sent = np.array([m.datatype for m in metrics], dtype=np.int64)
    at_birth = np.array(declared, dtype=np.int64)[readings.which]
    datatype = np.where(sent == DataType.UNKNOWN, at_birth, sent)
    mismatch = (at_birth != DataType.UNKNOWN) & (datatype != at_birth)
    value = np.array([m.double_value for m in metrics], dtype=np.float64)
    null = np.array([m.is_null for m in metrics], dtype=np.bool_)
    kinds = [m.WhichOneof("value") for m in metrics]
    double = np.array([kind == "double_value" for kind in kinds], dtype=np.bool_)
    mismatch |= double & (datatype != DataType.DOUBLE) & (datatype != DataType.UNKNOWN)
    for i in np.flatnonzero(~double & ~null).tolist():
        number = _number(metrics[i], kinds[i], int(datatype[i]))
        mismatch[i] |= number is None
        value[i] = 0.0 if number is None else number
    quality = np.array([_quality(m) if m.HasField("properties") else GOOD_QUALITY for m in metrics], dtype=np.int32)
    return Columns(value=value, null=null, quality=quality, datatype=datatype, mismatch=mismatch)


def _split(message: Any, edge: str, max_readings: int) -> Readings | None:
    metrics = list(message.metrics)
    names = [_text(m.name) for m in metrics]
    spool = [i for i, name in enumerate(names) if name and name.startswith(SPOOL_PREFIX)]
    stream, numbers = _header([metrics[i] for i in spool], edge) if spool else (None, None)
    if any(names):
        kept = [i for i, name in enumerate(names) if not (name and name.startswith((SPOOL_PREFIX, *_CONTROL)))]
        if numbers is None and not kept:
            return None
        if numbers is not None:  # every metric of a block that is not its header has a number
            kept = [i for i, name in enumerate(names) if not (name and name.startswith(SPOOL_PREFIX))]
        metrics, names = [metrics[i] for i in kept], [names[i] for i in kept]
    if not metrics and numbers is None:
        return None
    if numbers is not None and len(numbers) != len(metrics):
        detail = f"numbers {numbers.first}..{numbers.last} do not fit {len(metrics)} readings"
        sane = len(numbers) <= max_readings
        raise BadBlock(Reason.BAD_BLOCK, detail, stream=stream if sane else None, numbers=numbers if sane else None)
    labels, which = _label(metrics, names)
    return Readings(stream=stream, numbers=numbers, metrics=metrics, labels=labels, which=which, time_ms=_times(metrics, message))


def _header(spool: Sequence[Any], edge: str) -> tuple[Stream, SequenceRange]:
    found = {m.name: m for m in spool}
    if len(spool) != len(_HEADER) or set(found) != set(_HEADER):
        given = ", ".join(sorted(_text(m.name) for m in spool))
        raise BadBlock(Reason.BAD_BLOCK, f"a block carries {', '.join(_HEADER)} once each; this one {given}")
    for name, metric in found.items():
        if metric.WhichOneof("value") != "long_value" or metric.is_null or metric.long_value >= MAX_INT64:
            raise BadBlock(Reason.BAD_BLOCK, f"{name} is not a whole number below 2^63-1")
    epoch, first, last = (int(found[name].long_value) for name in _HEADER)
    if not 1 <= first <= last or epoch < 1:
        raise BadBlock(Reason.BAD_BLOCK, f"epoch {epoch} must be at least 1 and numbers {first}..{last} satisfy 1 <= first <= last")
    return Stream(edge=edge, epoch=epoch), SequenceRange(first=first, last=last)


def _too_many(message: Any, edge: str, limit: int) -> DecodeError:
    count = len(message.metrics)
    detail = f"payload with {count} metrics; the limit is {limit} readings"
    spool = [m for m in islice(message.metrics, _HEADER_WITHIN) if _text(m.name).startswith(SPOOL_PREFIX)]
    if spool:
        stream, numbers = _header(spool, edge)
        if len(numbers) == count - len(_HEADER):
            return BadBlock(Reason.OVERSIZE, detail, stream=stream, numbers=numbers)
    return DecodeError(Reason.OVERSIZE, detail)


def _text(name: str | bytes) -> str:
    """The protobuf runtime hands out a text that is not UTF-8 as bytes."""
    return name if isinstance(name, str) else name.decode(errors="replace")


def _label(metrics: Sequence[Any], names: Sequence[str]) -> tuple[tuple[int | str, ...], NDArray[np.intp]]:
    if not any(names) and all(m.HasField("alias") for m in metrics):
        aliases, which = np.unique(np.array([m.alias for m in metrics], dtype=np.uint64), return_inverse=True)
        return tuple(int(a) for a in aliases), which.astype(np.intp)
    index: dict[int | str, int] = {}
    each = [
        index.setdefault(name or (int(m.alias) if m.HasField("alias") else ""), len(index))
        for m, name in zip(metrics, names, strict=True)
    ]
    return tuple(index), np.array(each, dtype=np.intp)


def _times(metrics: Sequence[Any], message: Any) -> NDArray[np.int64]:
    fallback = min(int(message.timestamp), MAX_INT64) if message.HasField("timestamp") else ABSENT_TIME
    raw = np.array([m.timestamp for m in metrics], dtype=np.uint64)
    times = np.minimum(raw, np.uint64(MAX_INT64)).astype(np.int64)
    for i in np.flatnonzero(times == 0).tolist():
        if not metrics[i].HasField("timestamp"):
            times[i] = fallback
    return times


def _number(metric: Any, kind: str | None, datatype: int) -> float | None:
    """The value as a number, or None where it is none of that datatype."""
    if kind is None:
        return None
    try:
        found = interpret(getattr(metric, kind), datatype)
    except DecodeError:
        return None
    return float(found) if isinstance(found, int | float) and datatype <= DataType.BOOLEAN else None


def _quality(metric: Any) -> int:
    properties = metric.properties
    for key, value in zip(properties.keys, properties.values, strict=False):
        if key == QUALITY and value.WhichOneof("value") == "int_value":
            return min(int(value.int_value), 2**31 - 1)
    return GOOD_QUALITY
