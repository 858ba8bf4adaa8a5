"""Gap records travel whole, and nothing else is taken for one."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.delivery import GapPoint, GapRecord, SequenceRange, Stream
from domain.errors import DecodeError
from protocols.sparkplug.gaps import GAP_MARK, MAX_READINGS, decode_gap, encode_gap
from protocols.sparkplug.payload import DataType, Metric, Payload, Value, decode, encode

STREAM = Stream(edge="g/n", epoch=77)
NOW_MS = 1_772_000_000_000
names = st.text(max_size=20).filter(lambda s: s.isprintable())
times = st.none() | st.integers(-(2**62), 2**62)
points = st.builds(GapPoint, device=names, metric=names, readings=st.integers(1, MAX_READINGS))
records = st.builds(
    GapRecord,
    range=st.builds(lambda a, n: SequenceRange(first=a, last=a + n), st.integers(1, 2**60), st.integers(0, MAX_READINGS - 1)),
    reason=st.sampled_from(["spool_full", "damaged", "purged"]),
    at_ms=st.integers(0, 2**50),
    from_ms=times,
    to_ms=times,
    points=st.lists(points, max_size=5).map(tuple),
)


@given(records)
def test_a_record_comes_back_as_it_was(record: GapRecord) -> None:
    data = encode_gap(STREAM, record, seq=3, timestamp_ms=NOW_MS)
    assert GAP_MARK in data
    assert decode_gap(decode(data), STREAM.edge) == (STREAM, record)


def test_other_payloads_carry_none() -> None:
    assert decode_gap(Payload(metrics=(Metric(name="flow_m3h", datatype=DataType.DOUBLE, value=1.0),)), "g/n") is None


GOOD = {"reason": "damaged", "at": 1, "from": None, "to": 2, "points": [["d", "m", 3]]}


def payload(text: Value = None, *, first: int = 1, last: int = 3, epoch: int = 77, more: tuple[Metric, ...] = ()) -> Payload:
    numbers = [("Spool/Epoch", epoch), ("Spool/First", first), ("Spool/Last", last)]
    metrics = [Metric(name=name, datatype=DataType.UINT64, value=value) for name, value in numbers]
    said = Metric(name="Spool/Gap", datatype=DataType.STRING, value=json.dumps(GOOD) if text is None else text)
    return decode(encode(Payload(metrics=(*metrics, said, *more))))


def test_the_good_one_is_good() -> None:
    assert decode_gap(payload(), "g/n") is not None


@pytest.mark.parametrize(
    "wrong",
    [
        payload(""),
        payload("[" * 5000),
        payload("null"),
        payload(json.dumps({**GOOD, "reason": "no words"})),
        payload(json.dumps({**GOOD, "reason": ""})),
        payload(json.dumps({**GOOD, "at": 2**70})),
        payload(json.dumps({**GOOD, "from": "x"})),
        payload(json.dumps({**GOOD, "points": [["d", "m"]]})),
        payload(json.dumps({**GOOD, "points": [["d", "m", 0]]})),
        payload(json.dumps({**GOOD, "points": [["d", "m", 1]] * 300})),
        payload(json.dumps({k: v for k, v in GOOD.items() if k != "to"})),
        payload(first=0),
        payload(first=4),
        payload(last=MAX_READINGS + 1),
        payload(epoch=0),
        payload(more=(Metric(name="flow_m3h", datatype=DataType.DOUBLE, value=1.0),)),
        payload(more=(Metric(name="Spool/First", datatype=DataType.UINT64, value=1),)),
        Payload(metrics=(Metric(name="Spool/Gap", datatype=DataType.STRING, value="{}"),)),
    ],
)
def test_what_is_none_is_refused(wrong: Payload) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_gap(wrong, "g/n")
    assert caught.value.reason == "bad_gap"
