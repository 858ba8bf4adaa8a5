"""Births, deaths and the host's STATE: who is there, and what each alias means.

Aliases are bound for ever within one epoch of the spool, so that a block can be read long after its birth was sent.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from domain.delivery import AliasBinding, Stream
from domain.errors import DecodeError
from domain.readings import Quality
from protocols.sparkplug.names import (
    BD_SEQ,
    REBIRTH,
    SPOOL_COMMITTED,
    SPOOL_EPOCH,
    SPOOL_FIRST,
    SPOOL_GAP,
    SPOOL_LAST,
    SPOOL_RANGES,
)
from protocols.sparkplug.payload import MAX_TIMESTAMP_MS, DataType, Metric, Payload, by_name, encode, whole_number

FOREIGN_EPOCH = 0
"""Epoch of nodes that keep no spool of ours."""
_MAX_STATE_BYTES = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class HostState:
    """What a host application says of itself."""

    online: bool
    timestamp_ms: int


def birth_metric(
    *, name: str, alias: int, value: float | None = None, time_ms: int | None = None, quality: Quality = Quality.GOOD
) -> Metric:
    """A device's metric for its birth: a Double with the last value, or null where there is none yet."""
    return Metric(
        name=name,
        alias=alias,
        timestamp_ms=time_ms,
        datatype=DataType.DOUBLE,
        value=value,
        is_null=value is None,
        quality=None if quality is Quality.GOOD else quality.sparkplug,
    )


def encode_nbirth(*, bd_seq: int, epoch: int, timestamp_ms: int, seq: int = 0, metrics: Sequence[Metric] = ()) -> bytes:
    """NBIRTH payload of a gateway: its control metrics, its spool, and further metrics of the node itself."""
    own = (
        _metric(BD_SEQ, DataType.INT64, bd_seq, timestamp_ms),
        _metric(REBIRTH, DataType.BOOLEAN, value=False, at_ms=timestamp_ms),
        _metric(SPOOL_EPOCH, DataType.UINT64, epoch, timestamp_ms),
        _metric(SPOOL_FIRST, DataType.UINT64, 0, timestamp_ms),
        _metric(SPOOL_LAST, DataType.UINT64, 0, timestamp_ms),
        _metric(SPOOL_COMMITTED, DataType.UINT64, 0, timestamp_ms),
        _metric(SPOOL_RANGES, DataType.STRING, "", timestamp_ms),
        _metric(SPOOL_GAP, DataType.STRING, "", timestamp_ms),
    )
    return encode(Payload(timestamp_ms=timestamp_ms, seq=seq, metrics=(*own, *metrics)))


def encode_dbirth(*, epoch: int, metrics: Sequence[Metric], seq: int, timestamp_ms: int) -> bytes:
    """DBIRTH payload: every metric of the device with name, alias, datatype and last value or null."""
    own = _metric(SPOOL_EPOCH, DataType.UINT64, epoch, timestamp_ms)
    return encode(Payload(timestamp_ms=timestamp_ms, seq=seq, metrics=(own, *metrics)))


def encode_ndeath(bd_seq: int, *, timestamp_ms: int | None = None) -> bytes:
    """NDEATH payload, the node's will: bdSeq alone, without seq (Sparkplug 3.0, 6.4.24)."""
    return encode(Payload(timestamp_ms=timestamp_ms, metrics=(_metric(BD_SEQ, DataType.INT64, bd_seq, timestamp_ms),)))


def encode_ddeath(*, seq: int, timestamp_ms: int) -> bytes:
    """DDEATH payload: a device is not reached any more."""
    return encode(Payload(timestamp_ms=timestamp_ms, seq=seq))


def decode_birth(payload: Payload, *, edge: str, device: str = "") -> tuple[AliasBinding, ...]:
    """What a birth binds: alias → metric. ``device`` is empty for an NBIRTH. Metrics without alias bind nothing.

    Raises:
        DecodeError: ``bad_birth``: an alias without name, an alias bound twice, or a Spool/Epoch that is no number.
    """
    epoch = birth_epoch(payload)
    stream = Stream(edge=edge, epoch=FOREIGN_EPOCH if epoch is None else epoch)
    bound: dict[int, AliasBinding] = {}
    for metric in payload.metrics:
        if metric.alias is None:
            continue
        if not metric.name:
            raise DecodeError("bad_birth", f"alias {metric.alias} of {edge} {device} has no name")
        if metric.alias in bound:
            raise DecodeError(
                "bad_birth", f"alias {metric.alias} of {edge} {device} names {bound[metric.alias].metric} and {metric.name}"
            )
        bound[metric.alias] = AliasBinding(
            stream=stream, alias=metric.alias, device=device, metric=metric.name, datatype=metric.datatype
        )
    return tuple(bound.values())


def birth_epoch(payload: Payload) -> int | None:
    """The spool's epoch in a birth; None for another maker's node.

    Raises:
        DecodeError: ``bad_birth``: Spool/Epoch is doubled or no number.
    """
    try:
        found = by_name(payload.metrics, SPOOL_EPOCH)
        return whole_number(found[SPOOL_EPOCH], SPOOL_EPOCH) if found else None
    except DecodeError as error:
        raise DecodeError("bad_birth", error.detail) from None


def decode_bd_seq(payload: Payload) -> int:
    """The bdSeq of an NBIRTH or NDEATH: a death counts only for the birth with the same number.

    Raises:
        DecodeError: ``bad_birth``: it is missing.
    """
    try:
        return whole_number(by_name(payload.metrics, BD_SEQ).get(BD_SEQ), BD_SEQ)
    except DecodeError as error:
        raise DecodeError("bad_birth", error.detail) from None


def encode_state(online: bool, timestamp_ms: int) -> bytes:
    """STATE payload of a host application: JSON (Sparkplug 3.0, 6.4.26)."""
    return json.dumps({"online": online, "timestamp": timestamp_ms}, separators=(",", ":")).encode()


def decode_state(data: bytes) -> HostState:
    """What a host application says of itself.

    Raises:
        DecodeError: ``bad_state``: not the JSON object with ``online`` and ``timestamp``.
    """
    try:
        found = json.loads(data) if len(data) <= _MAX_STATE_BYTES else None
    except (ValueError, RecursionError):
        found = None
    match found:
        case {"online": bool(online), "timestamp": int(at)} if not isinstance(at, bool) and 0 <= at <= MAX_TIMESTAMP_MS:
            return HostState(online=online, timestamp_ms=at)
        case _:
            raise DecodeError("bad_state", f'{data[:80]!r} is not {{"online":true|false,"timestamp":ms}}')


def _metric(name: str, datatype: DataType, value: int | str | bool, at_ms: int | None) -> Metric:
    return Metric(name=name, timestamp_ms=at_ms, datatype=datatype, value=value)
