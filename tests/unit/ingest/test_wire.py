"""Payloads as columns, and the ways they can be wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from domain.errors import DecodeError
from ingest.reasons import Reason
from ingest.wire import ABSENT_TIME, BadBlock, Columns, Readings, columns, parse
from protocols.sparkplug.payload import DataType, Metric, Payload, encode
from protocols.sparkplug.schema import payload_class
from tests.support.uplink import EDGE, EPOCH, NOW_MS, STREAM, block, reading, series


def read(data: bytes, *, max_bytes: int = 1 << 20, max_readings: int = 20_000) -> Readings | None:
    return parse(data, EDGE, max_bytes=max_bytes, max_readings=max_readings)


def spool(**numbers: int) -> list[Metric]:
    return [Metric(name=f"Spool/{name}", datatype=DataType.UINT64, value=value) for name, value in numbers.items()]


def payload(*metrics: Metric, at_ms: int | None = NOW_MS) -> bytes:
    return encode(Payload(timestamp_ms=at_ms, seq=1, metrics=metrics))


def plain(alias: int = 1, value: float = 1.0) -> Metric:
    return Metric(alias=alias, timestamp_ms=NOW_MS, datatype=DataType.DOUBLE, value=value)


def values(data: bytes, declared: Sequence[int]) -> Columns:
    found = read(data)
    assert found is not None
    return columns(found, declared)


def test_a_block_keeps_the_order_of_the_spool() -> None:
    data = block([reading(1.5, alias=9), reading(None, alias=4, at_ms=NOW_MS), reading(2.5, alias=9)], first=11)
    found = read(data)
    assert found is not None
    assert found.stream == STREAM
    assert found.numbers is not None
    assert (found.numbers.first, found.numbers.last) == (11, 13)
    assert [found.labels[k] for k in found.which] == [9, 4, 9]
    assert found.time_ms.tolist() == [NOW_MS - 60_000, NOW_MS, NOW_MS - 60_000]
    cells = columns(found, [10, 10])
    assert cells.value.tolist() == [1.5, 0.0, 2.5]
    assert cells.null.tolist() == [False, True, False]
    assert not cells.mismatch.any()


def test_names_and_aliases_may_be_mixed_where_no_epoch_is_kept() -> None:
    found = read(payload(plain(7), Metric(name="flow", datatype=10, value=2.0), plain(7)))
    assert found is not None
    assert found.stream is None
    assert [found.labels[k] for k in found.which] == [7, "flow", 7]
    assert found.time_ms.tolist() == [NOW_MS, NOW_MS, NOW_MS], "a metric without time has the payload's"


def test_no_time_at_all_is_said() -> None:
    found = read(payload(Metric(name="flow", datatype=10, value=2.0), at_ms=None))
    assert found is not None
    assert found.time_ms.tolist() == [ABSENT_TIME]


@pytest.mark.parametrize(
    ("metric", "declared", "value", "mismatch"),
    [
        (Metric(alias=1, datatype=DataType.INT32, value=-5), DataType.INT32, -5.0, False),
        (Metric(alias=1, datatype=DataType.INT16, value=-5), 0, -5.0, False),
        (Metric(alias=1, datatype=DataType.UINT64, value=2**40), DataType.UINT64, 2.0**40, False),
        (Metric(alias=1, datatype=DataType.BOOLEAN, value=True), DataType.BOOLEAN, 1.0, False),
        (Metric(alias=1, datatype=DataType.FLOAT, value=0.5), DataType.FLOAT, 0.5, False),
        (Metric(alias=1, datatype=DataType.INT32, value=-5), DataType.DOUBLE, -5.0, True),
        (Metric(alias=1, datatype=DataType.STRING, value="5"), DataType.STRING, 0.0, True),
        (Metric(alias=1, datatype=DataType.BYTES, value=b"5"), 0, 0.0, True),
        (Metric(alias=1, datatype=DataType.DATETIME, value=5), DataType.DATETIME, 0.0, True),
    ],
)
def test_numbers_of_every_kind(metric: Metric, declared: int, value: float, mismatch: bool) -> None:
    got = values(payload(metric), [declared])
    assert (got.value[0], bool(got.mismatch[0])) == (value, mismatch)


def raw(fill: Any) -> bytes:
    message = payload_class()(timestamp=NOW_MS, seq=1)
    fill(message.metrics.add())
    data: bytes = message.SerializeToString()
    return data


def test_a_datatype_that_was_left_out_is_the_births() -> None:
    def minus_two(metric: Any) -> None:
        metric.alias, metric.int_value = 1, 2**32 - 2

    assert values(raw(minus_two), [DataType.INT32]).value[0] == -2.0


@pytest.mark.parametrize("field", ["int_value", "string_value", None])
def test_a_double_that_is_none(field: str | None) -> None:
    def fill(metric: Any) -> None:
        metric.alias, metric.datatype = 1, int(DataType.DOUBLE)
        if field:
            setattr(metric, field, "7" if field == "string_value" else 7)

    assert values(raw(fill), [DataType.DOUBLE]).mismatch[0]


def test_a_double_under_another_name_is_a_mismatch() -> None:
    def fill(metric: Any) -> None:
        metric.alias, metric.datatype, metric.double_value = 1, int(DataType.INT32), 7.0

    assert values(raw(fill), [0]).mismatch[0]


def test_the_quality_property() -> None:
    got = values(payload(plain(), Metric(alias=1, datatype=10, value=1.0, quality=500)), [10])
    assert got.quality.tolist() == [192, 500]


def test_a_result_of_a_command_is_no_reading() -> None:
    assert read(payload(Metric(name="Command/Result", datatype=DataType.STRING, value="{}"))) is None
    assert read(payload()) is None


@pytest.mark.parametrize(
    ("header", "covered"),
    [
        ({"Epoch": EPOCH, "First": 5, "Last": 6}, (5, 6)),
        ({"Epoch": EPOCH, "First": 5, "Last": 7}, (5, 7)),
        ({"Epoch": EPOCH, "First": 1, "Last": 20_001}, None),
        ({"Epoch": EPOCH, "First": 1, "Last": 2**62}, None),
        ({"Epoch": EPOCH, "First": 6, "Last": 5}, None),
        ({"Epoch": EPOCH, "First": 0, "Last": 0}, None),
        ({"Epoch": 0, "First": 5, "Last": 6}, None),
        ({"First": 5, "Last": 6}, None),
        ({"Epoch": EPOCH, "First": 5}, None),
        ({"Epoch": EPOCH, "First": 5, "Last": 5, "Committed": 4}, None),
        ({"Epoch": 2**63, "First": 5, "Last": 5}, None),
    ],
)
def test_a_block_whose_numbers_do_not_fit(header: dict[str, int], covered: tuple[int, int] | None) -> None:
    with pytest.raises(BadBlock) as caught:
        read(payload(*spool(**header), plain()))
    assert caught.value.reason == Reason.BAD_BLOCK
    numbers = caught.value.numbers
    assert (None if numbers is None else (numbers.first, numbers.last)) == covered


def test_a_doubled_header_is_a_bad_block() -> None:
    with pytest.raises(BadBlock):
        read(payload(*spool(Epoch=EPOCH, First=1, Last=1), *spool(Last=2), plain()))


def test_too_many_readings_cover_their_range() -> None:
    with pytest.raises(BadBlock) as caught:
        read(block(series(11)), max_readings=10)
    assert caught.value.reason == Reason.OVERSIZE
    assert caught.value.numbers is not None
    assert len(caught.value.numbers) == 11
    found = read(block(series(10)), max_readings=10)
    assert found is not None
    assert len(found) == 10


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x12\x05\x0a\x03ab", Reason.DECODE_ERROR),
        (b"\xff" * 9, Reason.DECODE_ERROR),
        (bytes(2000), Reason.OVERSIZE),
        (b"\x12\x00" * 50, Reason.OVERSIZE),
    ],
)
def test_what_is_no_payload(data: bytes, reason: Reason) -> None:
    with pytest.raises(DecodeError) as caught:
        read(data, max_bytes=1000, max_readings=20)
    assert caught.value.reason == reason


def test_a_name_that_is_not_utf8_is_a_name_nobody_knows() -> None:
    found = read(b"\x12\x04\x0a\x02\xff\xfe")
    assert found is not None
    assert found.labels == ("\ufffd\ufffd",)


def test_every_cut_of_a_block_is_refused_or_whole() -> None:
    data = block(series(3))
    for end in range(1, len(data)):
        try:
            found = read(data[:end])
        except DecodeError:
            continue
        assert found is None or len(found) == 3, "either nothing to be read, or all that was sent"
