"""Payloads in and out; whatever comes in, only DecodeError comes out."""

from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from google.protobuf.internal import api_implementation
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ConfigurationError, DecodeError
from protocols.sparkplug import schema
from protocols.sparkplug.payload import DataType, Metric, Payload, Value, decode, encode, interpret

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
names = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
times = st.none() | st.integers(0, 253_402_300_799_999)


def integer(bits: int, *, signed: bool) -> st.SearchStrategy[int]:
    return st.integers(-(1 << bits - 1), (1 << bits - 1) - 1) if signed else st.integers(0, (1 << bits) - 1)


VALUES: dict[DataType, st.SearchStrategy[Value]] = {
    DataType.INT8: integer(8, signed=True),
    DataType.INT16: integer(16, signed=True),
    DataType.INT32: integer(32, signed=True),
    DataType.INT64: integer(64, signed=True),
    DataType.UINT8: integer(8, signed=False),
    DataType.UINT16: integer(16, signed=False),
    DataType.UINT32: integer(32, signed=False),
    DataType.UINT64: integer(64, signed=False),
    DataType.DATETIME: integer(64, signed=False),
    DataType.FLOAT: st.floats(width=32, allow_nan=False),
    DataType.DOUBLE: st.floats(allow_nan=False),
    DataType.BOOLEAN: st.booleans(),
    DataType.STRING: texts,
    DataType.TEXT: texts,
    DataType.UUID: texts,
    DataType.BYTES: st.binary(max_size=20),
    DataType.FILE: st.binary(max_size=20),
}


@st.composite
def metrics(draw: st.DrawFn) -> Metric:
    datatype = draw(st.sampled_from(list(VALUES)))
    value = draw(st.none() | VALUES[datatype])
    return Metric(
        name=draw(st.none() | names),
        alias=draw(st.none() | st.integers(0, (1 << 63) - 1)),
        timestamp_ms=draw(times),
        datatype=int(datatype),
        value=value,
        is_null=value is None,
        is_historical=draw(st.booleans()),
        quality=draw(st.none() | integer(32, signed=True)),
    )


payloads = st.builds(
    Payload, timestamp_ms=times, seq=st.none() | st.integers(0, 255), metrics=st.lists(metrics(), max_size=8).map(tuple)
)


@given(payloads)
def test_roundtrip(payload: Payload) -> None:
    assert decode(encode(payload)) == payload


@given(st.binary(max_size=300))
def test_random_bytes_raise_nothing_but_decode_error(data: bytes) -> None:
    with suppress(DecodeError):
        decode(data)


@given(payloads, st.data())
def test_truncated_and_flipped_payloads_raise_nothing_but_decode_error(payload: Payload, data: st.DataObject) -> None:
    whole = bytearray(encode(payload))
    cut = data.draw(st.integers(0, len(whole)))
    del whole[cut:]
    if whole:
        whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    with suppress(DecodeError):
        decode(bytes(whole))


def test_golden_bytes() -> None:
    """Put together by hand from the published field numbers; nothing of ours made them."""
    metric = (
        b"\x0a\x04Flow"  # 1 name
        b"\x10\x07"  # 2 alias
        b"\x18\xe8\x07"  # 3 timestamp 1000
        b"\x20\x0a"  # 4 datatype Double
        b"\x28\x01"  # 5 is_historical
        b"\x4a\x10\x0a\x07Quality\x12\x05\x08\x03\x18\xf4\x03"  # 9 properties: 1 keys, 2 values (1 type Int32, 3 int_value 500)
        b"\x69" + struct.pack("<d", 12.5)  # 13 double_value
    )
    data = b"\x08\xd0\x0f" + b"\x12" + bytes((len(metric),)) + metric + b"\x18\x05"
    payload = Payload(
        timestamp_ms=2000,
        seq=5,
        metrics=(Metric(name="Flow", alias=7, timestamp_ms=1000, datatype=10, value=12.5, is_historical=True, quality=500),),
    )
    assert decode(data) == payload
    assert encode(payload) == data


@pytest.mark.parametrize(
    ("datatype", "field", "raw", "value"),
    [
        (DataType.INT8, 10, 0xFFFF_FFFF, -1),
        (DataType.INT8, 10, 0xFF, -1),  # cut to its own width, as some senders do
        (DataType.INT8, 10, 0x80, -128),
        (DataType.INT16, 10, 0x8000, -32768),
        (DataType.INT32, 10, 0xFFFF_FFFE, -2),
        (DataType.INT64, 11, 0xFFFF_FFFF_FFFF_FFFE, -2),
        (DataType.UINT32, 11, 0xFFFF_FFFE, 0xFFFF_FFFE),  # UInt32 in long_value, as older senders do
        (DataType.UINT64, 11, 0xFFFF_FFFF_FFFF_FFFF, 0xFFFF_FFFF_FFFF_FFFF),
    ],
)
def test_twos_complement(datatype: DataType, field: int, raw: int, value: int) -> None:
    assert decode(one_metric(bytes((0x20, datatype)) + bytes((field << 3,)) + varint(raw))).metrics[0].value == value


