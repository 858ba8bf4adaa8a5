"""A receipt says what is committed, never more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.delivery import Receipt, SequenceRange, Stream
from domain.errors import DecodeError
from protocols.sparkplug.payload import DataType, Metric, Payload, Value, decode, encode
from protocols.sparkplug.receipts import MAX_RANGES, decode_receipt, encode_rebirth, encode_receipt, is_rebirth

EDGE = "demo/gw-north"
BIG = (1 << 63) - 1


@st.composite
def receipts(draw: st.DrawFn) -> Receipt:
    committed = draw(st.integers(0, BIG - 100_000))
    at, above = committed + 1, []
    for gap, length in draw(st.lists(st.tuples(st.integers(1, 50), st.integers(1, 50)), max_size=MAX_RANGES)):
        above.append(SequenceRange(first=at + gap, last=at + gap + length - 1))
        at = above[-1].last
    return Receipt(stream=Stream(edge=EDGE, epoch=draw(st.integers(0, BIG))), committed=committed, above=tuple(above))


@given(receipts())
def test_roundtrip(receipt: Receipt) -> None:
    assert decode_receipt(decode(encode_receipt(receipt, timestamp_ms=1)), EDGE) == receipt


def test_of_many_ranges_the_lowest_are_sent() -> None:
    above = tuple(SequenceRange(first=i * 10, last=i * 10 + 3) for i in range(1, 100))
    receipt = Receipt(stream=Stream(edge=EDGE, epoch=1), committed=5, above=above)
    found = decode_receipt(decode(encode_receipt(receipt)), EDGE)
    assert found is not None
    assert found.above == above[:MAX_RANGES]


def payload(committed: Value = 10, ranges: str | None = "", epoch: int | None = 7) -> Payload:
    metrics = [Metric(name="Spool/Committed", datatype=DataType.UINT64, value=committed)]
    if epoch is not None:
        metrics.append(Metric(name="Spool/Epoch", datatype=DataType.UINT64, value=epoch))
    if ranges is not None:
        metrics.append(Metric(name="Spool/Ranges", datatype=DataType.STRING, value=ranges))
    return Payload(metrics=tuple(metrics))


def test_ranges_may_be_left_out() -> None:
    assert decode_receipt(payload(ranges=None), EDGE) == Receipt(stream=Stream(edge=EDGE, epoch=7), committed=10)


@pytest.mark.parametrize(
    "wrong",
    [
        payload(epoch=None),
        payload(committed=-1),
        payload(committed="10"),
        payload(committed=None),
        payload(committed=True),
        payload(ranges="11-12"),  # 11 would belong to the prefix
        payload(ranges="12-11"),
        payload(ranges="20-30,25-40"),
        payload(ranges="20-30,12-13"),
        payload(ranges="20"),
        payload(ranges="20-"),
        payload(ranges="-20"),
        payload(ranges="20-30,"),
        payload(ranges=" 20-30"),
        payload(ranges="٢٠-٣٠"),
        payload(ranges="20-99999999999999999999"),
        payload(ranges="9" * 3000),
        Payload(metrics=payload().metrics * 2),
    ],
)
def test_broken_receipts_are_refused(wrong: Payload) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_receipt(wrong, EDGE)
    assert caught.value.reason == "bad_receipt"


@given(st.text(alphabet="0123456789-, ", max_size=40))
def test_any_text_for_ranges_raises_nothing_but_decode_error(text: str) -> None:
    try:
        found = decode_receipt(payload(ranges=text), EDGE)
    except DecodeError:
        return
    assert found is not None
    assert all(r.first > 11 for r in found.above)


def test_rebirth() -> None:
    asked = decode(encode_rebirth(timestamp_ms=5))
    assert is_rebirth(asked)
    assert decode_receipt(asked, EDGE) is None
    assert not is_rebirth(payload())
    refused = Metric(name="Node Control/Rebirth", datatype=DataType.BOOLEAN, value=False)
    assert not is_rebirth(decode(encode(Payload(metrics=(refused,)))))
