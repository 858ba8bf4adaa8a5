"""A valve that does not follow is found in two steps; the proof move comes once a day, early, one valve after the other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pressure_control.follow import ALARM_STEPS, PROOF_STEPS, misses, proof_m
from pressure_control.laws.law import LawInputs
from tests.unit.pressure_control.laws.test_learned_critical_point import NIGHT, inputs


def seen(setpoint_m: list[float], outlet_m: list[float]) -> LawInputs:
    """The newest steps as given, the rest following."""
    given = inputs(NIGHT)
    given.recent.setpoint_m[:] = 30.0
    given.recent.outlet_m[:] = 30.0
    given.recent.setpoint_m[-len(setpoint_m) :] = setpoint_m
    given.recent.outlet_m[-len(outlet_m) :] = outlet_m
    return given


def at_minute(minute: float) -> LawInputs:
    given = seen([30.0], [30.0])
    step = given.recent.step_s / 60.0
    size = given.recent.size
    minutes = (minute + step * np.arange(1 - size, 1, dtype=np.float64)) % 1440.0
    return replace(given, recent=replace(given.recent, minute=minutes))


@pytest.mark.parametrize(
    ("setpoint", "outlet", "expected"),
    [
        ([31.2, 31.2], [31.1, 31.3], 0),
        ([30.0, 32.0], [30.0, 30.0], 1),
        ([32.0, 32.0], [30.0, 30.0], ALARM_STEPS),
        ([32.0, 32.0], [30.0, np.nan], 1),
        ([28.0, 28.0], [30.0, 30.0], ALARM_STEPS),
    ],
)
def test_steps_in_a_row_in_which_the_outlet_is_elsewhere(setpoint: list[float], outlet: list[float], expected: int) -> None:
    assert misses(seen(setpoint, outlet), inlet_m=60.0) == expected


def test_too_little_inlet_pressure_is_no_valve_that_sticks() -> None:
    assert misses(seen([32.0, 32.0], [30.0, 30.0]), inlet_m=31.0) == 0


def test_the_proof_comes_before_the_rise_and_lasts_a_few_steps() -> None:
    given = inputs(NIGHT)
    assert given.learner is not None
    rise = given.learner.flow.rise_minute()
    assert rise is not None
    begin = rise - given.settings.proof_before_s / 60.0
    step = given.recent.step_s / 60.0
    asked = [proof_m(at_minute(begin + k * step)) for k in range(-2, PROOF_STEPS + 2)]
    due = [30.0 + given.settings.proof_m] * PROOF_STEPS
    assert asked == [None, None, *map(pytest.approx, due), None, None]
    off = at_minute(begin)
    assert proof_m(replace(off, settings=replace(off.settings, proof_m=0.0))) is None


def test_a_pilot_stuck_above_its_order_hides_nothing_of_the_proof() -> None:
    given = inputs(NIGHT)
    assert given.learner is not None
    rise = given.learner.flow.rise_minute()
    assert rise is not None
    stuck = at_minute(rise - given.settings.proof_before_s / 60.0)
    stuck.recent.outlet_m[:] = 30.5
    assert proof_m(stuck) == pytest.approx(30.5 + given.settings.proof_m)


def test_a_second_valve_of_the_zone_waits_for_its_turn() -> None:
    given = inputs(NIGHT)
    assert given.learner is not None
    rise = given.learner.flow.rise_minute()
    assert rise is not None
    begin = rise - given.settings.proof_before_s / 60.0
    beside = (replace(given.task.actuator, key="a"),)
    first, later = at_minute(begin), at_minute(begin + PROOF_STEPS * given.recent.step_s / 60.0)
    assert proof_m(replace(first, task=replace(first.task, siblings=beside))) is None
    assert proof_m(replace(later, task=replace(later.task, siblings=beside))) is not None
