"""The daily balance: right slope and leakage, whoever disturbs some hours; nothing from the future."""

import numpy as np
import pytest

from leak_detection.zone_balance import hourly, mask_stuck, theil_sen
from tests.support.zone_balances import balance

_DAY = 10 + 8 * np.exp(-0.5 * ((np.arange(24) - 8) / 3) ** 2) + 6 * np.exp(-0.5 * ((np.arange(24) - 19) / 2.5) ** 2)


def _zone(days=40, leak=5.0, coverage=0.7, seed=1):
    rng = np.random.default_rng(seed)
    use = np.tile(_DAY, days) * rng.normal(1, 0.05, days * 24)
    return use + leak, use * coverage * rng.normal(1, 0.01, days * 24)


def test_slope_is_one_over_coverage_and_intercept_the_leak():
    inflow, meters = _zone()
    got = balance(inflow, meters)
    assert got.usual_slope[-1] == pytest.approx(1 / 0.7, rel=0.02)
    assert got.leakage_m3h[-1] == pytest.approx(5.0, abs=0.4)


@pytest.mark.parametrize("hours", [(1, 2, 3, 4), (12, 13, 14, 15), (22, 23, 0, 1, 2, 3, 4, 5)])
def test_unmetered_users_with_hours_of_their_own_are_no_leak_at_any_time_of_day(hours):
    inflow, meters = _zone()
    rng = np.random.default_rng(2)
    on = np.isin(np.arange(inflow.size) % 24, hours) & (rng.random(inflow.size) < 0.8)
    got = balance(inflow + on * 4.0, meters)
    assert np.nanmedian(got.leakage_m3h[60:]) == pytest.approx(5.0, abs=0.5)


def test_the_future_changes_nothing():
    inflow, meters = _zone()
    whole = balance(inflow, meters, np.full(inflow.size, 50.0))
    altered = inflow.copy()
    altered[600:] = np.random.default_rng(3).permutation(altered[600:]) * 3
    part = balance(altered, meters, np.full(inflow.size, 50.0))
    past = whole.end_h <= 600
    np.testing.assert_array_equal(whole.leakage_m3h[past], part.leakage_m3h[past])


def test_leakage_is_brought_to_the_reference_pressure():
    inflow, meters = _zone(leak=0.0)
    pressure = np.where(np.arange(inflow.size) < 700, 50.0, 40.0)
    got = balance(inflow + 5.0 * pressure / 50.0, meters, pressure, n1=1.0, reference_m=50.0)
    assert got.leakage_m3h[-1] == pytest.approx(5.0, abs=0.4)


def test_no_meters_or_a_flat_day_give_no_slope():
    assert np.isnan(theil_sen(np.full((1, 24), np.nan), np.ones((1, 24)))[0])
    assert np.isnan(theil_sen(np.ones((1, 24)), np.ones((1, 24)))[0])
    assert balance(np.ones(10), np.ones(10)).end_h.size == 0
    assert np.isnan(balance(np.ones(480), np.full(480, np.nan)).leakage_m3h).all()


def test_a_meter_that_stands_long_is_missing_from_then_on_but_zero_flow_is_a_reading():
    values = np.array([1.0, 2, 2, 2, 2, 3, 0, 0, 0, 0])
    np.testing.assert_array_equal(mask_stuck(values, 4), [1, 2, 2, 2, np.nan, 3, 0, 0, 0, 0])


def test_hours_need_half_of_their_values():
    np.testing.assert_array_equal(hourly(np.array([1.0, 3, np.nan, np.nan, 5, np.nan, np.nan, np.nan]), 4), [2, np.nan])
