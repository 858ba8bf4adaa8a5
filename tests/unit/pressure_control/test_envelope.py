from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pressure_control.envelope import Shaped, follows, shape
from pressure_control.settings import ControlSettings
from tests.support.toy_zone import ToyTown

VALVE = replace(ToyTown(days=1).actuator("medina"), min_m=22.0, max_m=45.0, ramp_up_m=2.0, ramp_down_m=1.0)
SETTINGS = ControlSettings()


def shaped(target: float, current: float, *, outlet: float | None = None, follows: bool = True, since: float = 1e6) -> Shaped:
    return shape(target, current_m=current, actuator=VALVE, settings=SETTINGS, outlet_m=outlet, follows=follows, since_move_s=since)


@given(
    target=st.floats(-50, 150),
    current=st.floats(22.0, 45.0),
    outlet=st.none() | st.floats(0, 80),
    following=st.booleans(),
    since=st.floats(0, 5000),
)
def test_never_outside_limits_ramps_or_the_shortest_interval(
    target: float, current: float, outlet: float | None, following: bool, since: float
) -> None:
    result = shaped(target, current, outlet=outlet, follows=following, since=since)
    assert 22.0 <= result.value_m <= 45.0
    assert current - 1.0 - 1e-6 <= result.value_m <= current + 2.0 + 1e-6
    if since < VALVE.min_interval_s - 1e-3:
        assert result.hold
    if result.hold:
        assert result.value_m == current
    elif 22.0 < result.value_m < 45.0:
        assert abs(result.value_m * 10 - round(result.value_m * 10)) < 1e-6


@given(current=st.floats(0, 100), target=st.floats(-50, 150))
def test_a_setpoint_outside_the_limits_comes_back_inside(current: float, target: float) -> None:
    result = shaped(target, current)
    assert 22.0 <= result.value_m <= 45.0 or result.hold
    if current < 22.0 - 1e-6 or current > 45.0 + 1e-6:
        assert 22.0 <= result.value_m <= 45.0


@given(target=st.floats(20, 50), current=st.floats(22.0, 45.0), since=st.floats(240, 5000))
@example(target=46.0, current=44.9375, since=300.0)
def test_a_raise_is_enough_or_as_much_as_the_ramp_allows(target: float, current: float, since: float) -> None:
    result = shaped(target, current, since=since)
    allowed = min(target, 45.0)
    if allowed > current + SETTINGS.dead_band_up_m:
        assert result.value_m >= min(allowed, current + 2.0 - 0.1) - 1e-6


@given(target=st.floats(22, 45), outlet=st.floats(0, 60), current=st.floats(22.0, 45.0))
def test_a_valve_that_sticks_is_not_wound_up(target: float, outlet: float, current: float) -> None:
    result = shaped(target, current, outlet=outlet, follows=False)
    assert result.value_m <= max(outlet + 3.0, current, VALVE.min_m) + 1e-6


def test_small_steps_down_wait_and_large_ones_do_not() -> None:
    assert shaped(30.5, 31.0, since=600).hold
    assert not shaped(30.5, 31.0, since=1900).hold
    assert shaped(28.0, 31.0, since=600).value_m == 30.0
    assert shaped(30.8, 31.0).hold


def test_what_was_cut_is_said() -> None:
    assert any("limited" in n for n in shaped(99.0, 44.0).notes)
    assert any("ramp" in n for n in shaped(40.0, 30.0).notes)
    assert any("does not follow" in n for n in shaped(40.0, 30.0, outlet=25.0, follows=False).notes)
    assert any("last move" in n for n in shaped(40.0, 30.0, since=10.0).notes)


@pytest.mark.parametrize(
    ("setpoint", "outlet", "inlet", "expected"),
    [
        (30.0, 30.4, 60.0, True),
        (30.0, 26.0, 60.0, False),
        (30.0, 26.0, 27.0, True),
        (30.0, 33.0, None, False),
        (30.0, 20.0, 27.0, False),
    ],
)
def test_following(setpoint: float, outlet: float, inlet: float | None, expected: bool) -> None:
    assert follows(setpoint, outlet, inlet, 1.0) is expected
