"""What a finding's page draws: inflow around the onset beside the week before, and the night flows from before it until now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import numpy as np

from console.trends import align, jsonable
from domain.ports import Night, NightFlows, SeriesSource
from domain.series import FloatArray
from domain.zones import Zone
from leak_detection.net_flow import net_inflow

STEP_S = 3600
WEEK = timedelta(days=7)
_AHEAD = timedelta(days=2)
_AFTER = timedelta(days=5)
_NIGHTS_AHEAD = timedelta(days=14)
_MOST_NIGHTS = timedelta(days=120)
_SD_OF_MAD = 1.4826


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FindingSeries:
    """Numbers to draw, and to read in a table."""

    seconds: FloatArray
    """Start of each hour, seconds since 1970 UTC, shape (T,)."""
    inflow_m3h: FloatArray
    """Net inflow, shape (T,); NaN where it is not known."""
    week_before_m3h: FloatArray
    nights: tuple[Night, ...]
    usual_m3h: float | None
    """Median of the nights before the onset; None where there was none."""
    usual_sd_m3h: float | None
    """Their standard deviation, by the median of the distances."""

    def document(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "seconds": [int(s) for s in self.seconds],
            "inflow_m3h": jsonable(self.inflow_m3h),
            "week_before_m3h": jsonable(self.week_before_m3h),
            "nights": [
                {"night": n.night.isoformat(), "at": n.at.isoformat(), "flow_m3h": round(n.flow_m3h, 3)} for n in self.nights
            ],
            "usual_m3h": self.usual_m3h,
            "usual_sd_m3h": self.usual_sd_m3h,
        }

    def hours(self) -> list[tuple[datetime, float | None, float | None]]:
        """(start, inflow, inflow a week before) of each hour: the table that holds what the chart draws."""
        columns = (self.seconds.tolist(), jsonable(self.inflow_m3h), jsonable(self.week_before_m3h))
        return [(datetime.fromtimestamp(s, UTC), now, before) for s, now, before in zip(*columns, strict=True)]


async def finding_series(
    source: SeriesSource, nights: NightFlows | None, zone: Zone, *, since: datetime, now: datetime
) -> FindingSeries | None:
    """The series of a zone around an onset; None of a zone without inlets."""
    if not zone.inlets:
        return None
    first_s = (since - _AHEAD).timestamp() // STEP_S * STEP_S
    seconds = np.arange(first_s, min(now, since + _AFTER).timestamp(), STEP_S, dtype=np.float64)
    measured: Sequence[Night] = ()
    if nights is not None:
        measured = await nights.nights(zone.key, max(since - _NIGHTS_AHEAD, now - _MOST_NIGHTS), now)
    before = [n.flow_m3h for n in measured if n.at + timedelta(hours=1) <= since]
    usual = median(before) if before else None
    return FindingSeries(
        seconds=seconds,
        inflow_m3h=await _inflow(source, zone, seconds),
        week_before_m3h=await _inflow(source, zone, seconds - WEEK.total_seconds()),
        nights=tuple(measured),
        usual_m3h=None if usual is None else round(usual, 3),
        usual_sd_m3h=None if usual is None else round(_SD_OF_MAD * median(abs(v - usual) for v in before), 3),
    )


async def _inflow(source: SeriesSource, zone: Zone, seconds: FloatArray) -> FloatArray:
    if not seconds.size:
        return np.zeros(0)
    start, end = (datetime.fromtimestamp(float(s), UTC) for s in (seconds[0], seconds[-1] + STEP_S))
    found = await source.series([inlet.point for inlet in zone.inlets], start, end, STEP_S)
    return net_inflow(zone, {inlet.point: align(found.get(inlet.point), seconds, STEP_S) for inlet in zone.inlets})
