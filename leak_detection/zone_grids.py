"""Readings of zones on grids, each zone on the narrowest that its own meters fill: one slow meter widens no other zone's steps."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from domain.grids import GridCache, grid_step_s
from domain.inventory import Inventory
from domain.points import PointKey
from domain.ports import SeriesSource
from domain.series import FloatArray, local_days_and_minutes
from domain.zones import Zone
from leak_detection.inputs import ZoneInputs, zone_inputs


class ZoneGrids:
    """The newest weeks of every zone that has inlets.

    Args:
        inventory: Zones, points and valves.
        series: Where readings come from.
        span_s: How much is kept [s].
        step_s: Width of a bucket of all zones [s]; by default each zone's own.
    """

    def __init__(self, inventory: Inventory, series: SeriesSource, *, span_s: float, step_s: float | None = None) -> None:
        self._calendar = inventory.site.calendar
        self._outlets = {a.zone: a.outlet_pressure for a in inventory.actuators.values()}
        self._steps = {z.key: step_s or _own_step_s(z, inventory) for z in inventory.metered_zones()}
        by_step: dict[float, list[PointKey]] = {}
        for zone in inventory.metered_zones():
            by_step.setdefault(self._steps[zone.key], []).extend(self._wanted(zone))
        self._caches = {step: GridCache(series, points, step_s=step, span_s=span_s) for step, points in by_step.items()}
        self._local: dict[float, tuple[NDArray[np.int64], FloatArray]] = {}

    @property
    def widest_s(self) -> float:
        """Width of the widest bucket [s]; 0 without zones."""
        return max(self._caches, default=0.0)

    async def refresh(self, now: datetime) -> frozenset[str]:
        """Reads what is new up to ``now``; the zones that have a bucket more than before."""
        fresh = []
        for step, cache in self._caches.items():
            if await cache.refresh(now):
                fresh.append(step)
                times = cache.start_s + step * np.arange(_size(cache), dtype=np.float64)
                self._local[step] = local_days_and_minutes(times, self._calendar.zone)
        return frozenset(zone for zone, step in self._steps.items() if step in fresh)

    def inputs(self, zone: Zone) -> ZoneInputs:
        """A zone as its detectors see it."""
        step = self._steps[zone.key]
        cache = self._caches[step]
        return zone_inputs(
            zone,
            self._calendar,
            cache.grids,
            start_s=cache.start_s,
            step_s=step,
            outlet=self._outlets.get(zone.key),
            local=self._local[step],
        )

    def end_s(self, zones: Iterable[str] | None = None) -> float:
        """End of the newest bucket of some zones, or of all, seconds since 1970 UTC; 0 without zones."""
        steps = {self._steps[z] for z in zones if z in self._steps} if zones is not None else set()
        return max((self._caches[s].start_s + _size(self._caches[s]) * s for s in steps or self._caches), default=0.0)

    def values(self, point: PointKey) -> FloatArray:
        """Bucket means of a point, oldest first, NaN where missing; of one that zones of several widths share, on the narrowest."""
        return next(c.grids[point] for _, c in sorted(self._caches.items()) if point in c.grids)

    def _wanted(self, zone: Zone) -> list[PointKey]:
        outlet = self._outlets.get(zone.key)
        return [*(i.point for i in zone.inlets), *zone.critical_points, *(() if outlet is None else (outlet,))]


def _own_step_s(zone: Zone, inventory: Inventory) -> float:
    return float(grid_step_s(inventory.points[i.point].period_s for i in zone.inlets if i.point in inventory.points))


def _size(cache: GridCache) -> int:
    return len(next(iter(cache.grids.values()), np.zeros(0)))
