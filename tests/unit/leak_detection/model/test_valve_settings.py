"""A turned valve is known by what it does to all gauges behind it; a leak, a drift or a network without valves is none."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leak_detection.model.history import begin
from leak_detection.model.ledger import Ledger
from leak_detection.model.ledger_records import LedgerSettings
from leak_detection.model.valve_settings import SettingLimits, days_of, new_settings_m
from tests.support.pipe_line import GAUGES, PLACES, pipe_line

_BEHIND = np.array([[1.0] * 4 + [0.0] * 4, [0.0] * 4 + [1.0] * 4])
_NOISE_M = 0.005
_COVARIANCE = _NOISE_M**2 * np.eye(GAUGES)


@pytest.fixture(name="net", scope="module")
def _net():
    return replace(pipe_line(error=0.1), wander_m=_BEHIND)


@given(
    first_m=st.floats(0.25, 2.0), second_m=st.floats(-2.0, -0.25), more=st.lists(st.floats(-2, 2), min_size=GAUGES, max_size=GAUGES)
)
def test_each_valve_is_told_by_its_own_gauges(net, first_m, second_m, more):
    change = np.array([first_m, second_m]) @ _BEHIND + _NOISE_M * np.array(more)
    assert new_settings_m(change, _COVARIANCE, net) == pytest.approx([first_m, second_m], abs=2 * _NOISE_M)


@given(place=st.integers(0, PLACES - 1), flow_m3h=st.floats(2.0, 40.0), sign=st.sampled_from([1.0, -1.0]))
def test_a_leak_or_its_end_is_no_setting(net, place, flow_m3h, sign):
    assert new_settings_m(sign * flow_m3h * net.at(flow_m3h)[place], _COVARIANCE, net) is None


def test_centimetres_are_drift(net):
    assert new_settings_m(0.19 * _BEHIND[0], _COVARIANCE, net) is None
    assert new_settings_m(0.19 * _BEHIND[0], _COVARIANCE, net, SettingLimits(least_m=0.1)) is not None


def test_what_settings_explain_in_part_alone_is_none(net):
    change = _BEHIND[0] * 0.5 + np.array([0, 0, 0, 0, 0.3, -0.3, 0.3, -0.3])
    assert new_settings_m(change, _COVARIANCE, net) is None


def test_what_a_leak_explains_as_well_is_none(net):
    alike = replace(net, change_m=np.concatenate([net.change_m, -0.03 * _BEHIND[None, :1].repeat(2, axis=0)], axis=1))
    assert new_settings_m(-0.5 * _BEHIND[0], _COVARIANCE, net) is not None
    assert new_settings_m(-0.5 * _BEHIND[0], _COVARIANCE, alike) is None


@pytest.mark.parametrize("wander_m", [None, np.empty((0, GAUGES))])
def test_without_valves_there_is_no_setting(wander_m):
    assert new_settings_m(_BEHIND[0], _COVARIANCE, replace(pipe_line(error=0.1), wander_m=wander_m)) is None


def test_the_days_beside_it_may_hold_a_part():
    assert days_of(70) == (69, 70, 71)


def _turned(net, *, days=120, metres=0.6):
    """A valve turned down at noon of day 60, and back at noon of day 80; a leak from day 70 on."""
    residual = np.random.default_rng(3).normal(0, _NOISE_M, (days, GAUGES))
    for day, change in ((60, -metres), (80, metres)):
        residual[day] += 0.5 * change * _BEHIND[1]
        residual[day + 1 :] += change * _BEHIND[1]
    residual[70:] += 8.0 * net.at(8.0)[22]
    return residual


def _replay(net, residual):
    ledger = Ledger(signatures=net)
    return [leak for day in range(1, len(residual) + 1) for leak in ledger.look(residual[:day])], ledger


def test_a_valve_that_is_turned_and_turned_back_hides_no_leak_and_makes_none(net):
    leaks, ledger = _replay(net, _turned(net))
    assert [leak.start_day for leak in leaks] == [70]
    assert net.distance_m[leaks[0].place.index, 22] <= 200
    assert leaks[0].end_day is None
    assert {course.start_day for course in ledger.set_courses} >= {60, 61, 80, 81}
    assert set(ledger.set_courses) <= set(ledger.courses)


def test_without_knowing_settings_the_same_record_says_something_else(net):
    leaks, ledger = _replay(replace(net, wander_m=None), _turned(net))
    assert ledger.set_courses == []
    assert [leak.start_day for leak in leaks] != [70] or leaks[0].end_day is not None


def test_what_is_not_clear_enough_is_not_looked_at(net):
    ledger = Ledger(signatures=net, settings=LedgerSettings(setting=SettingLimits(least_glr=1e9)))
    for day in range(55, 66):
        ledger.look(_turned(net)[:day])
    assert ledger.set_courses == []


def test_a_past_is_searched_beside_what_settings_changed(net):
    ledger = Ledger(signatures=net)
    (leak,) = begin(ledger, _turned(net, days=200, metres=2.0), [])
    assert len(ledger.set_courses) >= 6
    assert len(set(ledger.courses)) == len(ledger.courses)
    assert all(abs(course.start_day - 70) <= 3 for course in set(ledger.courses) - set(ledger.set_courses))
    assert net.distance_m[leak.place.index, 22] <= 200
    assert leak.place.flow_m3h == pytest.approx(8.0, rel=0.3)


def test_what_only_the_past_tells_is_placed_beside_what_settings_changed(net):
    residual = np.random.default_rng(3).normal(0, _NOISE_M, (200, GAUGES))
    residual[60:] -= 0.6 * _BEHIND[1]
    residual += np.clip((np.arange(200) - 20) / 150, 0, 1)[:, None] * 8.0 * net.at(8.0)[20]
    ledger = Ledger(signatures=net, settings=LedgerSettings(slow_glr=1e9))
    (leak,) = begin(ledger, residual, [])
    assert leak.found_day == 200
    assert net.distance_m[leak.place.index, 20] <= 200
    assert leak.place.flow_m3h == pytest.approx(8.0, rel=0.3)
