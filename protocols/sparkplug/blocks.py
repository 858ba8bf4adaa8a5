"""Blocks: readings of one device with the sequence numbers that the ledger counts.

DDATA = Spool/Epoch, Spool/First, Spool/Last, then one metric a reading; the i-th reading has number First + i
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from domain.delivery import SequenceRange, Stream
from domain.errors import DecodeError
from domain.readings import Quality
from protocols.sparkplug.names import (
    COMMAND_RESULT,
    QUALITY,
    SPOOL_EPOCH,
    SPOOL_FIRST,
    SPOOL_LAST,
    SPOOL_PREFIX,
)
from protocols.sparkplug.payload import MAX_INT64, DataType, Metric, Payload, by_name, whole_number
from protocols.sparkplug.schema import payload_class


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockHeader:
    """Which numbers of which spool a block carries."""

    stream: Stream
    range: SequenceRange


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockReading:
    """One reading as the spool holds it."""

    alias: int
    time_ms: int
    """Milliseconds since 1970 UTC, of the observation."""
    value: float | None
    """In the canonical unit of its quantity; None where the device gave none."""
    quality: Quality = Quality.GOOD
    historical: bool = False
    """Older than the edge's live horizon: a host must not take it for the present."""


def encode_block(header: BlockHeader, readings: Sequence[BlockReading], *, seq: int, timestamp_ms: int) -> bytes:
    """A DDATA payload with the block's metrics first and then one metric a reading, in order.

    Written straight into protobuf, past ``Metric``: a history of millions of readings goes through here.

    Raises:
        ValueError: The number of readings differs from the length of the range, or a number does not fit its field.
    """
    if len(readings) != len(header.range):
        raise ValueError(f"{len(readings)} readings for the {len(header.range)} numbers of {header.range}")
    if not 0 <= seq <= 255 or not 0 <= header.stream.epoch <= MAX_INT64:
        raise ValueError(f"seq {seq} must be within 0..255 and epoch {header.stream.epoch} within 0..2^63-1")
    message = payload_class()(timestamp=timestamp_ms, seq=seq)
    add = message.metrics.add
    unsigned = int(DataType.UINT64)
    for name, number in (
        (SPOOL_EPOCH, header.stream.epoch),
        (SPOOL_FIRST, header.range.first),
        (SPOOL_LAST, header.range.last),
    ):
        add(name=name, timestamp=timestamp_ms, datatype=unsigned, long_value=number)
    double = int(DataType.DOUBLE)
    for reading in readings:
        metric = add()
        metric.alias = reading.alias
        metric.timestamp = reading.time_ms
        metric.datatype = double
        if reading.value is None:
            metric.is_null = True
        else:
            metric.double_value = reading.value
        if reading.historical:
            metric.is_historical = True
        if reading.quality is not Quality.GOOD:
            _set_quality(metric, reading.quality)
    data: bytes = message.SerializeToString()
    return data


def decode_block(payload: Payload, edge: str) -> tuple[BlockHeader, tuple[Metric, ...]] | None:
    """Header and reading metrics of a DDATA; None where it carries no Spool metrics (another maker's node).

    Raises:
        DecodeError: ``bad_block``: Spool metrics are incomplete, doubled or do not fit the number of readings.
    """
    readings = tuple([m for m in payload.metrics if m.name is None or not m.name.startswith(SPOOL_PREFIX)])
    if len(readings) == len(payload.metrics):
        return None
    try:
        found = by_name(payload.metrics, SPOOL_EPOCH, SPOOL_FIRST, SPOOL_LAST)
        epoch, first, last = (whole_number(found.get(n), n) for n in (SPOOL_EPOCH, SPOOL_FIRST, SPOOL_LAST))
    except DecodeError as error:
        raise DecodeError("bad_block", error.detail) from None
    if len(payload.metrics) - len(readings) != len(found):
        raise DecodeError("bad_block", "a Spool metric that does not belong into a block")
    if not 1 <= first <= last or last - first + 1 != len(readings):
        raise DecodeError("bad_block", f"numbers {first}..{last} do not fit {len(readings)} readings")
    return BlockHeader(stream=Stream(edge=edge, epoch=epoch), range=SequenceRange(first=first, last=last)), readings


def only_command_result(payload: Payload) -> bool:
    """Whether a DDATA carries nothing but the result of a command, which is no reading."""
    return len(payload.metrics) == 1 and payload.metrics[0].name == COMMAND_RESULT


def _set_quality(metric: Any, quality: Quality) -> None:
    metric.properties.keys.append(QUALITY)
    metric.properties.values.add(type=int(DataType.INT32), int_value=quality.sparkplug)
