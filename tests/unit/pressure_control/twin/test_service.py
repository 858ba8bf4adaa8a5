"""In the control room: a zone with a copy is led by the twin, taught from the past at its first call; the others by the learner."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np

from domain.points import PointKey
from domain.readings import Reading
from domain.series import FloatArray
from pressure_control.laws.table import TWIN_LAW
from pressure_control.observations import valve_tasks
from pressure_control.service import PressureControl
from pressure_control.twin.zone_model import Places
from pressure_control.twin.zone_twin import ZoneTwin
from tests.support.toy_zone import PER_DAY, ToySource, ToyTown

STEPS = 6 * PER_DAY


class Past(ToySource):
    """All of a stretch is there, and its newest readings."""

    async def latest(self, points: Sequence[PointKey]) -> dict[PointKey, Reading]:
        at = self.town.time(STEPS - 1) + timedelta(seconds=240)
        values = {p: float(self.town.data[p][STEPS - 1]) for p in points}
        return {p: Reading(point=p, observed_at=at, value=v) for p, v in values.items() if np.isfinite(v)}


class Copy:
    """The toy zone's own formula at its sensors."""

    def __init__(self, town: ToyTown, points: tuple[PointKey, ...]) -> None:
        zone = town.zones["oued"]
        self._a = zone.a[list(zone.sensors)]
        self._r = zone.r(zone.mean_m3h + zone.leak_m3h)[list(zone.sensors)]
        self.places = Places(
            names=tuple(str(p) for p in points),
            connections=np.ones(len(points)),
            nearest=points,
            measured=(True,) * len(points),
            points=points,
        )

    def losses(self, flow_m3h: float, week_s: float, offsets_m: tuple[float, ...]) -> tuple[FloatArray, FloatArray]:
        found = self._a + self._r * flow_m3h**1.85
        return found, found

    def still(self, offsets_m: tuple[float, ...]) -> tuple[FloatArray, FloatArray]:
        return self._a, self._a


async def test_a_zone_with_a_copy_is_led_by_the_twin() -> None:
    town = ToyTown(seed=4, days=7)
    town.run(0, STEPS)
    task = valve_tasks(town.inventory())["prv_oued"]
    twin = ZoneTwin(Copy(town, tuple(w.point for w in task.watched)), ("prv_oued",))
    control = PressureControl(town.inventory(), Past(town), history_days=6, law=TWIN_LAW, twins={"oued": twin})
    advised = await control.tick(town.time(STEPS) + timedelta(seconds=130))
    assert twin.agreed, "the past had taught it"
    assert "twin: " in advised["prv_oued"].reason
    assert "learner alone: no copy of the network" in advised["prv_medina"].reason
