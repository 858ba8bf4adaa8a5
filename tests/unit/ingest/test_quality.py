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
from ingest.quality import EARLIEST_MS, ClockLimits, Values, collapsed, judge_times, judge_values

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


def test_only_the_first_skewed_reading_of_a_point_keeps_the_time_of_receipt() -> None:
    points = np.array([7, 7, 8, 7, 8, 9], np.int32)
    skewed = np.array([False, True, True, True, True, True])
    assert collapsed(points, skewed).tolist() == [False, False, False, True, True, False]
