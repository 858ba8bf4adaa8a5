"""Hours written down: followed by class of day, reached in time, safe where nobody wrote any."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from domain.assets import DaySchedule
from domain.calendar import DayClass
from pressure_control.envelope import shape
from pressure_control.laws.law import LawInputs
from pressure_control.laws.table import LAWS
from pressure_control.laws.time_of_day import time_of_day
from pressure_control.observations import Window, valve_tasks
from pressure_control.settings import ControlSettings
from tests.support.toy_zone import ToyTown

WEEK = DaySchedule(day_class=None, steps=((330, 40.0), (1350, 30.0)))
FRIDAY = DaySchedule(day_class=DayClass.FRIDAY, steps=((480, 44.0),))
TASK = valve_tasks(ToyTown(days=1).inventory())["prv_medina"]
SETTINGS = ControlSettings()


def at(minute: float, *, day: DayClass | None = DayClass.WEEKDAY, schedule: tuple[DaySchedule, ...] = (WEEK, FRIDAY)) -> LawInputs:
    values = np.full(2, 30.0)
    minutes = np.array([minute - 10.0, minute - 5.0])
    window = Window(start_s=0.0, step_s=300.0, minute=minutes, flow_m3h=values, outlet_m=values, inlet_m=values, setpoint_m=values)
    actuator = replace(TASK.actuator, schedule=schedule, ramp_up_m=2.0, min_interval_s=300.0, min_m=10.0, max_m=60.0)
    return LawInputs(task=replace(TASK, actuator=actuator), recent=window, model=None, settings=SETTINGS, day_class=day)


@pytest.mark.parametrize(("minute", "expected"), [(60, 30.0), (330, 40.0), (720, 40.0), (1349, 40.0), (1350, 30.0), (1400, 30.0)])
def test_the_hour_decides(minute: int, expected: float) -> None:
    assert time_of_day(at(minute)).value_m == expected


def test_each_class_of_day_has_its_own_hours_and_the_rest_the_common_ones() -> None:
    assert time_of_day(at(60, day=DayClass.FRIDAY)).value_m == 44.0
    assert time_of_day(at(60, day=DayClass.RAMADAN)).value_m == 30.0
    assert time_of_day(at(60, day=None)).value_m == 30.0


def test_without_hours_for_the_day_it_is_the_safe_setpoint() -> None:
    for schedule in ((), (FRIDAY,)):
        found = time_of_day(at(60, schedule=schedule))
        assert found.value_m == TASK.actuator.safe_m
        assert "safe setpoint" in found.reason


def test_a_rise_begins_so_early_that_it_is_reached_by_its_hour_within_the_ramp() -> None:
    setpoint, below = 30.0, []
    for minute in range(240, 345, 5):
        inputs = at(float(minute))
        found = time_of_day(inputs)
        setpoint = shape(
            found.value_m,
            current_m=setpoint,
            actuator=inputs.task.actuator,
            settings=SETTINGS,
            outlet_m=setpoint,
            follows=True,
            since_move_s=300.0,
        ).value_m
        below.append(setpoint)
        if minute >= 330:
            assert setpoint >= 40.0
    assert max(np.diff(below)) <= 2.0 + 1e-9
    assert below[0] == 30.0


def test_it_is_in_the_table_of_laws() -> None:
    assert LAWS["time_of_day"] is time_of_day
