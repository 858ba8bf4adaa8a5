"""A rise counts by what every part of the day but one shows, at one slope."""

import numpy as np
import pytest

from leak_detection.zone_balance import PER_DAY, TICK_H, BalanceRow
from leak_detection.zone_parts import DayParts

_METERS = np.array([2.0, 9.0, 7.0, 8.0])
_WAS = slice(0, 5 * PER_DAY)


def _rows(days, lift=(0.0, 0.0, 0.0, 0.0), use=1.0, start=0):
    for n in range(start, start + days * PER_DAY):
        meters = float(_METERS[n % PER_DAY] * use)
        yield BalanceRow(
            end_h=n * TICK_H, slope=1.2, usual_slope=1.2, leakage_m3h=0.0, residual_m3h=0.1, mean_inflow_m3h=0.0,
            mean_meters_m3h=0.0, usual_meters_m3h=meters, part_inflow_m3h=1.2 * meters + 3.0 + lift[n % PER_DAY],
            part_meters_m3h=meters,
        )  # fmt: skip


def _parts(*stretches):
    parts, n = DayParts(60 * PER_DAY), 0
    for days, lift, use, slope in stretches:
        for row in _rows(days, lift, use, n):
            parts.add(row, slope)
        n += days * PER_DAY
    return parts


def test_a_leak_runs_at_all_hours_and_counts_whole():
    assert _parts((10, (0, 0, 0, 0), 1.0, 1.2), (5, (2, 2, 2, 2), 1.3, 1.2)).rise(_WAS, 5) == pytest.approx(2.0)


@pytest.mark.parametrize("lift", [(4, 0, 0, 0), (0, 3, 0, 3), (0, 4, 0, 0)])
def test_what_runs_at_some_hours_alone_counts_for_nothing(lift):
    assert _parts((10, (0, 0, 0, 0), 1.0, 1.2), (5, lift, 1.0, 1.2)).rise(_WAS, 5) == pytest.approx(0.0)


def test_a_slope_that_came_down_is_no_rise():
    """At its own slope each level of the last days is higher; the volumes are as they were."""
    assert _parts((10, (0, 0, 0, 0), 1.0, 1.2), (5, (0, 0, 0, 0), 1.0, 1.1)).rise(_WAS, 5) == pytest.approx(0.0)


def test_missing_parts_and_no_parts_at_all():
    parts = _parts((10, (0, np.nan, 0, 0), 1.0, 1.2), (5, (2, np.nan, 2, 2), 1.0, 1.2))
    assert parts.rise(_WAS, 5) == pytest.approx(2.0)
    assert DayParts(8).rise(_WAS, 5) == float("inf")


def test_forgetting_keeps_the_order_and_the_size_is_bounded():
    parts = _parts((10, (0, 0, 0, 0), 1.0, 1.2), (5, (2, 2, 2, 2), 1.0, 1.2))
    parts.drop_last(2 * PER_DAY)
    assert len(parts) == 13 * PER_DAY
    assert parts.rise(_WAS, 3) == pytest.approx(2.0)
    parts.keep_last(PER_DAY)
    assert len(parts) == PER_DAY
    assert len(_parts((80, (0, 0, 0, 0), 1.0, 1.2))) == 60 * PER_DAY


def test_what_was_known_before_a_step_is_put_back_moved_by_it():
    parts = _parts((10, (0, 0, 0, 0), 1.0, 1.2), (6, (2, 2, 2, 2), 1.0, 1.2))
    before = parts.all_but(6 * PER_DAY)
    parts.keep_last(6 * PER_DAY)
    parts.put_back(before, 2.0)
    assert len(parts) == 16 * PER_DAY
    assert parts.rise(_WAS, 5) == pytest.approx(0.0)
