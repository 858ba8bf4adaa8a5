"""The whole of control in a loop with a toy town: what customers get, not what sensors say."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from domain.points import PointKey
from domain.readings import Reading
from pressure_control.advice import Advice
from pressure_control.service import PressureControl
from tests.support.toy_zone import PER_DAY, ToySource, ToyTown

LIVE = 8 * PER_DAY + 276
"""23:00 UTC, midnight in Casablanca."""


class LiveSource(ToySource):
    """Readings of the step that has just ended are there; later ones are not."""

    def __init__(self, town: ToyTown) -> None:
        super().__init__(town)
        self.step = 0

    async def latest(self, points):
        found = {}
        for point in points:
            values = self.town.data[point][: self.step]
            known = np.flatnonzero(np.isfinite(values))
            if known.size:
                at = self.town.time(int(known[-1])) + timedelta(seconds=240)
                found[point] = Reading(point=point, observed_at=at, value=float(values[known[-1]]))
        return found


async def drive(town: ToyTown, steps: int, *, obey: bool = True) -> dict[str, list[Advice]]:
    """Runs the town under automatic control; one tick a step, orders act one step later."""
    town.run(0, LIVE)
    source = LiveSource(town)
    control = PressureControl(town.inventory(), source, history_days=8)
    log: dict[str, list[Advice]] = {k: [] for k in town.inventory().actuators}
    for step in range(LIVE, LIVE + steps):
        town.run(step, step + 1)
        source.step = step + 1
        now: datetime = town.time(step + 1) + timedelta(seconds=130)
        for key, advice in (await control.tick(now)).items():
            log[key].append(advice)
            if obey and not advice.hold:
                town.setpoint[key.removeprefix("prv_")][step + 2 :] = advice.value_m
    return log


def shortfall(town: ToyTown, steps: int) -> float:
    """Largest lack of pressure at any node [m]; negative where there is none."""
    return max(float((20.0 - town.low_m[k][LIVE : LIVE + steps]).max()) for k in town.zones)


def leakage(town: ToyTown, steps: int) -> float:
    return sum(float(town.leakage[k][LIVE : LIVE + steps].sum()) for k in town.zones) / 12.0


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_day_and_a_night_nobody_lacks_pressure_and_less_is_lost(seed: int) -> None:
    steps = PER_DAY
    fixed = ToyTown(seed=seed, days=10)
    fixed.run(0, fixed.size)
    town = ToyTown(seed=seed, days=10)
    log = await drive(town, steps)
    assert shortfall(town, steps) < 0.0
    assert leakage(town, steps) < 0.9 * leakage(fixed, steps)
    moves = sum(not a.hold for advices in log.values() for a in advices) / len(log)
    assert moves <= 96


async def test_a_burst_at_the_lowest_hour_leaves_nobody_short() -> None:
    start = LIVE + 36
    town = ToyTown(seed=3, days=10, bursts={"medina": (start, start + 60, 18.0), "oued": (start, start + 60, 10.0)})
    await drive(town, 80)
    assert shortfall(town, 80) < 0.0


async def test_a_sensor_four_metres_too_high_harms_nobody() -> None:
    town = ToyTown(seed=4, days=10, bias={"medina.cp2": (LIVE + 10, 4.0)})
    await drive(town, 150)
    assert shortfall(town, 150) < 0.0


async def test_silent_critical_points_hold_then_lead_to_the_safe_setpoint() -> None:
    quiet = {f"medina.cp{n}": (LIVE + 30, LIVE + 90) for n in (1, 2)}
    town = ToyTown(seed=5, days=10, silent=quiet)
    log = await drive(town, 90)
    during = log["prv_medina"][34:88]
    values = [a.value_m for a in during]
    assert all(b >= a - 1e-9 for a, b in pairwise(values))
    assert values[-1] >= 40.0
    assert shortfall(town, 90) < 0.0


async def test_no_flow_is_a_fallback_to_the_safe_setpoint_that_ends() -> None:
    town = ToyTown(seed=6, days=10, silent={"medina.flow": (LIVE + 30, LIVE + 50)})
    log = await drive(town, 70)
    reasons = [a.reason for a in log["prv_medina"]]
    assert any("min old" in r for r in reasons[33:50])
    assert log["prv_medina"][49].value_m > log["prv_medina"][30].value_m
    assert "min old" not in reasons[-1]


async def test_a_valve_that_sticks_is_not_lowered_nor_wound_up() -> None:
    town = ToyTown(seed=7, days=10)
    await drive(town, 24)
    stuck = ToyTown(seed=7, days=10)
    stuck.run(0, LIVE)
    stuck.setpoint["medina"][:] = 40.0
    stuck.run(LIVE - 12, LIVE)
    point = PointKey("medina.setpoint")
    stuck.data[point][LIVE - 6 : LIVE] = 34.0
    source = LiveSource(stuck)
    source.step = LIVE
    control = PressureControl(stuck.inventory(), source, history_days=8)
    advice = (await control.tick(stuck.time(LIVE) + timedelta(seconds=130)))["prv_medina"]
    assert advice.value_m >= 34.0
    assert "does not follow" in advice.reason


async def test_prediction_and_models_come_with_the_service() -> None:
    town = ToyTown(seed=8, days=10)
    town.run(0, LIVE)
    source = LiveSource(town)
    source.step = LIVE
    now = town.time(LIVE) + timedelta(seconds=130)
    control = PressureControl(town.inventory(), source, history_days=8, clock=lambda: now, night_leakage=lambda _: 9.0)
    assert set(await control.refit(now)) == set(town.inventory().actuators)
    effect = await control.predict("prv_medina", 35.0)
    assert effect.lowest_m == pytest.approx(min(effect.critical_m.values()))
    assert effect.leakage_change_m3h is not None
    assert effect.leakage_change_m3h < 0
    again = PressureControl(town.inventory(), source, history_days=8, models=control.models)
    assert again.models == control.models
    with pytest.raises(KeyError):
        await control.predict("prv_nowhere", 30.0)
