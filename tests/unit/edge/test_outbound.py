"""A block on the wire is the block in the spool."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from domain.delivery import SequenceRange, Stream
from domain.readings import Quality
from edge.outbound import block_payload
from edge.readings import READING, Block, BlockHead, Lane
from protocols.sparkplug.blocks import decode_block
from protocols.sparkplug.payload import decode

STREAM = Stream(edge="g/n", epoch=2**61 + 3)
FRESH = 1_772_000_000_000
row = st.tuples(
    st.integers(1, 2**31), st.integers(0, 2 * FRESH), st.floats(allow_infinity=False), st.sampled_from([int(q) for q in Quality])
)


@given(st.lists(row, min_size=1, max_size=50), st.integers(1, 2**60), st.booleans())
def test_round_trip(readings: list[tuple[int, int, float, int]], first: int, historical: bool) -> None:
    rows = np.array(readings, dtype=READING)
    numbers = SequenceRange(first=first, last=first + len(rows) - 1)
    block = Block(head=BlockHead(range=numbers, device="m", lane=Lane.LIVE, historical=historical), rows=rows)
    found = decode_block(decode(block_payload(block, STREAM, seq=7, now_ms=FRESH, fresh_ms=FRESH)), "g/n")
    assert found is not None
    header, metrics = found
    assert (header.stream, header.range) == (STREAM, numbers)
    for metric, (alias, time_ms, value, quality) in zip(metrics, readings, strict=True):
        assert (metric.alias, metric.timestamp_ms, metric.datatype) == (alias, time_ms, 10)
        assert metric.is_null if np.isnan(value) else metric.value == value
        assert metric.is_historical is (historical or time_ms < FRESH)
        assert (192 if metric.quality is None else metric.quality) == Quality(quality).sparkplug
