"""Readings of the network layer on its grid: the hours that have come, and the past that teaches."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from domain.calendar import Calendar
from domain.ports import SeriesSource
from domain.series import FloatArray, local_days_and_minutes, on_grid
from leak_detection.network_leaks import NetworkPoints
from leak_detection.network_past import CalibrationError, NetworkPast, known_enough
from leak_detection.network_schedule import LONGEST_DAYS, TEACH_DAYS, next_midnight_s, teaching_span, winter_offset_s

_DAY_S = 86400.0
_CHUNK_DAYS = 7
_EMPTY_CHUNKS = 5
"""Weeks without any reading before which nothing is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Taught:
    """What a layer that has learnt from a past goes on with."""

    start_s: float
    """First row of the past."""
    end_s: float
    usual_m: FloatArray
    """Pressure at the outlet of each steered valve in the days that teach; NaN where that is not known."""


class NetworkReadings:
    """Of one network.

    Args:
        points: The network file and its names.
        calendar: Local time: demand goes by the clock.
        series: Where readings come from.
    """

    def __init__(self, points: NetworkPoints, calendar: Calendar, series: SeriesSource) -> None:
        self._points = points
        self._zone, self._offset_s = calendar.zone, winter_offset_s(calendar)
        self._series = series
        self._outlets = tuple(dict.fromkeys(points.steered.values()))

    async def between(self, start_s: float, end_s: float, usual_m: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Gauges, with each steered valve as usual, and drivers on the grid, shapes (T, G) and (T, D); NaN where missing.

        Args:
            start_s: Since 1970 UTC.
            end_s: The same.
            usual_m: Of the outlets, as ``Taught`` has it.
        """
        values, count, every = await self._read(start_s, end_s), len(self._points.gauges), len(self._points.points)
        return self._as_usual(values[:, :count], values[:, every:], usual_m), values[:, count:every]

    async def past(self, end_s: float) -> tuple[NetworkPast, Taught]:
        """All that teaches and all since, up to the end; without repairs.

        Raises:
            CalibrationError: Too little of it.
        """
        points, offset = self._points, self._offset_s
        first_s, parts = await self._backward(end_s)
        span = teaching_span(next_midnight_s(first_s, offset), end_s, offset)
        if span is None:
            raise CalibrationError(
                f"{(end_s - first_s) / _DAY_S:.0f} days of readings; the network layer begins with {TEACH_DAYS[0] + 1}"
            )
        start_s, opening = span
        values = np.concatenate(parts)[-round((end_s - start_s) / points.step_s) :]
        times = start_s + points.step_s * np.arange(len(values), dtype=np.float64)
        count, every = len(points.gauges), len(points.points)
        usual_m = _usual(values[: opening * round(_DAY_S / points.step_s), every:])
        past = NetworkPast(
            network=points.network,
            gauges=tuple(points.gauges.values()),
            meters=tuple(points.meters.values()),
            tanks=tuple(points.tanks.values()),
            opening=opening,
            per_day=round(_DAY_S / points.step_s),
            hour=(local_days_and_minutes(times, self._zone)[1] // 60).astype(np.int64),
            pressure_m=self._as_usual(values[:, :count], values[:, every:], usual_m),
            drivers=values[:, count:every],
        )
        return past, Taught(start_s=start_s, end_s=end_s, usual_m=usual_m)

    async def _backward(self, end_s: float) -> tuple[float, list[FloatArray]]:
        """The first moment with a reading and the rows from the chunk it lies in up to the end; week by week into the past."""
        parts: list[FloatArray] = []
        end, empty, first_s = end_s, 0, end_s
        while end_s - end < LONGEST_DAYS * _DAY_S and empty < _EMPTY_CHUNKS:
            start = end - _CHUNK_DAYS * _DAY_S
            part = await self._read(start, end)
            known = np.flatnonzero(np.isfinite(part).any(axis=1))
            empty = 0 if known.size else empty + 1
            first_s = start + self._points.step_s * float(known[0]) if known.size else first_s
            parts.insert(0, part)
            end = start
        return first_s, parts

    async def _read(self, start_s: float, end_s: float) -> FloatArray:
        """Gauges, drivers and outlets of steered valves on the grid, shape (T, G + D + V); NaN where missing."""
        step_s, wanted = self._points.step_s, (*self._points.points, *self._outlets)
        found = await self._series.series(wanted, datetime.fromtimestamp(start_s, UTC), datetime.fromtimestamp(end_s, UTC), step_s)
        size = round((end_s - start_s) / step_s)
        columns = [on_grid(found[key], start_s, step_s, size) if key in found else np.full(size, np.nan) for key in wanted]
        return np.stack(columns, axis=1)

    def _as_usual(self, pressure_m: FloatArray, outlets_m: FloatArray, usual_m: FloatArray) -> FloatArray:
        """Pressures as they would be with each steered valve as it was when the layer learnt.

        Behind a valve they follow its outlet; what is left is what the pipes lose.
        """
        found = pressure_m.copy()
        for k, gauge in enumerate(self._points.gauges):
            outlet = self._points.steered.get(gauge)
            n = None if outlet is None else self._outlets.index(outlet)
            if n is not None and np.isfinite(usual_m[n]):
                found[:, k] -= outlets_m[:, n] - usual_m[n]
        return found


def _usual(outlets_m: FloatArray) -> FloatArray:
    """Median of each column; NaN where it was hardly ever read."""
    known = known_enough(outlets_m)
    usual = np.full(outlets_m.shape[1], np.nan)
    usual[known] = np.nanmedian(outlets_m[:, known], axis=0)
    return usual
