"""Rises of floating tanks come out the same by the hour and by the year, and say nothing while a pump was switched."""

from dataclasses import replace

import numpy as np
import pytest

from leak_detection.model.tank_rises import TankRises

_RNG = np.random.default_rng(4)
_DRIVERS = np.stack([np.where(np.arange(96) % 24 < 12, 50.0, 0.0), 4.0 + 0.1 * np.sin(np.arange(96) / 9)], axis=1)


def _rises(per_day):
    return TankRises(per_day=per_day, tanks=(1,), pumps=(0,), stands_m3h=(2.5,))


@pytest.mark.parametrize("per_day", [24, 48, 96])
def test_hours_and_the_whole_come_out_the_same(per_day):
    step = per_day // 24
    whole, by_hour = _rises(per_day).add(_DRIVERS), _rises(per_day)
    pieces = [by_hour.add(_DRIVERS[k : k + step]) for k in range(0, 96, step)]
    assert np.concatenate(pieces) == pytest.approx(whole, nan_ok=True)
    later = _DRIVERS.copy()
    later[50:] = _RNG.permutation(later[50:])
    assert _rises(per_day).add(later)[:50] == pytest.approx(whole[:50], nan_ok=True)


def test_a_rise_is_that_of_a_quarter_of_an_hour_and_none_while_a_pump_was_switched():
    rise = _rises(96).add(_DRIVERS)[:, 2]
    assert rise[8] == pytest.approx((_DRIVERS[8, 1] - _DRIVERS[7, 1]) * 4)
    assert np.flatnonzero(np.isnan(rise)).tolist() == [0, 12, 24, 36, 48, 60, 72, 84]


def test_without_floating_tanks_the_drivers_stay_as_they_are():
    assert TankRises(per_day=24).add(_DRIVERS) is _DRIVERS


@pytest.mark.parametrize("per_day", [24, 48, 288])
@pytest.mark.parametrize("late", [0, 1])
def test_readings_that_wait_come_out_the_same_by_the_hour_and_whole(per_day, late):
    step, pressure = per_day // 24, _RNG.normal(30.0, 1.0, (96, 2))
    rises = replace(_rises(per_day), late=late)
    by_hour = rises.anew()
    hours = [slice(k, k + step) for k in range(0, 96, step)]
    waited = np.concatenate([by_hour.wait(pressure[h]) for h in hours])
    known = np.concatenate([by_hour.add(_DRIVERS[h]) for h in hours])
    whole = rises.over(_DRIVERS)
    assert known[late:] == pytest.approx(whole[: 96 - late], nan_ok=True)
    assert waited[late:] == pytest.approx(pressure[: 96 - late])
    assert np.isnan(waited[:late]).all()
    assert np.isnan(known[:late]).all()
    assert np.isnan(whole[96 - late :, 2]).all()


def test_a_rise_may_be_that_until_the_next_row():
    rise = replace(_rises(96), late=1).over(_DRIVERS)[:, 2]
    assert rise[8] == pytest.approx((_DRIVERS[9, 1] - _DRIVERS[8, 1]) * 4)
    assert np.flatnonzero(np.isnan(rise)).tolist() == [11, 23, 35, 47, 59, 71, 83, 95]
