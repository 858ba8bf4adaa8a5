from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from domain.points import PointKey
from pressure_control.fit import fit_valve
from pressure_control.laws.fixed import fixed
from pressure_control.laws.flow_modulated import flow_modulated
from pressure_control.laws.law import LawInputs
from pressure_control.laws.table import LAWS
from pressure_control.observations import valve_tasks, window
from pressure_control.settings import ControlSettings
from tests.support.toy_zone import PER_DAY, ToyTown

TOWN = ToyTown(seed=3, days=10)
TOWN.run(0, TOWN.size)
SETTINGS = ControlSettings()
TASKS = valve_tasks(TOWN.inventory())
NIGHT, MORNING = 9 * PER_DAY + 30, 9 * PER_DAY + 84


def inputs(step: int, key: str = "medina", **downstream_m: float) -> LawInputs:
    """Copies, so that a test may spoil them."""
    task = TASKS[f"prv_{key}"]
    grids = {p: TOWN.data[p].copy() for p in task.points}
    whole = window(task, grids, start_s=TOWN.seconds[0], step_s=300.0, minute=(TOWN.seconds / 60 + 60) % 1440)
    model = fit_valve(task, whole, SETTINGS)
    recent = window(
        task, {k: v[step - 72 : step].copy() for k, v in grids.items()}, start_s=TOWN.seconds[step - 72], step_s=300.0,
        minute=whole.minute[step - 72 : step],
    )  # fmt: skip
    return LawInputs(task=task, recent=recent, model=model, settings=SETTINGS, downstream_m=downstream_m)


def target(given: LawInputs) -> float:
    found = flow_modulated(given)
    assert found is not None
    return found.value_m


def test_the_setpoint_leaves_minimum_pressure_and_reserve_at_every_sensor() -> None:
    for step in (NIGHT, MORNING):
        value = target(inputs(step))
        for n in TOWN.zones["medina"].sensors:
            loss = TOWN.data[PointKey("medina.outlet")][step] - TOWN.data[PointKey(f"medina.cp{n}")][step]
            assert value - loss >= 20.0 + 1.0
    assert target(inputs(MORNING)) > target(inputs(NIGHT)) + 2.0


def test_the_reason_shows_the_sum() -> None:
    found = flow_modulated(inputs(NIGHT))
    assert found is not None
    assert found.binding in found.reason
    assert "m³/h" in found.reason
    assert f"{found.value_m:.1f} m" in found.reason


def test_a_sensor_reading_too_high_never_lowers_and_one_too_low_raises_at_once() -> None:
    usual = target(inputs(NIGHT))
    high, low = inputs(NIGHT), inputs(NIGHT)
    for n in TOWN.zones["medina"].sensors:
        high.recent.watched_m[PointKey(f"medina.cp{n}")][-24:] += 4.0
    low.recent.watched_m[PointKey("medina.cp2")][-3:] -= 2.0
    assert target(high) == pytest.approx(usual, abs=0.1)
    assert target(low) > usual + 1.4


def test_a_correction_fades_over_hours() -> None:
    given = inputs(NIGHT)
    given.recent.watched_m[PointKey("medina.cp2")][-12:-3] -= 3.0
    partly = target(given)
    assert target(inputs(NIGHT)) + 0.5 < partly


def test_one_fresh_sensor_of_two_may_not_lower() -> None:
    given = inputs(NIGHT)
    given.recent.watched_m[PointKey("medina.cp1")][-12:] = np.nan
    found = flow_modulated(given)
    assert found is not None
    assert not found.may_lower
    assert "1 of 2" in found.reason
    fresh = flow_modulated(inputs(NIGHT))
    assert fresh is not None
    assert fresh.may_lower


def test_without_flow_or_model_the_law_is_silent() -> None:
    given = inputs(NIGHT)
    given.recent.flow_m3h[-6:] = np.nan
    assert flow_modulated(given) is None
    assert flow_modulated(replace(inputs(NIGHT), model=None)) is None


def test_the_valve_upstream_leaves_room_for_the_valve_downstream() -> None:
    free = target(inputs(NIGHT, "plateau", prv_oued=10.0))
    bound = flow_modulated(inputs(NIGHT, "plateau", prv_oued=38.0))
    assert bound is not None
    assert bound.binding == "oued.inlet"
    assert bound.value_m > free
    fall = TOWN.data[PointKey("plateau.outlet")][NIGHT] - TOWN.data[PointKey("oued.inlet")][NIGHT]
    assert bound.value_m - fall >= 38.0 + 2.0


def test_the_fixed_law_is_fixed_and_both_are_in_the_table() -> None:
    assert fixed(inputs(NIGHT)).value_m == 40.0
    assert set(LAWS) >= {"fixed", "flow_modulated", "learned_critical_point"}
