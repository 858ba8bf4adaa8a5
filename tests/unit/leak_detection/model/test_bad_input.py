"""Bad input of the model layer: a clear error, or words that lower what is said; never a crash, never silence."""

import numpy as np
import pytest

from domain.errors import ConfigurationError
from leak_detection.model.burst_watch import BurstWatch
from leak_detection.model.gauge_faults import Screener, doubts, screen, set_all_right
from leak_detection.model.gauge_shape import ShapeSettings, shape_of
from leak_detection.model.residuals import daily_residuals, learn_regression

_PER_DAY, _GAUGES = 24, 6
_SIGNATURES = -0.008 * np.exp(-np.abs(np.arange(30)[:, None] * 100.0 - np.linspace(0, 2900, _GAUGES)[None, :]) / 900.0) - 0.002
_NAMES = ("n1", "n2", "n3", "n4", "n5", "n6")


def _town(days=90):
    rng = np.random.default_rng(3)
    inflow = 100 + 40 * np.sin(2 * np.pi * np.arange(days * _PER_DAY) / _PER_DAY) + rng.normal(0, 5, days * _PER_DAY)
    pressure = 50 - 6e-5 * (inflow**2)[:, None] * np.linspace(0.6, 1.4, _GAUGES) + rng.normal(0, 0.01, (inflow.size, _GAUGES))
    return pressure, inflow[:, None]


def test_a_gauge_that_never_spoke_is_said_and_the_others_are_used():
    pressure, flows = _town()
    pressure[:, 2] = np.nan
    seen = screen(pressure, flows, _PER_DAY, _SIGNATURES)
    assert not seen.usable[:, 2].any()
    assert np.delete(seen.usable, 2, axis=1).all()
    share, reason = doubts(seen.faults, _NAMES, 80)
    assert share.startswith("1 of 6 gauges are not used")
    assert reason == "n3 (dead): only 0% of the day's samples came, 50% are needed"
    residual = daily_residuals(pressure, flows, learn_regression(pressure, flows, 7 * _PER_DAY), _PER_DAY)
    assert np.isnan(residual[:, 2]).all()
    assert np.isfinite(np.delete(residual, 2, axis=1)).all()


def test_a_gauge_dead_for_a_month_comes_back():
    pressure, flows = _town()
    pressure[40 * _PER_DAY : 70 * _PER_DAY, 4] = np.nan
    seen = screen(pressure, flows, _PER_DAY, _SIGNATURES)
    (fault,) = seen.faults
    assert (fault.kind, fault.since_day, fault.until_day) == ("dead", 40, 70)
    assert seen.usable[70:].all()
    assert doubts(seen.faults, _NAMES, 55) != ()
    assert doubts(seen.faults, _NAMES, 75) == ()


def test_all_gauges_dead_for_a_day_is_no_leak_and_no_crash():
    pressure, flows = _town(40)
    pressure[30 * _PER_DAY : 31 * _PER_DAY] = np.nan
    seen = screen(pressure, flows, _PER_DAY, _SIGNATURES)
    assert not seen.usable[30].any()
    assert seen.usable[31:].all()
    watch = BurstWatch(signatures=_SIGNATURES, distance_m=np.zeros((30, 30)), per_day=_PER_DAY)
    rest = set_all_right(pressure, seen, _PER_DAY) - 50 + 6e-5 * flows**2 * np.linspace(0.6, 1.4, _GAUGES)
    assert all(watch.look(rest[k : k + 1]) is None for k in range(len(rest)))


def test_a_clock_an_hour_late_is_seen_in_hourly_readings_too():
    inflow = 100 + 60 * np.sin(2 * np.pi * np.arange(_PER_DAY) / _PER_DAY) + 30 * np.sin(6 * np.pi * np.arange(_PER_DAY) / _PER_DAY)
    explained = -1e-3 * (inflow**2)[:, None] * np.linspace(0.6, 1.4, _GAUGES)
    pressure = 50 + explained + np.random.default_rng(5).normal(0, 0.02, explained.shape)
    pressure[:, 3] = np.roll(pressure[:, 3], 1)
    assert shape_of(pressure, explained, ShapeSettings()).clock_samples.tolist() == [0, 0, 0, 1, 0, 0]


def test_gauges_that_do_not_match_the_signatures_are_an_error_with_both_numbers():
    pressure, flows = _town(2)
    with pytest.raises(ConfigurationError, match=r"\(24, 5\).*\(24, 6\)"):
        Screener(per_day=_PER_DAY, signatures=_SIGNATURES).look(pressure[:_PER_DAY, :5], flows[:_PER_DAY])
    watch = BurstWatch(signatures=_SIGNATURES, distance_m=np.zeros((30, 30)), per_day=_PER_DAY)
    with pytest.raises(ConfigurationError, match=r"5.*6"):
        watch.look(pressure[:1, :5])
    with pytest.raises(ConfigurationError, match=r"29.*30"):
        BurstWatch(signatures=_SIGNATURES, distance_m=np.zeros((29, 29)), per_day=_PER_DAY)
