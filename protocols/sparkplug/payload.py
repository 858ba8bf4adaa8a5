"""One Sparkplug B payload: bytes ↔ ``Payload``.

Integers travel as two's complement in the schema's unsigned fields (Sparkplug 3.0, 6.4.16): Int8, Int16 and Int32 in
``int_value``, Int64 in ``long_value``. What a metric without datatype means only its birth knows: see ``interpret``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from google.protobuf.message import DecodeError as ProtobufDecodeError

from domain.errors import DecodeError
from protocols.sparkplug.names import QUALITY
from protocols.sparkplug.schema import payload_class

MAX_BYTES = 1 << 20
"""Larger payloads are refused before anything is parsed."""
MAX_METRICS = 20_000
MAX_TIMESTAMP_MS = 253_402_300_799_999
"""9999-12-31T23:59:59.999Z, the last moment a ``datetime`` holds."""
MAX_INT64 = (1 << 63) - 1

Value = int | float | bool | str | bytes | None


class DataType(IntEnum):
    """Sparkplug B data types by their numbers on the wire (Sparkplug 3.0, 6.4.16)."""

    UNKNOWN = 0
    INT8 = 1
    INT16 = 2
    INT32 = 3
    INT64 = 4
    UINT8 = 5
    UINT16 = 6
    UINT32 = 7
    UINT64 = 8
    FLOAT = 9
    DOUBLE = 10
    BOOLEAN = 11
    STRING = 12
    DATETIME = 13
    TEXT = 14
    UUID = 15
    DATASET = 16
    BYTES = 17
    FILE = 18
    TEMPLATE = 19
    PROPERTYSET = 20
    PROPERTYSETLIST = 21


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric of a payload."""

    name: str | None = None
    alias: int | None = None
    timestamp_ms: int | None = None
    """Milliseconds since 1970 UTC, when the value was true."""
    datatype: int
    """A number of ``DataType``; 0 where the sender left it out, as Sparkplug allows in DATA messages."""
    value: Value = None
    """None with ``is_null`` false: the sender gave no value, or one of a kind that is not read here (DataSet, Template)."""
    is_null: bool = False
    is_historical: bool = False
    quality: int | None = None
    """The property ``Quality``; None where it is absent, which means good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """One Sparkplug B payload."""

    timestamp_ms: int | None = None
    seq: int | None = None
    """0-255; None in commands and NDEATH."""
    metrics: tuple[Metric, ...] = ()


# datatype -> (bits, signed)
_INTEGERS: dict[int, tuple[int, bool]] = {
    DataType.INT8: (8, True),
    DataType.INT16: (16, True),
    DataType.INT32: (32, True),
    DataType.INT64: (64, True),
    DataType.UINT8: (8, False),
    DataType.UINT16: (16, False),
    DataType.UINT32: (32, False),
    DataType.UINT64: (64, False),
    DataType.DATETIME: (64, False),
}
_FIELD: dict[int, str] = {
    **{kind: "int_value" if bits <= 32 else "long_value" for kind, (bits, _) in _INTEGERS.items()},
    DataType.FLOAT: "float_value",
    DataType.DOUBLE: "double_value",
    DataType.BOOLEAN: "boolean_value",
    DataType.STRING: "string_value",
    DataType.TEXT: "string_value",
    DataType.UUID: "string_value",
    DataType.BYTES: "bytes_value",
    DataType.FILE: "bytes_value",
}
_PYTHON: dict[str, type | tuple[type, ...]] = {
    "int_value": int,
    "long_value": int,
    "float_value": (int, float),
    "double_value": (int, float),
    "boolean_value": bool,
    "string_value": str,
    "bytes_value": bytes,
}


def encode(payload: Payload) -> bytes:
    """The payload as bytes.

    Raises:
        ValueError: A value does not fit its datatype, or the datatype is one we do not send.
    """
    message = payload_class()()
    if payload.timestamp_ms is not None:
        message.timestamp = payload.timestamp_ms
    if payload.seq is not None:
        if not 0 <= payload.seq <= 255:
            raise ValueError(f"seq {payload.seq} must be within 0..255")
        message.seq = payload.seq
    for metric in payload.metrics:
        _fill(message.metrics.add(), metric)
    data: bytes = message.SerializeToString()
    return data


def decode(data: bytes, *, max_bytes: int = MAX_BYTES, max_metrics: int = MAX_METRICS) -> Payload:
    """The payload in these bytes.

    Raises:
        DecodeError: ``decode_error``: too long, not protobuf, too many metrics, or a value that contradicts its datatype.
    """
    if len(data) > max_bytes:
        raise _wrong(f"payload of {len(data)} bytes; the limit is {max_bytes}")
    try:
        message = payload_class().FromString(data)
        if len(message.metrics) > max_metrics:
            raise _wrong(f"payload with {len(message.metrics)} metrics; the limit is {max_metrics}")
        seq = message.seq if message.HasField("seq") else None
        if seq is not None and seq > 255:
            raise _wrong(f"seq {seq} must be within 0..255")
        return Payload(
            timestamp_ms=_timestamp(message),
            seq=seq,
            metrics=tuple([_metric(m) for m in message.metrics]),
        )
    except ProtobufDecodeError as error:
        raise _wrong(f"{len(data)} bytes are not a Sparkplug payload: {error}") from None


def interpret(value: Value, datatype: int) -> Value:
    """A value read without its datatype, as the datatype from the birth says.

    Raises:
        DecodeError: ``decode_error``: the value does not fit the datatype.
    """
    if value is None or datatype not in _FIELD:
        return value
    if datatype in _INTEGERS:
        if isinstance(value, int) and not isinstance(value, bool):
            return value if value < 0 else _integer(value, datatype)
    elif datatype in (DataType.FLOAT, DataType.DOUBLE):
        if isinstance(value, float):
            return value
    elif isinstance(value, _PYTHON[_FIELD[datatype]]):
        return value
    raise _wrong(f"a {type(value).__name__} is no value of {DataType(datatype).name}")


def by_name(metrics: Iterable[Metric], *names: str) -> dict[str, Metric]:
    """The metrics with these names.

    Raises:
        DecodeError: ``decode_error``: a name stands there twice.
    """
    found: dict[str, Metric] = {}
    for metric in metrics:
        if metric.name in names:
            if metric.name in found:
                raise _wrong(f"metric {metric.name!r} stands twice in one payload")
            found[metric.name] = metric
    return found


def whole_number(metric: Metric | None, name: str) -> int:
    """The value of a metric that must be a whole number within 0..2^63-1, as the database holds it.

    Raises:
        DecodeError: ``decode_error``: absent, null, or another kind of value.
    """
    value = None if metric is None else metric.value
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_INT64:
        raise _wrong(f"metric {name!r} is {value!r}; expected a whole number within 0..2^63-1")
    return value


def _wrong(detail: str) -> DecodeError:
    return DecodeError("decode_error", detail)


def _fill(message: Any, metric: Metric) -> None:
    if metric.name is not None:
        message.name = metric.name
    if metric.alias is not None:
        message.alias = metric.alias
    if metric.timestamp_ms is not None:
        message.timestamp = metric.timestamp_ms
    message.datatype = metric.datatype
    if metric.is_historical:
        message.is_historical = True
    if metric.quality is not None:
        message.properties.keys.append(QUALITY)
        message.properties.values.add(type=DataType.INT32, int_value=metric.quality & 0xFFFF_FFFF)
    if metric.is_null or metric.value is None:
        message.is_null = True
        return
    field = _FIELD.get(metric.datatype)
    kind = () if field is None else _PYTHON[field]
    value = metric.value
    if field is None or not isinstance(value, kind) or (isinstance(value, bool) and field != "boolean_value"):
        raise ValueError(f"metric {metric.name or metric.alias}: {value!r} cannot be sent as datatype {metric.datatype}")
    limits = _INTEGERS.get(metric.datatype)
    if limits is not None and isinstance(value, int):
        bits, signed = limits
        low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
        if not low <= value <= high:
            raise ValueError(f"metric {metric.name or metric.alias}: {value} is outside {low}..{high}")
        value &= 0xFFFF_FFFF if field == "int_value" else 0xFFFF_FFFF_FFFF_FFFF
    setattr(message, field, value)


def _timestamp(message: Any) -> int | None:
    if not message.HasField("timestamp"):
        return None
    timestamp_ms: int = message.timestamp
    if timestamp_ms > MAX_TIMESTAMP_MS:
        raise _wrong(f"timestamp {timestamp_ms} ms lies after the year 9999")
    return timestamp_ms


def _metric(message: Any) -> Metric:
    alias = message.alias if message.HasField("alias") else None
    if alias is not None and alias > MAX_INT64:
        raise _wrong(f"alias {alias} is above 2^63-1")
    datatype: int = message.datatype
    is_null: bool = message.is_null
    value: Value = None
    if not is_null:
        field = message.WhichOneof("value")
        if field is not None:
            value = getattr(message, field)
            if field == "string_value":
                value = _text(value)
            value = interpret(value, datatype)
    return Metric(
        name=_name(message.name) if message.HasField("name") else None,
        alias=alias,
        timestamp_ms=_timestamp(message),
        datatype=datatype,
        value=value,
        is_null=is_null,
        is_historical=message.is_historical,
        quality=_quality(message) if message.HasField("properties") else None,
    )


def _text(value: object) -> str:
    """A text of the message: the runtime hands out bytes where they are not UTF-8."""
    if not isinstance(value, str):
        raise _wrong(f"a text is not UTF-8: {value!r}")
    return value


def _name(value: object) -> str:
    name = _text(value)
    if "\0" in name:  # MQTT forbids it in texts, and PostgreSQL cannot hold it
        raise _wrong(f"metric name {name!r} holds NUL")
    return name


def _quality(message: Any) -> int | None:
    properties = message.properties
    for key, value in zip(properties.keys, properties.values, strict=False):
        if key == QUALITY:
            code: int | None = getattr(value, "int_value", None) if value.WhichOneof("value") == "int_value" else None
            return None if code is None else _integer(code, DataType.INT32)
    return None


def _integer(raw: int, datatype: int) -> int:
    """An unsigned field's number as the datatype's: sign-extended to 32 or 64 bits, or cut to its own width, both occur."""
    bits, signed = _INTEGERS[datatype]
    if not signed:
        if raw >> bits:
            raise _wrong(f"{raw} does not fit {DataType(datatype).name}")
        return raw
    field_bits = 32 if raw >> 32 == 0 and bits <= 32 else 64
    if raw >> bits == 0:
        field_bits = bits
    value = raw - (1 << field_bits) if raw >> field_bits - 1 else raw
    if not -(1 << bits - 1) <= value < 1 << bits - 1:
        raise _wrong(f"{raw} does not fit {DataType(datatype).name}")
    return value
