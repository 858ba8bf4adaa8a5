"""Blocks keep every reading in its place, or are refused."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.delivery import SequenceRange, Stream
from domain.errors import DecodeError
from domain.readings import Quality
from protocols.sparkplug.blocks import BlockHeader, BlockReading, decode_block, encode_block, only_command_result
from protocols.sparkplug.payload import DataType, Metric, Payload, decode, encode

EDGE = "demo/gw-north"
BIG = (1 << 63) - 1

readings_strategy = st.lists(
    st.builds(
        BlockReading,
        alias=st.integers(0, BIG),
        time_ms=st.integers(0, 4_102_444_800_000),
        value=st.none() | st.floats(allow_nan=False),
        quality=st.sampled_from(Quality),
        historical=st.booleans(),
    ),
    min_size=1,
    max_size=40,
)


def header(count: int, *, first: int = 1, epoch: int = 7) -> BlockHeader:
    return BlockHeader(stream=Stream(edge=EDGE, epoch=epoch), range=SequenceRange(first=first, last=first + count - 1))


def number(name: str, value: int) -> Metric:
    return Metric(name=name, datatype=DataType.UINT64, value=value)


def reading(alias: int = 1) -> Metric:
    return Metric(alias=alias, timestamp_ms=5, datatype=DataType.DOUBLE, value=1.5)


@given(readings_strategy, st.integers(1, BIG - 100), st.integers(0, BIG), st.integers(0, 255))
def test_roundtrip(readings: list[BlockReading], first: int, epoch: int, seq: int) -> None:
    sent = header(len(readings), first=first, epoch=epoch)
    payload = decode(encode_block(sent, readings, seq=seq, timestamp_ms=1_770_000_000_000))
    found = decode_block(payload, EDGE)
    assert found is not None
    assert found[0] == sent
    assert payload.seq == seq
    for metric, expected in zip(found[1], readings, strict=True):
        assert metric.name is None
        assert (metric.alias, metric.timestamp_ms, metric.value) == (expected.alias, expected.time_ms, expected.value)
        assert (metric.is_null, metric.is_historical) == (expected.value is None, expected.historical)
        assert metric.datatype == DataType.DOUBLE
        assert metric.quality == (None if expected.quality is Quality.GOOD else expected.quality.sparkplug)


def test_is_the_same_as_the_general_encoder() -> None:
    at = 1_770_000_000_000
    fast = encode_block(
        header(2),
        [BlockReading(alias=3, time_ms=at, value=2.5), BlockReading(alias=4, time_ms=at, value=None)],
        seq=9,
        timestamp_ms=at,
    )
    spool = (("Spool/Epoch", 7), ("Spool/First", 1), ("Spool/Last", 2))
    general = encode(
        Payload(
            timestamp_ms=at,
            seq=9,
            metrics=(
                *(Metric(name=n, timestamp_ms=at, datatype=DataType.UINT64, value=v) for n, v in spool),
                Metric(alias=3, timestamp_ms=at, datatype=DataType.DOUBLE, value=2.5),
                Metric(alias=4, timestamp_ms=at, datatype=DataType.DOUBLE, is_null=True),
            ),
        )
    )
    assert fast == general


def test_not_a_number_arrives_as_not_a_number() -> None:
    data = encode_block(header(1), [BlockReading(alias=1, time_ms=1, value=math.nan)], seq=0, timestamp_ms=1)
    found = decode_block(decode(data), EDGE)
    assert found is not None
    value = found[1][0].value
    assert isinstance(value, float)
    assert math.isnan(value)


def test_a_live_reading_costs_at_most_25_bytes() -> None:
    at = 1_770_000_000_000
    readings = [BlockReading(alias=i, time_ms=at + i, value=1.5) for i in range(1, 101)]
    assert len(encode_block(header(100), readings, seq=1, timestamp_ms=at)) < 25 * 100


def test_count_and_range_must_agree_before_sending() -> None:
    with pytest.raises(ValueError, match="2 numbers"):
        encode_block(header(2), [BlockReading(alias=1, time_ms=1, value=1.0)], seq=0, timestamp_ms=1)


def test_another_makers_data_is_no_block() -> None:
    assert decode_block(Payload(metrics=(Metric(name="Flow", datatype=10, value=1.0),)), EDGE) is None
    assert decode_block(Payload(), EDGE) is None


@pytest.mark.parametrize(
    "metrics",
    [
        (number("Spool/Epoch", 7), number("Spool/First", 1), reading()),
        (number("Spool/Epoch", 7), number("Spool/First", 1), number("Spool/Last", 2), reading()),
        (number("Spool/Epoch", 7), number("Spool/First", 0), number("Spool/Last", 0), reading()),
        (number("Spool/Epoch", 7), number("Spool/First", 5), number("Spool/Last", 4)),
        (number("Spool/Epoch", 7), number("Spool/First", 1), number("Spool/First", 1), number("Spool/Last", 1), reading()),
        (number("Spool/Epoch", 1 << 63), number("Spool/First", 1), number("Spool/Last", 1), reading()),
        (number("Spool/Epoch", 7), number("Spool/First", 1), number("Spool/Last", 1), number("Spool/Odd", 1), reading()),
        (number("Spool/Epoch", 7), number("Spool/First", 1), Metric(name="Spool/Last", datatype=12, value="1"), reading()),
    ],
)
def test_broken_blocks_are_refused(metrics: tuple[Metric, ...]) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_block(Payload(metrics=metrics), EDGE)
    assert caught.value.reason == "bad_block"


@given(st.data())
def test_a_truncated_block_never_passes_as_a_smaller_one(data: st.DataObject) -> None:
    readings = [BlockReading(alias=i, time_ms=1000 + i, value=i / 3) for i in range(1, 20)]
    whole = encode_block(header(len(readings)), readings, seq=0, timestamp_ms=1)
    seq_field = 2  # bytes of the last field; without it every reading is still there
    cut = data.draw(st.integers(0, len(whole) - seq_field - 1))
    try:
        found = decode_block(decode(whole[:cut]), EDGE)
    except DecodeError:
        return
    assert found is None  # cut before the first Spool metric: nothing in it to store
    assert decode(whole[:cut]).metrics == ()


def test_the_result_of_a_command_is_no_reading() -> None:
    result = Metric(name="Command/Result", datatype=DataType.STRING, value="{}")
    assert only_command_result(Payload(metrics=(result,)))
    assert not only_command_result(Payload(metrics=(result, reading())))
    assert not only_command_result(Payload())
