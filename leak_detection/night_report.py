"""Night flow of a recorded inflow, in local time: what ``khettara zones report`` prints of a zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from domain.calendar import Calendar
from domain.series import FloatArray, Series, from_datetime64, local_days_and_minutes
from leak_detection.night_flow import minimum_night_flows


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A stretch without readings."""

    start: datetime
    """Time of the first missing reading, UTC."""
    end: datetime
    """Time of the first reading after the gap (or the end of the report), UTC."""
    hours: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NightReport:
    """A zone's inflow over a period."""

    days_covered: float
    """Readings times their spacing, in days."""
    mean_m3h: float | None
    """Mean inflow [m³/h]; None without readings."""
    nights: int
    """Local nights with a minimum."""
    night_flow_median_m3h: float | None
    night_flow_least_m3h: float | None
    night_flow_last_m3h: float | None
    last_night: str | None
    """Local date of the last night, ISO."""
    step_s: float | None
    """Spacing of the readings: the median [s]."""
    gaps: tuple[Gap, ...]


def night_report(inflow: Series, calendar: Calendar, *, start: datetime | None = None, end: datetime | None = None) -> NightReport:
    """The report of one zone's inflow [m³/h], hourly or finer.

    A reading stamped t counts as the mean over [t, t + step). A local day of 23 or 25 hours keeps its night at 02:00 to 05:00.

    Args:
        inflow: Net inflow; missing values may be NaN or absent.
        calendar: Local time.
        start: Gaps are counted from here; from the first reading by default.
        end: Gaps are counted up to here; up to the last reading by default.
    """
    series = inflow.good()
    if start is not None or end is not None:
        series = _window(series, start, end)
    if len(series) < 2:
        mean = float(series.values[0]) if len(series) else None
        return NightReport(
            days_covered=0.0, mean_m3h=mean, nights=0, night_flow_median_m3h=None, night_flow_least_m3h=None,
            night_flow_last_m3h=None, last_night=None, step_s=None, gaps=_outer_gap(start, end),
        )  # fmt: skip
    seconds = series.seconds
    step_s = float(np.median(np.diff(seconds)))
    grid_start, flow = _regular(seconds, series.values, step_s)
    day, minute = local_days_and_minutes(grid_start + step_s * np.arange(flow.size, dtype=np.float64), calendar.zone)
    nights = minimum_night_flows(
        flow, day, minute, start_s=grid_start, step_s=step_s, complete_until_s=grid_start + step_s * flow.size
    )
    some = nights.day.size > 0
    return NightReport(
        days_covered=round(len(series) * step_s / 86400.0, 3),
        mean_m3h=float(series.values.mean()),
        nights=int(nights.day.size),
        night_flow_median_m3h=float(np.median(nights.flow_m3h)) if some else None,
        night_flow_least_m3h=float(nights.flow_m3h.min()) if some else None,
        night_flow_last_m3h=float(nights.flow_m3h[-1]) if some else None,
        last_night=datetime.fromordinal(int(nights.day[-1])).date().isoformat() if some else None,
        step_s=step_s,
        gaps=tuple(_gaps(seconds, step_s, start, end)),
    )


def _window(series: Series, start: datetime | None, end: datetime | None) -> Series:
    low = start or from_datetime64(series.times[0]) if len(series) else start
    high = end or from_datetime64(series.times[-1] + np.timedelta64(1, "ms")) if len(series) else end
    return series.between(low, high) if low is not None and high is not None else series


def _regular(seconds: FloatArray, values: FloatArray, step_s: float) -> tuple[float, FloatArray]:
    """The values on a gap-free grid, NaN where missing."""
    start = float(np.floor(seconds[0] / step_s) * step_s)
    cell = np.round((seconds - start) / step_s - 1e-9).astype(np.int64)
    size = int(cell[-1]) + 1
    count = np.bincount(cell, minlength=size)
    total = np.bincount(cell, weights=values, minlength=size)
    return start, np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _gaps(seconds: FloatArray, step_s: float, start: datetime | None, end: datetime | None) -> list[Gap]:
    edges = seconds
    if start is not None:
        edges = np.concatenate(([start.timestamp() - step_s], edges))
    if end is not None:
        edges = np.concatenate((edges, [end.timestamp()]))
    found = []
    for i in np.flatnonzero(np.diff(edges) > 1.5 * step_s):
        first, last = edges[i] + step_s, edges[i + 1]
        found.append(Gap(start=_moment(first), end=_moment(last), hours=round(float(last - first) / 3600.0, 3)))
    return found


def _outer_gap(start: datetime | None, end: datetime | None) -> tuple[Gap, ...]:
    if start is None or end is None:
        return ()
    return (Gap(start=start, end=end, hours=round((end - start).total_seconds() / 3600.0, 3)),)


def _moment(seconds: float) -> datetime:
    return from_datetime64(np.datetime64(round(seconds * 1000), "ms"))
