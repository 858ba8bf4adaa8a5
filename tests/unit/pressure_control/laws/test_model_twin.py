"""The twin in front of a toy zone's hydraulics: higher of the two until both agree, then narrower; alone never."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import KhettaraError
from domain.points import PointKey
from domain.series import FloatArray
from domain.setpoints import Mode
from pressure_control.advise import advise
from pressure_control.laws.law import Law, LawInputs, Target
from pressure_control.laws.learned_critical_point import learned_critical_point
from pressure_control.laws.model_twin import model_twin
from pressure_control.learner import ZoneLearner
from pressure_control.observations import Window, valve_tasks, window
from pressure_control.settings import ControlSettings
from pressure_control.supervisor import Standing
from pressure_control.twin.zone_model import Places
from pressure_control.twin.zone_twin import ZoneTwin
from tests.support.toy_zone import PER_DAY, ToyTown

TOWN = ToyTown(seed=3, days=10)
TOWN.run(0, TOWN.size)
TASK = valve_tasks(TOWN.inventory())["prv_oued"]
POINTS = tuple(w.point for w in TASK.watched)
SETTINGS = ControlSettings(reserve_m=0.0, surge_m3h=0.0)
OUED = TOWN.zones["oued"]
NIGHT, MORNING = 9 * PER_DAY + 30, 9 * PER_DAY + 84
OFFSETS = (0.0,)


class Copy:
    """The toy zone's own formula, made wrong by a factor and a height; one more place without a sensor, lower by ``hidden_m``."""

    def __init__(self, rough: float = 1.0, high_m: float = 0.0, hidden_m: float = 0.0, broken: bool = False) -> None:
        through = OUED.mean_m3h + OUED.leak_m3h
        self._a = OUED.a[list(OUED.sensors)] + high_m
        self._r = OUED.r(through)[list(OUED.sensors)] * rough
        self._hidden_m, self.broken = hidden_m, broken
        self.places = Places(
            names=(*(str(p) for p in POINTS), "unseen"),
            connections=np.array([10.0, 10.0, 5.0]),
            nearest=(*POINTS, POINTS[-1]),
            measured=(True, True, False),
            points=POINTS,
        )

    def losses(self, flow_m3h: float, week_s: float, offsets_m: tuple[float, ...]) -> tuple[FloatArray, FloatArray]:
        if self.broken:
            raise KhettaraError("no solution")
        at = self._a + self._r * flow_m3h**1.85
        return np.append(at, at[-1] + self._hidden_m), at

    def still(self, offsets_m: tuple[float, ...]) -> tuple[FloatArray, FloatArray]:
        return np.append(self._a, self._a[-1] + self._hidden_m), self._a


def part(first: int, end: int) -> Window:
    grids = {p: TOWN.data[p][first:end].copy() for p in TASK.points}
    minute = (TOWN.seconds / 60 + 60) % 1440
    return window(TASK, grids, start_s=TOWN.seconds[first], step_s=300.0, minute=minute[first:end])


def learned(step: int) -> ZoneLearner:
    learner = ZoneLearner(300.0)
    learner.advance(part(0, step))
    return learner


LEARNERS = {step: learned(step) for step in (NIGHT, MORNING)}


def inputs(step: int, copy: Copy | None, *, taught: bool = True) -> LawInputs:
    twin = None if copy is None else ZoneTwin(copy, (TASK.actuator.key,))
    if twin is not None and taught:
        twin.advance(part(step - 5 * PER_DAY, step), LEARNERS[step], OFFSETS)
    return LawInputs(task=TASK, recent=part(step - 72, step), model=None, settings=SETTINGS, learner=LEARNERS[step], twin=twin)


def said(given: LawInputs, law: Law = model_twin) -> Target:
    found = law(given)
    assert isinstance(found, Target)
    return found


def test_without_a_copy_the_learner_leads_alone_and_the_reason_says_so() -> None:
    given = inputs(NIGHT, None)
    found, alone = said(given), said(given, learned_critical_point)
    assert replace(found, reason="") == replace(alone, reason="")
    assert "learner alone: no copy of the network" in found.reason


def test_a_copy_that_cannot_be_solved_leaves_the_learner_alone() -> None:
    copy = Copy()
    given = inputs(NIGHT, copy)
    copy.broken = True
    found = said(given)
    assert found.value_m == said(given, learned_critical_point).value_m
    assert "no solution" in found.reason


