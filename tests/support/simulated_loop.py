"""Detection and control in a loop with the simulator's hydraulics: no network, no database, the clock in our hands.

Readings reach the centre ``late_s`` after their moment; an order acts two minutes after the tick that gave it.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from domain.findings import Finding
from domain.points import PointKey
from domain.readings import Reading
from domain.series import Series
from leak_detection.service import LeakDetection
from pressure_control.advice import Advice
from pressure_control.laws.table import DEFAULT_LAW
from pressure_control.service import PressureControl
from simulator.faults import Fault
from simulator.history import STATE_FILE, make_history
from simulator.memory import load
from simulator.plant import Plant, fixed_setpoints
from simulator.scenario import load_scenario, plant_faults
from simulator.site import load_site
from tests.support.finding_store import MemoryFindingStore

SITE_DIR = Path(__file__).resolve().parents[2] / "sites" / "demo"
SITE = load_site(SITE_DIR)
INVENTORY = SITE.inventory
Spoil = Callable[[dict[str, float], int], dict[str, float]]
"""Changes what the centre sees at a minute; NaN is a reading that never comes."""


class Readings:
    """A history and a live part, behind the port ``SeriesSource``."""

    def __init__(self, folder: Path, late_s: float) -> None:
        self.late_s, self.now_s = late_s, 0.0
        self._times: dict[str, list[float]] = {}
        self._values: dict[str, list[float]] = {}
        points = {(c.device, c.field): c.point for d in INVENTORY.devices.values() for c in d.channels}
        for file in folder.glob("history-*.npz"):
            with np.load(file) as arrays:
                for name in arrays.files:
                    device, metric, kind = name.split("|")
                    target = self._values if kind == "value" else self._times
                    target[points[device, metric]] = (arrays[name] / (1.0 if kind == "value" else 1000.0)).tolist()

    def add(self, moment_s: float, values: dict[str, float]) -> None:
        for point, value in values.items():
            if point in self._times and math.isfinite(value):
                self._times[point].append(moment_s)
                self._values[point].append(value)

    async def series(
        self, points: Sequence[PointKey], start: datetime, end: datetime, step_s: int | None = None
    ) -> dict[PointKey, Series]:
        found = {}
        for point in points:
            times = self._times[point]
            first, last = bisect_left(times, start.timestamp()), min(bisect_left(times, end.timestamp()), self._known(times))
            kept = (np.array(times[first:last]) * 1000).astype("datetime64[ms]")
            values = np.array(self._values[point][first:last])
            found[point] = Series(point=point, times=kept, values=values, quality=np.zeros(values.size, dtype=np.int16))
        return found

    async def latest(self, points: Sequence[PointKey]) -> dict[PointKey, Reading]:
        found = {}
        for point in points:
            if known := self._known(self._times[point]):
                at = datetime.fromtimestamp(self._times[point][known - 1], UTC)
                found[point] = Reading(point=point, observed_at=at, value=self._values[point][known - 1])
        return found

    def _known(self, times: list[float]) -> int:
        """How many readings have come by now."""
        return bisect_right(times, self.now_s - self.late_s)


@dataclass
class Run:
    """What happened."""

    start: datetime
    faults: tuple[Fault, ...]
    leak_m3: float = 0.0
    customer_minutes_below: float = 0.0
    lowest_m: dict[str, float] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    advice: list[Advice] = field(default_factory=list)
    orders: int = 0


def past(folder: Path, seed: int, start: datetime, days: int = 14) -> None:
    """The history that a run goes on from."""
    make_history(SITE_DIR, seed, start - timedelta(days=days), start, out_dir=folder)


async def run(
    folder: Path,
    seed: int,
    scenario: str,
    hours: float,
    *,
    control: bool = True,
    late_s: float = 90.0,
    spoil: Spoil | None = None,
    law: str = DEFAULT_LAW,
) -> Run:
    """Some hours of the town, watched and (with ``control``) led every five minutes."""
    memory = load(folder / STATE_FILE)
    faults = plant_faults(load_scenario(SITE, scenario), seed=seed, start=memory.time, site=SITE)
    readings, findings = Readings(folder, late_s), MemoryFindingStore()
    detection = LeakDetection(INVENTORY, readings, findings)
    steering = PressureControl(INVENTORY, readings, law=law, night_leakage=detection.night_leakage)
    result, setpoints = Run(start=memory.time, faults=faults), dict(fixed_setpoints(SITE))
    due: list[tuple[int, str, float]] = []
    with Plant(SITE, seed=seed, memory=memory) as plant:
        for minute in range(1, round(hours * 60) + 1):
            now = memory.time + timedelta(minutes=minute)
            setpoints.update({key: value for when, key, value in due if when == minute})
            state = plant.step(now, setpoints=setpoints, faults=faults)
            readings.now_s = now.timestamp()
            readings.add(now.timestamp(), spoil(dict(state.values), minute) if spoil else state.values)
            result.leak_m3 += state.leak_m3
            result.customer_minutes_below += state.customer_minutes_below
            for zone, value in state.lowest_m.items():
                result.lowest_m[zone] = min(value, result.lowest_m.get(zone, math.inf))
            if minute % 5 == 0 and control:
                await detection.tick(now)
                for advice in (await steering.tick(now)).values():
                    result.advice.append(advice)
                    if not advice.hold:
                        due.append((minute + 2, advice.actuator, advice.value_m))
                        result.orders += 1
    result.findings = list(findings.kept.values())
    return result
