"""``khettara leaks scale``: what one hourly tick of many zones costs, by the service that runs, on readings made in memory.

Every zone has an inflow, a pressure and hours of customers' meters; a tick reads the newest hour, judges every zone, gives a
twenty-fourth of them their daily lesson, and every sixth time balances all of them.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from rich.console import Console

from app.leaks_progress import Seen, nobody, shown_progress
from domain.calendar import Calendar
from domain.findings import Finding
from domain.inventory import Inventory, Site
from domain.points import PointKey
from domain.ports import MeterHour
from domain.readings import Reading
from domain.series import FloatArray, Series
from domain.zones import Inlet, Zone, ZoneKind
from leak_detection.service import LeakDetection

START = datetime(2026, 4, 6, tzinfo=UTC)
_METERS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """What was measured."""

    zones: int
    start_s: float
    """The first tick: everything is read and learned."""
    ticks_s: tuple[float, ...]
    ticks_cpu_s: tuple[float, ...]
    """Processor seconds of the same ticks: what is left when nobody else uses the machine."""
    peak_mb: float

    @property
    def worst_s(self) -> float:
        """The slowest tick after the first."""
        return max(self.ticks_s)


class _Readings:
    """Readings that are computed when asked for: nothing of the measured time is a database's."""

    def __init__(self, zones: Sequence[str], step_s: int) -> None:
        self._place = {z: k for k, z in enumerate(zones)}
        self._step_s = step_s

    async def series(
        self, points: Sequence[PointKey], start: datetime, end: datetime, step_s: int | None = None
    ) -> dict[PointKey, Series]:
        step = step_s or self._step_s
        seconds = np.arange(start.timestamp(), end.timestamp(), step)
        times = (1000 * seconds).astype(np.int64).astype("datetime64[ms]")
        quality = np.zeros(seconds.size, dtype=np.int16)
        return {p: Series(point=p, times=times, values=self._values(p, seconds), quality=quality) for p in points}

    async def latest(self, points: Sequence[PointKey]) -> dict[PointKey, Reading]:
        return {p: Reading(point=p, observed_at=START, value=0.0) for p in points}

    async def meter_hours(self, start: datetime, end: datetime) -> Sequence[MeterHour]:
        hours = np.arange(start.timestamp(), end.timestamp(), 3600.0)
        moments = [datetime.fromtimestamp(float(h), UTC) for h in hours]
        return [
            MeterHour(zone=zone, start=at, flow_m3h=float(use), reported=_METERS, meters=_METERS)
            for zone, k in self._place.items()
            for at, use in zip(moments, 0.8 * self._use(k, hours), strict=True)
        ]

    def _values(self, point: PointKey, seconds: FloatArray) -> FloatArray:
        zone, _, what = point.partition(".")
        k = self._place[zone]
        return 45.0 - 0.1 * self._use(k, seconds) if what == "pressure" else self._use(k, seconds) + 5.0

    @staticmethod
    def _use(k: int, seconds: FloatArray) -> FloatArray:
        """A day's shape and a hash of zone and moment for noise: the same whenever it is asked for."""
        hour = (seconds / 3600.0 + 0.01 * k) % 24
        noise = np.sin(seconds * 0.7310585 + 12.9898 * k) * 43758.5453
        noise = noise - np.floor(noise) - 0.5
        shape = 6 + 10 * np.exp(-0.5 * ((hour - 8) / 2.5) ** 2) + 8 * np.exp(-0.5 * ((hour - 20) / 3) ** 2)
        return np.asarray(shape * (1 + 0.12 * noise), dtype=np.float64)


class _Findings:
    """Nobody keeps them here."""

    async def save_findings(self, findings: Sequence[Finding]) -> None:
        """Forgets them."""

    async def open_findings(self) -> Sequence[Finding]:
        """None."""
        return ()


async def measure(zones: int, *, step_s: int = 900, ticks: int = 7, history_days: int = 28, seen: Seen = nobody) -> Scale:
    """Runs the service over so many zones: a start, then hourly ticks."""
    names = [f"z{k:04d}" for k in range(zones)]
    readings = _Readings(names, step_s)
    service = LeakDetection(
        _inventory(names), readings, _Findings(), history_days=history_days, step_s=float(step_s), meters=readings
    )
    now = START + timedelta(days=history_days, seconds=150)
    seen("first tick: every zone is learned, which takes minutes for thousands", 0, 0)
    began = time.perf_counter()
    await service.tick(now)
    start_s = time.perf_counter() - began
    spent, cpu = [], []
    for hour in range(1, ticks + 1):
        seen(f"hourly tick {hour} of {ticks}", hour - 1, ticks)
        began, worked = time.perf_counter(), time.process_time()
        await service.tick(now + timedelta(hours=hour))
        spent.append(time.perf_counter() - began)
        cpu.append(time.process_time() - worked)
    return Scale(zones=zones, start_s=start_s, ticks_s=tuple(spent), ticks_cpu_s=tuple(cpu), peak_mb=_peak_mb())


def _inventory(names: Sequence[str]) -> Inventory:
    zones = {
        name: Zone(
            key=name,
            kind=ZoneKind.DMA,
            names={},
            inlets=(Inlet(point=PointKey(f"{name}.flow"), sign=1),),
            critical_points=(PointKey(f"{name}.pressure"),),
            connections=int(_METERS / 0.8),
        )
        for name in names
    }
    site = Site(key="scale", names={}, calendar=Calendar(timezone="Africa/Casablanca"))
    return Inventory(site=site, zones=zones, points={}, gateways={}, devices={}, actuators={})


def _peak_mb() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / 2**20 if sys.platform == "darwin" else used / 2**10


def run_scale(zones: int, step_s: int, ticks: int, console: Console) -> None:
    """Measures and prints."""
    with shown_progress(Console(stderr=True), at_once=True) as seen:
        found = asyncio.run(measure(zones, step_s=step_s, ticks=ticks, seen=seen))
    shown = ", ".join(f"{t:.1f}" for t in found.ticks_s)
    console.print(f"{found.zones} zones, readings every {step_s} s, 28 days of history", highlight=False)
    console.print(f"  first tick, everything learned  {found.start_s:7.1f} s", highlight=False)
    console.print(f"  hourly ticks                    {shown} s; the slowest {found.worst_s:.1f} s", highlight=False)
    worked = ", ".join(f"{t:.1f}" for t in found.ticks_cpu_s)
    console.print(f"  processor time of these         {worked} s", highlight=False)
    console.print(f"  peak memory                     {found.peak_mb:7.0f} MB", highlight=False)