@pytest.mark.parametrize(
    "metric",
    [
        b"\x20\x0a" + b"\x7a\x01x",  # a Double with a text
        b"\x20\x0a" + b"\x50\x05",  # a Double with a whole number
        b"\x20\x05" + b"\x50\xac\x02",  # UInt8 300
        b"\x20\x01" + b"\x50\xac\x02",  # Int8 300
        b"\x20\x0b" + b"\x50\x01",  # Boolean 1
        b"\x0a\x02\xff\xfe",  # a name that is not UTF-8
        b"\x0a\x03a\x00b",  # a name with NUL
        b"\x7a\x02\xff\xfe",  # a text that is not UTF-8, without datatype
        b"\x18\xff\xff\xff\xff\xff\xff\xff\xff\x7f",  # a time far behind the year 9999
        b"\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  # alias 2^64-1
    ],
)
def test_contradictions_are_refused(metric: bytes) -> None:
    with pytest.raises(DecodeError, match="decode_error"):
        decode(one_metric(metric))


def test_seq_is_at_most_255() -> None:
    with pytest.raises(DecodeError, match="seq 256"):
        decode(b"\x18\x80\x02")
    with pytest.raises(ValueError, match="seq 256"):
        encode(Payload(seq=256))


def test_giant_payload_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(DecodeError, match=r"1048577 bytes; the limit is 1048576"):
        decode(b"\xff" * ((1 << 20) + 1))


def test_too_many_metrics_are_refused() -> None:
    with pytest.raises(DecodeError, match=r"4 metrics; the limit is 3"):
        decode(b"\x12\x00" * 4, max_metrics=3)


def test_a_metric_without_datatype_waits_for_its_birth() -> None:
    metric = decode(one_metric(b"\x10\x07\x50" + varint(0xFFFF_FFFE))).metrics[0]
    assert metric.datatype == DataType.UNKNOWN
    assert metric.value == 0xFFFF_FFFE
    assert interpret(metric.value, DataType.INT32) == -2
    assert interpret(metric.value, DataType.UINT32) == 0xFFFF_FFFE
    with pytest.raises(DecodeError):
        interpret(metric.value, DataType.DOUBLE)


def test_values_that_are_not_read_are_none_but_not_null() -> None:
    metric = decode(one_metric(b"\x0a\x01T\x20\x13\x92\x01\x00")).metrics[0]  # an empty Template
    assert (metric.name, metric.datatype, metric.value, metric.is_null) == ("T", DataType.TEMPLATE, None, False)


def test_other_properties_and_odd_qualities_do_not_disturb() -> None:
    unit = b"\x4a\x10" + b"\x0a\x04unit" + b"\x12\x08\x08\x0c\x42\x04m3/h"
    assert decode(one_metric(b"\x4a" + bytes((len(unit) - 2,)) + unit[2:])).metrics[0].quality is None


@pytest.mark.parametrize(
    ("datatype", "value"),
    [
        (DataType.UINT8, 256),
        (DataType.UINT8, -1),
        (DataType.INT16, 32768),
        (DataType.DOUBLE, "1"),
        (DataType.DOUBLE, True),
        (DataType.BOOLEAN, 1),
        (DataType.STRING, b"x"),
        (DataType.DATASET, 1),
        (DataType.UNKNOWN, 1),
    ],
)
def test_what_does_not_fit_is_not_sent(datatype: DataType, value: Value) -> None:
    with pytest.raises(ValueError, match=r"cannot be sent|is outside"):
        encode(Payload(metrics=(Metric(name="x", datatype=datatype, value=value),)))


def test_the_pure_python_runtime_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_implementation, "Type", lambda: "python")
    schema.payload_class.cache_clear()
    with pytest.raises(ConfigurationError, match="PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION"):
        schema.payload_class()
    monkeypatch.undo()
    assert schema.payload_class() is not None


def one_metric(metric: bytes) -> bytes:
    return b"\x12" + varint(len(metric)) + metric


def varint(number: int) -> bytes:
    data = b""
    while number > 0x7F:
        data += bytes((number & 0x7F | 0x80,))
        number >>= 7
    return data + bytes((number,))