def test_where_the_learner_is_silent_so_is_the_twin() -> None:
    given = inputs(NIGHT, Copy())
    assert model_twin(replace(given, learner=None)) is None
    given.recent.flow_m3h[-8:] = np.nan
    assert model_twin(given) is None


def test_the_first_day_the_learner_leads() -> None:
    given = inputs(NIGHT, Copy(), taught=False)
    assert said(given).value_m >= said(given, learned_critical_point).value_m - 1e-9
    assert given.twin is not None
    assert not given.twin.agreed


@pytest.mark.parametrize("step", [NIGHT, MORNING])
def test_once_agreed_it_leads_and_leaves_everybody_the_minimum(step: int) -> None:
    given = inputs(step, Copy())
    assert given.twin is not None
    found = said(given)
    assert given.twin.agreed
    assert "the twin leads" in found.reason
    for point in TASK.zone.critical_points:
        loss = TOWN.data[PointKey("oued.outlet")][step] - TOWN.data[point][step]
        assert found.value_m - loss >= TASK.zone.min_pressure_m


@pytest.mark.parametrize("copy", [Copy(rough=1.4), Copy(rough=0.6), Copy(high_m=3.0), Copy(rough=1.3, high_m=-4.0)])
def test_a_copy_that_is_wrong_is_put_right(copy: Copy) -> None:
    right, wrong = inputs(MORNING, Copy()), inputs(MORNING, copy)
    assert said(wrong).value_m == pytest.approx(said(right).value_m, abs=0.4)


def test_a_place_without_a_sensor_that_lies_lower_is_held_too() -> None:
    usual, lower = said(inputs(MORNING, Copy())), said(inputs(MORNING, Copy(hidden_m=1.9)))
    assert lower.value_m > usual.value_m + 0.5
    assert "unseen, which has no sensor" in lower.reason


def test_with_a_disturbance_the_higher_of_the_two_leads_again() -> None:
    given = inputs(NIGHT, Copy())
    for point in TASK.zone.critical_points:
        given.recent.watched_m[point][-24:] += 4.0
    found, alone = said(given), said(given, learned_critical_point)
    assert not alone.may_lower
    assert found.value_m >= alone.value_m - 1e-9
    assert "the higher of the two" in found.reason
    usual, low = said(inputs(NIGHT, Copy())), inputs(NIGHT, Copy())
    for point in TASK.zone.critical_points:
        low.recent.watched_m[point][-3:] -= 4.0
    assert said(low).value_m > usual.value_m + 1.0


@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
@given(
    rough=st.floats(0.3, 2.5),
    high_m=st.floats(-8.0, 8.0),
    hidden_m=st.floats(-3.0, 6.0),
    days=st.integers(0, 3),
    current=st.floats(0.0, 90.0),
    step=st.sampled_from([NIGHT, MORNING]),
)
def test_never_below_the_learner_until_agreed_and_never_out_of_the_envelope(
    rough: float, high_m: float, hidden_m: float, days: int, current: float, step: int
) -> None:
    base = inputs(step, Copy(rough, high_m, hidden_m), taught=False)
    assert base.twin is not None
    base.twin.advance(part(step - 72 - days * PER_DAY, step), LEARNERS[step], OFFSETS)
    found, alone = said(base), said(base, learned_critical_point)
    if not base.twin.agreed:
        assert found.value_m >= alone.value_m - 1e-9
    margin_free = max(
        float(LEARNERS[step].losses[p].at(LEARNERS[step].x(base.recent.flow_m3h[-1:]), base.recent.minute[-1:])[0]) for p in POINTS
    )
    assert found.value_m >= TASK.zone.min_pressure_m + margin_free - 2.0
    standing = Standing(mode=Mode.AUTO, since=datetime(2026, 1, 1, tzinfo=UTC), reason="")
    advice = advise(base, model_twin, standing, current_m=current, now_s=base.recent.end_s, since_move_s=7200.0)
    actuator = TASK.actuator
    assert actuator.min_m <= advice.value_m <= actuator.max_m or advice.value_m == current
    if actuator.min_m <= current <= actuator.max_m:
        ramp = max(actuator.ramp_up_m, SETTINGS.emergency_ramp_m) if advice.emergency else actuator.ramp_up_m
        assert current - actuator.ramp_down_m - 1e-6 <= advice.value_m <= current + ramp + 1e-6
