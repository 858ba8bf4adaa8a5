"""A turned valve is told once, with day and size, when two days agree; leaks, drift, a gauge's own step and odd days are none."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leak_detection.model.signatures import largest_m3h
from leak_detection.model.valve_turns import TurnLimits, ValveWatch
from tests.support.pipe_line import GAUGES, PLACES, pipe_line

_BEHIND = np.array([[1.0] * 4 + [0.0] * 4, [0.0] * 4 + [1.0] * 4])
_NOISE_M = 0.01
_DAY = 40


@pytest.fixture(name="net", scope="module")
def _net():
    return replace(pipe_line(error=0.1), wander_m=_BEHIND)


def _quiet(days=60):
    return np.random.default_rng(3).normal(0.0, _NOISE_M, (days, GAUGES))


def _told(net, residual, limits=None):
    watch = ValveWatch(signatures=net, limits=limits or TurnLimits())
    new = [turned for days in range(1, len(residual) + 1) for turned in watch.look(residual[:days])]
    assert new == watch.turned
    return new


@given(valve=st.integers(0, 1), change_m=st.floats(0.4, 3.0), sign=st.sampled_from([1.0, -1.0]), part=st.floats(0.0, 1.0))
def test_a_turn_is_told_two_days_later_with_its_day_and_size(net, valve, change_m, sign, part):
    residual = _quiet()
    residual[_DAY] += part * sign * change_m * _BEHIND[valve]
    residual[_DAY + 1 :] += sign * change_m * _BEHIND[valve]
    (turned,) = _told(net, residual)
    assert turned.valve == valve
    assert turned.day == _DAY if part > 0.4 else turned.day in (_DAY, _DAY + 1)
    assert turned.told_day - turned.day in (2, 3)
    assert turned.change_m == pytest.approx(sign * change_m, abs=5 * _NOISE_M)
    assert 0.0 < turned.error_m < 2 * _NOISE_M
    assert turned.share > 0.97


def test_it_is_told_when_it_is_turned_back_too(net):
    residual = _quiet()
    residual[_DAY : _DAY + 3] += 0.8 * _BEHIND[1]
    first, second = _told(net, residual)
    assert (first.day, second.day) == (_DAY, _DAY + 3)
    assert (first.change_m, second.change_m) == (pytest.approx(0.8, abs=0.05), pytest.approx(-0.8, abs=0.05))


def test_two_valves_of_one_day_are_two(net):
    residual = _quiet()
    residual[_DAY:] += np.array([0.5, -0.9]) @ _BEHIND
    assert [(t.valve, t.day) for t in _told(net, residual)] == [(0, _DAY), (1, _DAY)]


@given(place=st.integers(0, PLACES - 1), flow_m3h=st.floats(5.0, 31.0), sign=st.sampled_from([1.0, -1.0]))
def test_a_leak_or_its_end_is_none(net, place, flow_m3h, sign):
    residual = _quiet()
    residual[_DAY:] += sign * flow_m3h * net.at(flow_m3h)[place]
    assert _told(net, residual) == []


def test_what_a_leak_explains_as_well_is_none_unless_none_is_so_large(net):
    alike = replace(net, change_m=np.concatenate([net.change_m, -0.03 * _BEHIND[None, :1].repeat(2, axis=0)], axis=1))
    alike = replace(alike, spread_m=np.concatenate([net.spread_m, net.spread_m[:1]]))
    residual = _quiet()
    residual[_DAY:] -= 0.8 * 0.03 * largest_m3h(net) * _BEHIND[0]
    assert [t.day for t in _told(net, residual)] == [_DAY]
    assert _told(alike, residual) == []
    residual[_DAY:] -= 2.0 * 0.03 * largest_m3h(net) * _BEHIND[0]
    assert [t.day for t in _told(alike, residual)] == [_DAY]


def test_drift_an_odd_day_and_a_gauge_of_its_own_are_none(net):
    drift, odd, own = _quiet(), _quiet(), _quiet()
    drift += 0.03 * np.arange(60)[:, None] * _BEHIND[0]
    odd[_DAY] += 1.5 * _BEHIND[0]
    own[_DAY:, 2] += 1.5
    assert _told(net, drift) == _told(net, odd) == _told(net, own) == []


def test_a_valve_with_two_gauges_is_none_for_they_may_have_stepped(net):
    few = replace(net, wander_m=np.array([[1.0, 1.0, 0.1, 0.1, 0.0, 0.0, 0.0, 0.0]]))
    residual = _quiet()
    residual[_DAY:] += 0.8 * few.wander_m[0]
    assert _told(few, residual) == []
    assert [t.day for t in _told(few, residual, TurnLimits(least_gauges=2))] == [_DAY]


def test_decimetres_below_the_limit_are_none(net):
    residual = _quiet()
    residual[_DAY:] += 0.25 * _BEHIND[0]
    assert _told(net, residual) == []
    assert [t.day for t in _told(net, residual, TurnLimits(least_m=0.2))] == [_DAY]


def test_days_and_gauges_that_are_missing_hide_nothing(net):
    residual = _quiet()
    residual[_DAY:] += 0.8 * _BEHIND[0]
    residual[_DAY : _DAY + 2] = np.nan
    residual[_DAY - 3 : _DAY + 4, 1] = np.nan
    residual[_DAY - 4 : _DAY - 2, 5] = np.nan
    (turned,) = _told(net, residual)
    assert turned.day == _DAY, "the first on which nobody saw the old setting"
    assert turned.told_day == _DAY + 4
    residual[:, 2:] = np.nan
    assert _told(net, residual) == []


@pytest.mark.parametrize("wander_m", [None, np.empty((0, GAUGES)), np.zeros((1, GAUGES))])
def test_without_valves_that_regulate_none_is_told(wander_m):
    residual = _quiet()
    residual[_DAY:] += 0.8 * _BEHIND[0]
    assert _told(replace(pipe_line(error=0.1), wander_m=wander_m), residual) == []


def _odd(size_m):
    """What neither settings nor leaks do to the gauges."""
    return size_m * (-1.0) ** np.arange(GAUGES)


def test_what_settings_do_not_explain_makes_it_less_sure_and_then_none(net):
    little, much = _quiet(), _quiet()
    little[_DAY:] += 0.8 * _BEHIND[0] + _odd(0.03)
    much[_DAY:] += 0.8 * _BEHIND[0] + _odd(0.15)
    (turned,) = _told(net, little)
    assert turned.error_m > 1.5 * _NOISE_M
    assert _told(net, much) == []
    assert [t.day for t in _told(net, much, TurnLimits(least_share=0.9))] == [_DAY]


def test_which_of_two_that_do_the_same_is_not_known(net):
    same = replace(net, wander_m=np.stack([_BEHIND[0], _BEHIND[0] + 0.02 * _BEHIND[1]]))
    residual = _quiet()
    residual[_DAY:] += 1.6 * _BEHIND[0]
    assert _told(same, residual) == []
    assert _told(same, residual, TurnLimits(least_own=-1.0)) != []
