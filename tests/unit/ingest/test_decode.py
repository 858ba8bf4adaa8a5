"""Rows and letters of one block: every number ends in exactly one of the two."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.delivery import NULL_COUNT, BlockRows, SequenceRange
from domain.ports import ChannelRow
from domain.readings import Quality
from ingest.channels import Fault
from ingest.decode import Decoded, Origin, Target, decode, refused_block
from ingest.quality import ClockLimits
from ingest.reasons import Reason
from ingest.wire import parse
from protocols.sparkplug.blocks import BlockReading
from tests.support.ingest_store import channel
from tests.support.uplink import DATA, DEVICE, EDGE, NOW_MS, STREAM, block, reading

LIMITS = ClockLimits(ahead_ms=300_000, retention_ms=3650 * 86_400_000)
YEAR_2099 = 4_070_908_800_000


def target(*rows: ChannelRow, datatype: int = 10) -> Target:
    return Target(metric="flow_m3h", datatype=datatype, channels=rows or (channel(EDGE, DEVICE, "flow_m3h", 41),))


def decoded(readings: Sequence[BlockReading], targets: Sequence[Target | Fault], *, first: int = 1) -> Decoded:
    data = block(readings, first=first)
    found = parse(data, EDGE, max_bytes=1 << 20, max_readings=20_000)
    assert found is not None
    origin = Origin(edge=EDGE, device=DEVICE, topic=DATA, payload=data, received_ms=NOW_MS)
    return decode(found, targets, origin, LIMITS)


def numbers(rows: BlockRows) -> list[int]:
    """Every sequence number that ended somewhere, as often as it did."""
    dead = [n for d in rows.dead if d.first and d.last for n in range(d.first, d.last + 1)]
    return sorted(rows.sequence.tolist() + dead)


def test_a_good_block_is_rows_alone() -> None:
    rows = decoded([reading(12.34), reading(None, at_ms=NOW_MS)], [target()], first=7).rows
    assert rows.stream == STREAM
    assert rows.range == SequenceRange(first=7, last=8)
    assert rows.sequence.tolist() == [7, 8]
    assert rows.point_id.tolist() == [41, 41]
    assert rows.counts.tolist() == [1234, NULL_COUNT]
    assert rows.quality.tolist() == [Quality.GOOD, Quality.BAD]
    assert rows.time_ms.tolist() == [NOW_MS - 60_000, NOW_MS]
    assert rows.dead == ()
    assert (rows.point_id.dtype, rows.quality.dtype) == (np.int32, np.int16)


def test_nan_is_a_flagged_row() -> None:
    rows = decoded([reading(float("nan")), reading(float("inf"))], [target()]).rows
    assert rows.counts.tolist() == [NULL_COUNT, NULL_COUNT]
    assert rows.quality.tolist() == [Quality.BAD, Quality.BAD]


def test_readings_of_a_clock_far_ahead_are_stored_by_their_age() -> None:
    got = decoded([reading(1.0, at_ms=YEAR_2099), reading(2.0, at_ms=YEAR_2099 + 1000), reading(3.0)], [target()])
    assert got.rows.time_ms.tolist() == [NOW_MS - 1000, NOW_MS, NOW_MS - 60_000]
    assert got.rows.counts.tolist() == [100, 200, 300]
    assert got.rows.quality.tolist() == [Quality.CLOCK, Quality.CLOCK, Quality.GOOD]
    assert got.rows.device_ms is not None
    assert got.rows.device_ms.tolist() == [YEAR_2099, YEAR_2099 + 1000, NOW_MS - 60_000]
    assert got.rows.dead == ()
    assert got.skewed == 2
    assert got.worst_skew_ms == YEAR_2099 + 1000 - NOW_MS
    assert decoded([reading(3.0)], [target()]).rows.device_ms is None


def test_a_bad_value_with_a_bad_clock_stays_bad() -> None:
    assert decoded([reading(None, at_ms=YEAR_2099)], [target()]).rows.quality.tolist() == [Quality.BAD]


def test_late_and_unrepresentable_readings_are_letters_by_run() -> None:
    readings = [reading(1.0), reading(1.0, at_ms=1000), reading(1.0, at_ms=2000), reading(1e300), reading(2.0, at_ms=NOW_MS)]
    rows = decoded(readings, [target()], first=100).rows
    assert rows.sequence.tolist() == [100, 104]
    assert [(d.reason, d.first, d.last) for d in rows.dead] == [(Reason.LATE_READING, 101, 102), (Reason.OUT_OF_RANGE, 103, 103)]
    assert "1e+300" in rows.dead[1].detail
    assert [bool(d.payload) for d in rows.dead] == [True, False], "the bytes are kept once a block"


def test_faults_with_one_reason_share_one_letter() -> None:
    faults = [Fault(reason=Reason.UNKNOWN_METRIC, detail=f"no {name}") for name in "ab"]
    rows = decoded([reading(1.0, alias=1 + i % 2) for i in range(6)], faults).rows
    assert [(d.first, d.last, d.detail) for d in rows.dead] == [(1, 6, "no a; no b")]
    assert rows.dead[0].epoch == STREAM.epoch


def test_the_channel_is_the_one_valid_at_the_time_of_the_reading() -> None:
    swap = NOW_MS - 50_000
    old = channel(EDGE, DEVICE, "flow_m3h", 1, valid_to_ms=swap, resolution=1.0)
    new = channel(EDGE, DEVICE, "flow_m3h", 2, valid_from_ms=swap, valid_to_ms=NOW_MS)
    rows = decoded([reading(5.0, at_ms=t) for t in (swap - 1, swap, NOW_MS)], [target(old, new)]).rows
    assert rows.point_id.tolist() == [1, 2]
    assert rows.counts.tolist() == [5, 500]
    assert [(d.reason, d.first) for d in rows.dead] == [(Reason.UNKNOWN_METRIC, 3)]


def test_a_wrong_datatype_is_a_letter() -> None:
    rows = decoded([reading(5.0)], [target(datatype=3)]).rows
    assert [(d.reason, d.first, d.last) for d in rows.dead] == [(Reason.TYPE_MISMATCH, 1, 1)]
    assert "10" in rows.dead[0].detail
    assert "3" in rows.dead[0].detail


def test_a_refused_block_covers_all_its_numbers() -> None:
    rows = refused_block(STREAM, SequenceRange(first=3, last=9), "sql_rejected", "why\x00", payload=b"x")
    assert numbers(rows) == list(range(3, 10))
    assert rows.sequence.size == 0
    assert "\x00" not in rows.dead[0].detail


moments = st.sampled_from([0, 1000, NOW_MS - 60_000, NOW_MS, NOW_MS + 200_000, YEAR_2099]) | st.integers(0, 253_402_300_799_999)
anything = st.builds(
    BlockReading,
    alias=st.integers(1, 3),
    time_ms=moments,
    value=st.none() | st.floats(width=64),
    quality=st.sampled_from([Quality.GOOD, Quality.BAD, Quality.SUSPECT]),
)


@pytest.mark.parametrize("first", [1, 2**62])
@given(readings=st.lists(anything, min_size=1, max_size=30))
def test_every_number_ends_in_exactly_one_place(first: int, readings: list[BlockReading]) -> None:
    by_alias: dict[int, Target | Fault] = {
        1: target(),
        2: target(channel(EDGE, DEVICE, "x", 5, valid_from_ms=NOW_MS - 60_000)),
        3: Fault(reason=Reason.UNKNOWN_METRIC, detail="no"),
    }
    rows = decoded(readings, [by_alias[a] for a in sorted({r.alias for r in readings})], first=first).rows
    assert numbers(rows) == list(range(first, first + len(readings)))
    assert (rows.time_ms <= NOW_MS + 300_000).all()
    skewed = rows.quality == Quality.CLOCK
    assert (rows.time_ms[skewed] <= NOW_MS).all()
