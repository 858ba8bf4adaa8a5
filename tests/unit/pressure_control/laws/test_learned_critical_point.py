from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from domain.points import PointKey
from pressure_control.laws.law import LawInputs
from pressure_control.laws.learned_critical_point import learned_critical_point
from pressure_control.learner import ZoneLearner
from pressure_control.observations import Window, valve_tasks, window
from pressure_control.settings import ControlSettings
from pressure_control.surge import Surge
from tests.support.toy_zone import PER_DAY, ToyTown

TOWN = ToyTown(seed=3, days=10)
TOWN.run(0, TOWN.size)
SETTINGS = ControlSettings()
TASK = valve_tasks(TOWN.inventory())["prv_oued"]
NIGHT, MORNING = 9 * PER_DAY + 30, 9 * PER_DAY + 84


def part(first: int, end: int) -> Window:
    grids = {p: TOWN.data[p][first:end].copy() for p in TASK.points}
    minute = (TOWN.seconds / 60 + 60) % 1440
    return window(TASK, grids, start_s=TOWN.seconds[first], step_s=300.0, minute=minute[first:end])


def inputs(step: int) -> LawInputs:
    """Copies, so that a test may spoil them."""
    learner = ZoneLearner(300.0)
    learner.advance(part(0, step))
    return LawInputs(task=TASK, recent=part(step - 72, step), model=None, settings=SETTINGS, learner=learner)


def value(given: LawInputs) -> float:
    found = learned_critical_point(given)
    assert found is not None
    return found.value_m


def test_it_leaves_minimum_pressure_and_reserve_and_follows_the_flow() -> None:
    for step in (NIGHT, MORNING):
        needed = value(inputs(step))
        for point in TASK.zone.critical_points:
            loss = TOWN.data[PointKey("oued.outlet")][step] - TOWN.data[point][step]
            assert needed - loss >= 20.0 + 1.0
    assert value(inputs(MORNING)) > value(inputs(NIGHT))


def test_it_is_silent_until_a_day_has_been_learned() -> None:
    assert learned_critical_point(inputs(200)) is None
    assert learned_critical_point(replace(inputs(NIGHT), learner=None)) is None


def test_without_a_recent_flow_it_is_silent() -> None:
    given = inputs(NIGHT)
    given.recent.flow_m3h[-4:] = np.nan
    assert learned_critical_point(given) is None


def test_a_sensor_reading_too_high_never_lowers_and_one_too_low_raises_at_once() -> None:
    usual = value(inputs(NIGHT))
    high, low = inputs(NIGHT), inputs(NIGHT)
    for point in TASK.zone.critical_points:
        high.recent.watched_m[point][-24:] += 4.0
        low.recent.watched_m[point][-3:] -= 4.0
    assert value(high) == pytest.approx(usual, abs=0.1)
    found = learned_critical_point(high)
    assert found is not None
    assert not found.may_lower
    assert value(low) > usual + 1.0


def test_a_jump_of_flow_is_an_emergency_and_goes_further_up() -> None:
    usual, drawn = inputs(NIGHT), inputs(NIGHT)
    drawn.recent.flow_m3h[-1] *= 2.0
    found = learned_critical_point(drawn)
    assert found is not None
    assert not found.emergency, "one reading may be a pump: the fast ramp waits"
    assert not found.may_lower
    assert found.value_m >= value(usual) + SETTINGS.emergency_raise_m
    assert "jumped" in found.reason
    drawn.recent.flow_m3h[-3:-1] *= 2.0
    again = learned_critical_point(drawn)
    assert again is not None
    assert again.emergency


@pytest.mark.parametrize(("share", "raises"), [(0.1, 1.0), (0.25, 1.0), (0.4, 1.6), (3.0, 2.0)])
def test_a_larger_draw_is_raised_for_in_proportion(monkeypatch: pytest.MonkeyPatch, share: float, raises: float) -> None:
    given = inputs(NIGHT)
    usual = value(given)
    jump = Surge(jump_m3h=1.0, share=share, since_steps=0, sure=False)
    monkeypatch.setattr("pressure_control.laws.learned_critical_point.surge", lambda *_: jump)
    assert value(given) == pytest.approx(usual + raises * SETTINGS.emergency_raise_m)


def test_the_reason_shows_the_sum() -> None:
    found = learned_critical_point(inputs(NIGHT))
    assert found is not None
    assert found.binding in found.reason
    assert f"{found.value_m:.1f} m" in found.reason
    assert found.lift_to_m is not None
    assert found.lift_to_m >= found.value_m


def test_a_point_that_stood_high_before_regulation_keeps_a_part_of_that_height() -> None:
    given = inputs(NIGHT)
    assert given.learner is not None
    first, *others = (given.learner.losses[p] for p in TASK.zone.critical_points)
    for one in others:
        one.first_m = first.first_m
    level = value(given)
    binding = learned_critical_point(given)
    assert binding is not None
    # All others had 10 m less to give then: this one stood 10 m above them, and binds now.
    for point in TASK.zone.critical_points:
        if point != binding.binding:
            given.learner.losses[point].first_m += 10.0
    assert value(given) - level == pytest.approx(10.0 * SETTINGS.tilt_share, abs=0.2)
    assert value(replace(given, settings=replace(SETTINGS, tilt_share=0.0))) == pytest.approx(level, abs=0.2)


def test_a_draw_that_flow_and_pressure_show_raises_that_place_by_as_much_again() -> None:
    calm, drawn = inputs(NIGHT), inputs(NIGHT)
    point = TASK.zone.critical_points[0]
    quiet = learned_critical_point(calm)
    drawn.recent.watched_m[point][-4:] -= 6.0
    alone = learned_critical_point(drawn)
    drawn.recent.flow_m3h[-5:] *= 1.3
    both = learned_critical_point(drawn)
    assert quiet is not None
    assert alone is not None
    assert both is not None
    assert not quiet.emergency
    assert not alone.emergency
    assert both.emergency
    assert not both.may_lower
    assert str(point) in both.reason
    assert both.value_m > max(alone.value_m, quiet.value_m) + 4.0
