"""Exact steps, plausible ranges, absent values, clocks."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.delivery import NULL_COUNT
from domain.points import Point, PointKey, PointKind, Role
from domain.quantities import Quantity
from domain.readings import Quality
from ingest.quality import EARLIEST_MS, ClockLimits, Values, by_age, judge_times, judge_values

LIMITS = ClockLimits(ahead_ms=300_000, retention_ms=10 * 365 * 86_400_000)
NOW_MS = 1_772_000_000_000


def judged(
    value: float, *, null: bool = False, code: int = 192, resolution: float = 0.01, low: float = np.nan, high: float = np.nan
) -> Values:
    return judge_values(
        np.array([value]), np.array([null]), np.array([code], np.int32), np.array([resolution]), np.array([low]), np.array([high])
    )


@given(st.floats(-1e9, 1e9), st.sampled_from(["1", "0.1", "0.01", "0.001", "0.0005", "0.25"]))
def test_counts_are_those_of_the_point(value: float, resolution: str) -> None:
    point = Point(
        key=PointKey("p"), quantity=Quantity.FLOW, kind=PointKind.INSTANT, role=Role.OTHER, resolution=Decimal(resolution)
    )
    assert judged(value, resolution=float(resolution)).counts[0] == point.counts(value)


@pytest.mark.parametrize(("value", "counts"), [(1.015, 102), (1.005, 100), (-1.015, -102), (0.125, 12), (2.675, 268), (0.0, 0)])
def test_ties_are_decided_in_decimals(value: float, counts: int) -> None:
    assert judged(value).counts[0] == counts


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_becomes_absent_and_bad(value: float) -> None:
    got = judged(value)
    assert got.counts[0] == NULL_COUNT
    assert got.quality[0] == Quality.BAD
    assert not got.out_of_range[0]


def test_null_is_bad_whatever_the_device_says() -> None:
    got = judged(12.0, null=True, code=192)
    assert (got.counts[0], got.quality[0]) == (NULL_COUNT, Quality.BAD)


@pytest.mark.parametrize(
    ("value", "code", "quality"),
    [
        (5.0, 192, Quality.GOOD),
        (0.0, 192, Quality.GOOD),
        (10.0, 192, Quality.GOOD),
        (-0.01, 192, Quality.SUSPECT),
        (10.01, 192, Quality.SUSPECT),
        (5.0, 500, Quality.SUSPECT),
        (5.0, 17, Quality.SUSPECT),
        (11.0, 0, Quality.BAD),
    ],
)
def test_range_and_the_devices_own_word(value: float, code: int, quality: Quality) -> None:
    got = judged(value, code=code, low=0.0, high=10.0)
    assert got.quality[0] == quality
    assert got.counts[0] == round(value * 100), "a suspect value is kept as it came, never clipped"


def test_without_limits_nothing_is_implausible() -> None:
    assert judged(-1e9).quality[0] == Quality.GOOD


@pytest.mark.parametrize("value", [1e300, -3.4e38, 1e15])
def test_more_steps_than_a_whole_number_holds_is_out_of_range(value: float) -> None:
    assert judged(value).out_of_range[0]


@pytest.mark.parametrize(
    ("time_ms", "kept", "skewed", "late"),
    [
        (NOW_MS, NOW_MS, False, False),
        (NOW_MS + 300_000, NOW_MS + 300_000, False, False),
        (NOW_MS + 300_001, NOW_MS, True, False),
        (4_070_908_800_000, NOW_MS, True, False),
        (-1, NOW_MS, True, False),
        (0, 0, False, True),
        (EARLIEST_MS - 1, EARLIEST_MS - 1, False, True),
        (NOW_MS - LIMITS.retention_ms - 1, NOW_MS - LIMITS.retention_ms - 1, False, True),
        (NOW_MS - LIMITS.retention_ms, NOW_MS - LIMITS.retention_ms, False, False),
    ],
)
def test_times(time_ms: int, kept: int, skewed: bool, late: bool) -> None:
    got = judge_times(np.array([time_ms]), NOW_MS, LIMITS)
    assert (got.time_ms[0], bool(got.skewed[0]), bool(got.late[0])) == (kept, skewed, late)


DAY_MS = 86_400_000
AHEAD = NOW_MS + 600_000
"""Ten minutes ahead of receipt."""


def aged(device_ms: list[int], series: list[int], sent_ms: int | None = None) -> list[int]:
    """Times less that of receipt."""
    device, limits = np.array(device_ms, np.int64), LIMITS
    times = judge_times(device, NOW_MS, limits)
    moved = by_age(times, device, np.array(series, np.intp), now_ms=NOW_MS, sent_ms=sent_ms, limits=limits)
    assert (moved.skewed == times.skewed).all()
    assert (moved.time_ms[~times.skewed] == device[~times.skewed]).all(), "what was believed stays"
    ages: list[int] = (moved.time_ms - NOW_MS).tolist()
    return ages


@pytest.mark.parametrize(
    ("device_ms", "series", "sent_ms", "expected"),
    [
        ([AHEAD], [0], None, [0]),
        ([AHEAD - 5000, AHEAD - 60_000, AHEAD], [0, 0, 0], None, [-5000, -60_000, 0]),
        # Two series each end at receipt, unless the sender says how old they are.
        ([AHEAD - 5000, AHEAD], [0, 1], None, [0, 0]),
        ([AHEAD - 5000, AHEAD], [0, 1], AHEAD + 200, [-5200, -200]),
        # A device ahead of its sender too: the sender's clock says nothing of it.
        ([AHEAD - 5000, AHEAD], [0, 0], NOW_MS, [-5000, 0]),
        # What is not ahead of receipt stays where it was.
        ([NOW_MS - 1000, AHEAD, AHEAD + 1], [0, 0, 0], None, [-1000, -1, 0]),
        # No step is longer than a day, whatever the year.
        ([4_070_908_800_000, AHEAD], [0, 0], None, [0, -DAY_MS]),
        ([AHEAD], [0], 2**63 - 1, [-DAY_MS]),
        # The same time of one series stays the same time: a repetition, or a conflict.
        ([AHEAD, AHEAD], [0, 0], None, [0, 0]),
        # Without any time: in their order, a millisecond apart.
        ([-1, -1, -1], [0, 0, 1], AHEAD, [-1, 0, 0]),
        ([-1, AHEAD, -1], [0, 0, 0], None, [-2, 0, -1]),
    ],
)
def test_skewed_readings_keep_order_and_age(
    device_ms: list[int], series: list[int], sent_ms: int | None, expected: list[int]
) -> None:
    assert aged(device_ms, series, sent_ms) == expected


@given(
    st.lists(st.tuples(st.integers(-1, 2**63 - 1) | st.integers(AHEAD, AHEAD + 10**7), st.integers(0, 2)), max_size=12),
    st.none() | st.integers(0, 2**63 - 1),
)
def test_order_is_kept_whatever_the_times(readings: list[tuple[int, int]], sent_ms: int | None) -> None:
    times = aged([t for t, _ in readings], [s for _, s in readings], sent_ms)
    skewed = [(s, t, moved) for (t, s), moved in zip(readings, times, strict=True) if t < 0 or t > NOW_MS + LIMITS.ahead_ms]
    assert all(moved <= 0 for _, _, moved in skewed)
    for series, device, moved in skewed:
        for other, later, after in skewed:
            if series == other and 0 <= device < later:
                assert moved < after
