"""What detectors see of a zone: net inflow, pressure and local time on one grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from domain.calendar import Calendar
from domain.points import PointKey
from domain.series import FloatArray, local_days_and_minutes
from domain.zones import Zone
from leak_detection import robust
from leak_detection.net_flow import FROZEN_RUN, net_inflow, still_for


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ZoneInputs:
    """One zone on a grid of (T,) steps; entry i covers [start_s + i × step_s, start_s + (i + 1) × step_s)."""

    zone: Zone
    calendar: Calendar
    start_s: float
    """Seconds since 1970 UTC."""
    step_s: float
    inflow_m3h: FloatArray
    """Net inflow; NaN where an inlet has no trustworthy value."""
    pressure_m: FloatArray
    """Average pressure at the critical points; NaN where unknown."""
    head_loss_m: FloatArray
    """Valve outlet less ``pressure_m``; NaN where unknown."""
    day: NDArray[np.int64]
    """Local day (``date.toordinal``)."""
    minute: FloatArray
    """Local minute of the day."""
    still: dict[PointKey, NDArray[np.int64]] = field(default_factory=dict)
    """For how many steps each meter of water entering has stood still, shape (T,) each."""

    @property
    def size(self) -> int:
        """Number of steps."""
        return int(self.inflow_m3h.size)

    @property
    def end_s(self) -> float:
        """End of the last step, seconds since 1970 UTC."""
        return self.start_s + self.size * self.step_s

    @property
    def stuck(self) -> tuple[PointKey, ...]:
        """Meters of water entering that stand still at the end of the grid."""
        return tuple(p for p, run in self.still.items() if run.size and run[-1] >= FROZEN_RUN)

    def steps(self, seconds: float) -> int:
        """A span of time as a whole number of steps, at least one."""
        return max(1, round(seconds / self.step_s))

    def until(self, size: int) -> ZoneInputs:
        """The first ``size`` steps."""
        return self.between(0, size)

    def between(self, first: int, end: int) -> ZoneInputs:
        """The steps first <= i < end."""
        part = slice(first, end)
        return replace(
            self,
            start_s=self.start_s + first * self.step_s,
            inflow_m3h=self.inflow_m3h[part],
            pressure_m=self.pressure_m[part],
            head_loss_m=self.head_loss_m[part],
            day=self.day[part],
            minute=self.minute[part],
            still={p: run[part] for p, run in self.still.items()},
        )


def zone_inputs(
    zone: Zone,
    calendar: Calendar,
    grids: Mapping[PointKey, FloatArray],
    *,
    start_s: float,
    step_s: float,
    outlet: PointKey | None = None,
    local: tuple[NDArray[np.int64], FloatArray] | None = None,
) -> ZoneInputs:
    """A zone's inputs from its points on one grid.

    Args:
        zone: A zone with inlets.
        calendar: For local time and kinds of day.
        grids: Values of each inlet, critical point and the outlet on the grid, shape (T,), NaN where missing.
        start_s: Start of the grid, seconds since 1970 UTC.
        step_s: Width of a step [s].
        outlet: Outlet pressure of the zone's valve, where it has one.
        local: Local day and minute of each step, where the caller has them already.
    """
    inflow = net_inflow(zone, grids)
    pressure = average_pressure([grids[p] for p in zone.critical_points if p in grids], inflow.size)
    out = grids.get(outlet, np.full(inflow.size, np.nan)) if outlet else np.full(inflow.size, np.nan)
    times = start_s + step_s * np.arange(inflow.size, dtype=np.float64)
    day, minute = local if local is not None else local_days_and_minutes(times, calendar.zone)
    return ZoneInputs(
        zone=zone,
        calendar=calendar,
        start_s=start_s,
        step_s=step_s,
        inflow_m3h=inflow,
        pressure_m=pressure,
        head_loss_m=out - pressure,
        day=day,
        minute=minute,
        # A meter between two zones is reported by the zone it feeds.
        still={i.point: still_for(grids[i.point]) for i in zone.inlets if i.sign > 0},
    )


def average_pressure(sensors: list[FloatArray], size: int) -> FloatArray:
    """Mean pressure of a zone from sensors that come and go, shape (T,).

    Each sensor is first moved onto the common level by its usual offset, and the median is taken: a sensor that falls silent or
    jumps by metres does not move the result by its own offset.
    """
    if not sensors:
        return np.full(size, np.nan)
    stack = np.vstack(sensors)
    together = np.isfinite(stack).all(axis=0)
    shared = stack[:, together] if together.mean() > 0.1 else stack
    usual = robust.median(shared, axis=1)
    offset = usual - robust.mean(usual)
    return robust.median(stack - np.where(np.isfinite(offset), offset, 0.0)[:, None])
