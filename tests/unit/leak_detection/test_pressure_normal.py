from __future__ import annotations

import numpy as np
import pytest

from leak_detection.inputs import average_pressure
from leak_detection.pressure_normal import Leakage, estimate_leakage

LEAK = Leakage(flow_m3h=12.0, pressure_m=40.0)


def test_lower_pressure_takes_inflow_away_and_the_correction_gives_it_back() -> None:
    true = 12.0 * (30.0 / 40.0) ** 1.1
    assert 25.0 + true - LEAK.correction(np.array([30.0]), share=1.0)[0] == pytest.approx(37.0)
    assert LEAK.correction(np.array([40.0]))[0] == pytest.approx(0.0)
    assert LEAK.correction(np.array([50.0]))[0] > 0


def test_unknown_pressure_corrects_nothing_and_a_hole_keeps_the_last() -> None:
    assert Leakage(flow_m3h=12.0, pressure_m=float("nan")).correction(np.array([30.0])).tolist() == [0.0]
    held = LEAK.correction(np.array([np.nan, 30.0, np.nan]))
    assert held[0] == 0.0
    assert held[1] == held[2] < 0


def test_a_loss_moves_with_pressure() -> None:
    assert LEAK.at(10.0, 20.0) == pytest.approx(10.0 * 0.5**1.1)
    assert LEAK.at(10.0, float("nan")) == 10.0


def test_leakage_is_night_flow_less_lawful_use_and_never_negative() -> None:
    assert estimate_leakage(30.0, 10.0, 40.0).flow_m3h == 20.0
    assert estimate_leakage(8.0, 10.0, 40.0).flow_m3h == 0.0
    assert estimate_leakage(30.0, 0.0, 40.0).flow_m3h == 27.0
    assert estimate_leakage(float("nan"), 0.0, 40.0).flow_m3h == 0.0


def test_a_silent_or_biased_sensor_does_not_move_the_mean_pressure_by_its_own_level() -> None:
    low, middle, high = np.full(200, 25.0), np.full(200, 35.0), np.full(200, 45.0)
    low[140:] = np.nan
    high[170:] += 4.0
    mean = average_pressure([low, middle, high], 200)
    assert mean[:140] == pytest.approx(35.0)
    assert np.abs(mean[140:170] - 35.0).max() < 0.5
    assert np.abs(mean[170:] - 35.0).max() < 2.5
    assert np.isnan(average_pressure([], 3)).all()
