"""Trends: series from the database as aligned columns for the charts, and as small lines for the tables. Pure but for one query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from domain.inventory import Inventory
from domain.points import PointKey
from domain.ports import SeriesSource
from domain.series import FloatArray, Series
from domain.zones import Inlet, Zone


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trend:
    """Columns of one shape (T,) on a regular grid; NaN where nothing was measured."""

    seconds: FloatArray
    """Start of each step, seconds since 1970 UTC."""
    inflow_m3h: FloatArray
    """Net inflow of the zone; NaN where one of its inlets is missing."""
    pressures_m: dict[PointKey, FloatArray] = field(default_factory=dict)
    """Critical points, then outlet and setpoint of each actuator."""

    def columns(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "seconds": [int(s) for s in self.seconds],
            "inflow_m3h": jsonable(self.inflow_m3h),
            "pressures_m": {key: jsonable(values) for key, values in self.pressures_m.items()},
        }


async def zone_trend(source: SeriesSource, inventory: Inventory, zone: str, *, end: datetime, hours: float, step_s: int) -> Trend:
    """Inflow and pressures of a zone up to ``end``."""
    inlets = inventory.zones[zone].inlets
    pressures = list(inventory.zones[zone].critical_points)
    for actuator in inventory.actuators.values():
        if actuator.zone == zone:
            pressures += [actuator.outlet_pressure, actuator.setpoint]
    start, grid = _grid(end, hours, step_s)
    found = await source.series([*(i.point for i in inlets), *pressures], start, end, step_s)
    return Trend(
        seconds=grid,
        inflow_m3h=net_inflow(found, inlets, grid, step_s),
        pressures_m={key: align(found.get(key), grid, step_s) for key in dict.fromkeys(pressures)},
    )


async def inflow_lines(
    source: SeriesSource, zones: Sequence[Zone], *, end: datetime, hours: float = 24, step_s: int = 1800
) -> dict[str, FloatArray]:
    """Net inflow of some zones on one grid, with a single query."""
    points = list(dict.fromkeys(inlet.point for zone in zones for inlet in zone.inlets))
    start, grid = _grid(end, hours, step_s)
    found = await source.series(points, start, end, step_s)
    return {zone.key: net_inflow(found, zone.inlets, grid, step_s) for zone in zones}


def align(series: Series | None, grid: FloatArray, step_s: int) -> FloatArray:
    """The series' values on the grid (T,); NaN where it has none."""
    column = np.full(grid.shape, np.nan)
    if series is None or len(series) == 0 or grid.size == 0:
        return column
    index = np.round((series.seconds - grid[0]) / step_s).astype(np.int64)
    inside = (index >= 0) & (index < grid.size)
    column[index[inside]] = series.values[inside]
    return column


def sparkline(values: FloatArray, *, width: int = 112, height: int = 24, pad: float = 2.0) -> str:
    """An SVG path of the values from zero to their maximum; gaps stay gaps. Empty where there is nothing to draw."""
    finite = np.isfinite(values)
    if not finite.any():
        return ""
    top = max(float(np.nanmax(values)), 1e-9)
    steps = max(values.size - 1, 1)
    parts: list[str] = []
    drawing = False
    for i, value in enumerate(values):
        if not finite[i]:
            drawing = False
            continue
        x = i * width / steps
        y = height - pad - max(float(value), 0.0) / top * (height - 2 * pad)
        parts.append(f"{'L' if drawing else 'M'}{x:.1f} {y:.1f}")
        drawing = True
    return "".join(parts)


def _grid(end: datetime, hours: float, step_s: int) -> tuple[datetime, FloatArray]:
    first = (int((end - timedelta(hours=hours)).timestamp()) // step_s) * step_s
    seconds = np.arange(first, end.timestamp(), step_s, dtype=np.float64)
    return datetime.fromtimestamp(first, UTC), seconds


def net_inflow(found: Mapping[PointKey, Series], inlets: Sequence[Inlet], grid: FloatArray, step_s: int) -> FloatArray:
    """What a zone takes (T,); NaN where one of its inlets is missing."""
    total = np.zeros(grid.shape)
    for inlet in inlets:
        total += inlet.sign * align(found.get(inlet.point), grid, step_s)
    return total


def jsonable(values: FloatArray) -> list[float | None]:
    """Numbers for JSON, to a thousandth; None where nothing was measured."""
    return [round(float(v), 3) if np.isfinite(v) else None for v in values]
