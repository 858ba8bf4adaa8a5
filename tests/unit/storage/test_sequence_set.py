"""Sets of numbers as ranges against Python's own sets."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from domain.delivery import SequenceRange
from storage.sequence_set import EMPTY, SequenceSet

pairs = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 6)).map(lambda p: (p[0], p[0] + p[1])), max_size=12)


def plain(ranges: list[tuple[int, int]]) -> set[int]:
    return {n for start, end in ranges for n in range(start, end)}


def listed(numbers: SequenceSet) -> list[int]:
    return [n for start, end in zip(numbers.starts, numbers.ends, strict=True) for n in range(start, end)]


@given(pairs, pairs)
def test_union_difference_length_and_membership(one: list[tuple[int, int]], two: list[tuple[int, int]]) -> None:
    a, b = SequenceSet.of(one), SequenceSet.of(two)
    assert listed(a) == sorted(plain(one))
    assert listed(a | b) == sorted(plain(one) | plain(two))
    assert listed(a - b) == sorted(plain(one) - plain(two))
    assert len(a) == len(plain(one))
    everything = np.arange(0, 60, dtype=np.int64)
    assert everything[a.contains(everything)].tolist() == listed(a)
    assert SequenceSet.of_numbers(np.array(listed(a) * 2, dtype=np.int64)) == a
    assert all(a.ends[:-1] < a.starts[1:])


@given(pairs)
def test_prefix_and_ranges_above_say_the_same_set(ranges: list[tuple[int, int]]) -> None:
    numbers = SequenceSet.of(ranges)
    prefix = numbers.prefix()
    assert prefix == next(n for n in range(60) if n + 1 not in plain(ranges))
    above = numbers.ranges_above(prefix)
    assert set(range(1, prefix + 1)) | {n for r in above for n in range(r.first, r.last + 1)} == plain(ranges)


def test_the_literal_is_postgresqls() -> None:
    assert SequenceSet.of([(205, 300), (1, 101)]).literal() == "{[1,101),[205,300)}"
    assert EMPTY.literal() == "{}"


def test_large_sets_list_no_numbers() -> None:
    giant = SequenceSet.of([(1, 2**62)])
    assert len(giant - SequenceSet.of([(10, 20)])) == 2**62 - 11
    assert (giant - SequenceSet.of([(10, 20)])).ranges_above(9) == (SequenceRange(first=20, last=2**62 - 1),)
