"""The balance of a part behind a tank: exact on whole days, and none where a hole in the readings would look like a leak."""

from __future__ import annotations

import numpy as np
import pytest

from domain.series import FloatArray
from leak_detection.tank_balance import tank_balance_m3h

_AREA_M2, _LEAK_M3H, _USE_M3H, _PUMP_M3H = 200.0, 4.0, 16.0, 40.0


def _part(rows: int = 288, days: int = 6) -> tuple[FloatArray, FloatArray, FloatArray]:
    """A pump that runs in turns of hours, the level that follows, and the customers."""
    hours = 24.0 / rows
    pumped = np.where((np.arange(days * rows) * hours) % 5.0 < 2.5, _PUMP_M3H, 0.0)
    level = 2.5 + np.cumsum(pumped - _LEAK_M3H - _USE_M3H) * hours / _AREA_M2
    return pumped.reshape(days, rows), level.reshape(days, rows), np.full(days, _USE_M3H)


@pytest.mark.parametrize("rows", [24, 96, 288])
def test_whole_days_give_what_is_lost(rows: int):
    inflow, level, use = _part(rows)
    lost = tank_balance_m3h(inflow, level, use, _AREA_M2)
    # The middle of three levels lags by a row: what is pumped in that time, on the day's mean.
    assert lost[1:] == pytest.approx(_LEAK_M3H, abs=1.01 * _PUMP_M3H / rows)


def test_a_level_that_is_not_known_at_midnight_leaves_both_days_without_a_balance():
    inflow, level, use = _part()
    level[2, -80:] = np.nan
    lost = tank_balance_m3h(inflow, level, use, _AREA_M2)
    assert np.isnan(lost).tolist() == [False, False, True, True, False, False]
    assert lost[[1, 4, 5]] == pytest.approx(_LEAK_M3H, abs=1.01 * _PUMP_M3H / 288)


def test_a_pump_that_is_not_seen_for_hours_leaves_its_day_without_one():
    inflow, level, use = _part()
    inflow[3, 100:130] = np.nan
    assert np.isnan(tank_balance_m3h(inflow, level, use, _AREA_M2)).tolist() == [False] * 3 + [True] + [False] * 2


def test_single_samples_that_are_missing_cost_nothing():
    inflow, level, use = _part()
    holes = np.random.default_rng(2).random(inflow.shape) < 0.05
    inflow[holes], level[holes] = np.nan, np.nan
    lost = tank_balance_m3h(inflow, level, use, _AREA_M2)
    assert lost[1:] == pytest.approx(_LEAK_M3H, abs=1.0)


def test_nothing_read_at_all_is_no_balance():
    inflow, level, use = _part(days=3)
    inflow[:], level[:] = np.nan, np.nan
    assert np.isnan(tank_balance_m3h(inflow, level, use, _AREA_M2)).all()
