"""Minimum night flows as they were measured, without learning anything: what proves a repair, and what a finding's page draws."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np

from domain.grids import grid_step_s
from domain.inventory import Inventory
from domain.ports import Night, SeriesSource
from domain.series import empty, local_days_and_minutes, on_grid
from leak_detection.net_flow import net_inflow
from leak_detection.night_flow import minimum_night_flows

_BEFORE = timedelta(hours=6)
"""A night that has begun at the span's start is read whole."""


class MeasuredNights:
    """``NightFlows`` over the readings, by the detectors' own definition of a night."""

    def __init__(self, inventory: Inventory, series: SeriesSource) -> None:
        self._inventory, self._series = inventory, series

    def measures(self, zone: str) -> bool:
        """Whether the zone is known and has inlets."""
        found = self._inventory.zones.get(zone)
        return found is not None and bool(found.inlets)

    async def nights(self, zone: str, since: datetime, until: datetime) -> Sequence[Night]:
        """Whole nights that were over by ``until`` and whose least hour began at ``since`` or later, oldest first; none of a zone
        without inlets."""
        found = self._inventory.zones.get(zone)
        if found is None or not found.inlets or since >= until:
            return ()
        points = self._inventory.points
        step_s = grid_step_s(points[inlet.point].period_s for inlet in found.inlets if inlet.point in points)
        first_s = (since - _BEFORE).timestamp() // step_s * step_s
        times_s = np.arange(first_s, until.timestamp(), step_s, dtype=np.float64)
        start = datetime.fromtimestamp(float(times_s[0]), UTC)
        series = await self._series.series([inlet.point for inlet in found.inlets], start, until, step_s)
        grids = {
            inlet.point: on_grid(series.get(inlet.point) or empty(inlet.point), float(times_s[0]), step_s, times_s.size)
            for inlet in found.inlets
        }
        day, minute = local_days_and_minutes(times_s, self._inventory.site.calendar.zone)
        nights = minimum_night_flows(
            net_inflow(found, grids), day, minute, start_s=float(times_s[0]), step_s=step_s, complete_until_s=until.timestamp()
        )
        rows = zip(nights.day.tolist(), nights.end_s.tolist(), nights.flow_m3h.tolist(), strict=True)
        shown = (
            Night(night=date.fromordinal(ordinal), at=datetime.fromtimestamp(end_s - 3600.0, UTC), flow_m3h=flow)
            for ordinal, end_s, flow in rows
        )
        return tuple(night for night in shown if night.at >= since)
