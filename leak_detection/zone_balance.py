"""The balance of a zone against its smart meters, day by day, without a hydraulic model.

Within a day the inflow follows the sum of the smart meters: ``inflow = slope × meters + leakage``. The slope is one over the
share of
the use that the meters see (coverage, under-reading, a biased inlet meter), the intercept is water that no customer's habit
explains.
Both are estimated robustly (Theil-Sen: Theil 1950, Sen 1968), on the hours of the day at which the relation has held lately: users
without a meter and with habits of their own (irrigation, night shifts) are thus left out wherever in the day they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.series import FloatArray
from leak_detection import robust

TICK_H = 6
"""Hours between two looks; each looks at the last 24 hours."""
PER_DAY = 24 // TICK_H
QUIET_DAYS = 28
SLOPE_DAYS = 15
_QUIET_RATIO = 2.5
_LEAST_HOURS = 10
_HALF = 14
_CANDIDATES = 40
_LEAST_RANGE = 0.2
"""Of their mean: meters that vary less over a day say nothing about the slope."""


def mask_stuck(values: FloatArray, least: int) -> FloatArray:
    """A copy with the equal consecutive values missing from the ``least``-th of a run on: what was believed before stays so.

    A meter that truly reads zero flow is not stuck.
    """
    out = values.copy()
    change = np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1])))
    length = np.diff(np.append(change, values.size))
    for first, n in zip(change[length >= least], length[length >= least], strict=True):
        if np.isfinite(values[first]) and values[first] != 0.0:
            out[first + least - 1 : first + n] = np.nan
    return out


def hourly(values: FloatArray, per_hour: int) -> FloatArray:
    """Means of whole hours, shape (T // per_hour,); NaN where fewer than half of an hour's values are there."""
    table = values[: values.size // per_hour * per_hour].reshape(-1, per_hour)
    enough = np.isfinite(table).sum(axis=1) * 2 >= per_hour
    return np.where(enough, robust.mean(table, axis=1), np.nan)


def theil_sen(x: FloatArray, y: FloatArray) -> FloatArray:
    """Median of the slopes of all pairs, row by row, shape (N,) of (N, M); NaN where x hardly varies or pairs are few."""
    i, j = np.triu_indices(x.shape[1], 1)
    dx, dy = x[:, j] - x[:, i], y[:, j] - y[:, i]
    known = np.isfinite(x)
    spread = np.where(known, x, -np.inf).max(axis=1) - np.where(known, x, np.inf).min(axis=1)
    far = np.abs(dx) > 0.2 * spread[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        slopes = np.where(far, dy / dx, np.nan)
    slope = robust.median(slopes, axis=1)
    usable = (np.isfinite(x * y).sum(axis=1) >= _LEAST_HOURS) & (spread > _LEAST_RANGE * np.abs(robust.mean(x, axis=1)))
    return np.where(usable, slope, np.nan)


def shortest_half_slope(x: FloatArray, y: FloatArray) -> FloatArray:
    """The slope whose residuals crowd most, row by row, shape (N,) of (N, M).

    Least median of squares (Rousseeuw 1984) over the slopes of pairs: it holds while 14 of 24 hours follow the relation, where
    Theil-Sen is lost when more than 7 do not; it is less exact, so it only chooses the hours.
    """
    i, j = np.triu_indices(x.shape[1], 1)
    dx, dy = x[:, j] - x[:, i], y[:, j] - y[:, i]
    wide = np.abs(dx) >= robust.median(np.abs(dx), axis=1)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        slopes = np.sort(np.where(wide & np.isfinite(dy), dy / dx, np.nan), axis=1)
    count = np.isfinite(slopes).sum(axis=1)
    places = (np.linspace(0.02, 0.98, _CANDIDATES)[None, :] * count[:, None]).astype(np.int64)
    tried = np.take_along_axis(slopes, np.clip(places, 0, max(slopes.shape[1] - 1, 0)), axis=1)
    rest = np.sort(y[:, None, :] - tried[:, :, None] * x[:, None, :], axis=2)
    with np.errstate(invalid="ignore"):
        spans = rest[:, :, _HALF - 1 :] - rest[:, :, : rest.shape[2] - _HALF + 1]
    width = np.where(np.isfinite(spans), spans, np.inf).min(axis=2)
    width = np.where(tried > 0, width, np.inf)
    best = np.argmin(width, axis=1)[:, None]
    found = np.take_along_axis(tried, best, axis=1)[:, 0]
    return np.where(np.isfinite(np.take_along_axis(width, best, axis=1)[:, 0]), found, np.nan)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BalanceTick:
    """One look at some zones over the 24 hours up to ``end_h``, shape (Z,) each."""

    end_h: int
    """Hours from the start of the recording to the end of the window."""
    slope: FloatArray
    """Inflow per metered flow in this window; NaN where it could not be estimated."""
    usual_slope: FloatArray
    """Median slope of the ``SLOPE_DAYS`` before and with this window."""
    leakage_m3h: FloatArray
    """Inflow that the meters do not explain, at the usual slope and the reference pressure [m³/h]."""
    residual_m3h: FloatArray
    """Spread of the hours around the relation [m³/h]: how well it holds at all."""
    mean_inflow_m3h: FloatArray
    """Mean of the window [m³/h]."""
    mean_meters_m3h: FloatArray
    """Mean of the meters over the hours that the inflow has too [m³/h]."""
    usual_meters_m3h: FloatArray
    """Median of the meters over the hours that were used [m³/h]: how far an error of the slope moves the leakage."""
    part_inflow_m3h: FloatArray
    """Mean inflow of the last ``TICK_H`` hours alone, one part of the day, at the reference pressure [m³/h]."""
    part_meters_m3h: FloatArray
    """Mean of the meters over the same hours, divided by the same pressure factor [m³/h]."""

    def zone(self, k: int) -> BalanceRow:
        """The look at zone ``k``."""
        return BalanceRow(end_h=self.end_h, **{name: float(getattr(self, name)[k]) for name in _COLUMNS})


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceRow:
    """One look at one zone; fields as in ``BalanceTick``."""

    end_h: int
    slope: float
    usual_slope: float
    leakage_m3h: float
    residual_m3h: float
    mean_inflow_m3h: float
    mean_meters_m3h: float
    usual_meters_m3h: float
    part_inflow_m3h: float
    part_meters_m3h: float


class BalanceBank:
    """What the balances of some zones remember between two looks: 29 days of hours and 15 days of slopes each.

    ``step`` is all that there is: a replay calls it as the service does, so the two cannot differ. Zones do not touch one another.

    Args:
        zones: How many, Z.
        n1: Leakage exponent, L ∝ p^N1 (FAVAD; mean of 157 zones 1.14, steel near 0.5, plastic near 1.5).
        reference_m: Pressure to which the leakage is brought [m]; 0: each zone's median of the first four weeks.
    """

    def __init__(self, zones: int, *, n1: float = 1.0, reference_m: float = 0.0) -> None:
        self._n1 = n1
        self._rough, self._first, self._second = (np.full((zones, SLOPE_DAYS * PER_DAY), np.nan) for _ in range(3))
        self._off = np.full((zones, QUIET_DAYS + 1, 24), np.nan)
        """Distance from the relation of each hour of the last whole days, oldest first."""
        self._days = 0
        self._today = np.full((zones, 24), np.nan)
        self._pressures = np.full((zones, 0), np.nan)
        self._reference = np.full(zones, reference_m)
        self._learning = reference_m <= 0

    def step(self, end_h: int, inflow_m3h: FloatArray, meters_m3h: FloatArray, pressure_m: FloatArray | None = None) -> BalanceTick:
        """Takes the last 24 hours; every call comes ``TICK_H`` hours after the one before.

        Args:
            end_h: Hours from a local midnight to the end of the window.
            inflow_m3h: Net inflow, shape (Z, 24), NaN where missing.
            meters_m3h: Sum of the smart meters, shape (Z, 24).
            pressure_m: Mean zone pressure, shape (Z, 24), or None: no correction.
        """
        both = np.isfinite(meters_m3h) & np.isfinite(inflow_m3h)
        x, y = np.where(both, meters_m3h, np.nan), np.where(both, inflow_m3h, np.nan)
        mean_inflow, mean_meters = robust.mean(y, axis=1), robust.mean(x, axis=1)
        part_inflow, part_meters = robust.mean(y[:, -TICK_H:], axis=1), robust.mean(x[:, -TICK_H:], axis=1)
        _push(self._rough, shortest_half_slope(x, y))
        quiet = self._quiet_hours(y - _usual(self._rough)[:, None] * x, end_h)
        x, y = np.where(quiet, x, np.nan), np.where(quiet, y, np.nan)
        factor = np.ones_like(x) if pressure_m is None else self._pressure_factor(pressure_m)
        middle = robust.median(factor, axis=1)
        part = robust.median(factor[:, -TICK_H:], axis=1)
        _, _, rest = _fit(x, y, self._first)
        # Leakage falls when use draws the pressure down; taken out, a large leak does not pass for a changed slope.
        own = robust.median(rest, axis=1)[:, None] * (factor / middle[:, None] - 1.0)
        slope, usual, rest = _fit(x, y - np.where(np.isfinite(own), own, 0.0), self._second)
        enough = np.isfinite(rest).sum(axis=1) >= _LEAST_HOURS // 2
        leakage = np.where(enough, robust.median(rest, axis=1), np.nan)
        return BalanceTick(
            end_h=end_h,
            slope=slope,
            usual_slope=usual,
            leakage_m3h=leakage / middle,
            residual_m3h=robust.SD_OF_MAD * robust.median(np.abs(rest - leakage[:, None]), axis=1),
            mean_inflow_m3h=mean_inflow,
            mean_meters_m3h=mean_meters,
            usual_meters_m3h=robust.median(x, axis=1),
            part_inflow_m3h=part_inflow / part,
            part_meters_m3h=part_meters / part,
        )

    def _quiet_hours(self, rest: FloatArray, end_h: int) -> NDArray[np.bool_]:
        """Hours of the day whose distance from the relation has been small in the days before this window."""
        off = np.abs(rest - robust.median(rest, axis=1)[:, None])
        clock = np.arange(end_h - 24, end_h) % 24
        # One residual per hour of the recording: that of the first window which holds it whole, so known when the window ends.
        self._today[:, clock[-TICK_H:]] = off[:, -TICK_H:]
        if end_h % 24 < TICK_H:
            whole, days = end_h % 24, self._today
            self._off = np.concatenate((self._off[:, 1:], days[:, None]), axis=1)
            self._days = min(self._days + 1, QUIET_DAYS + 1)
            self._today = np.full_like(days, np.nan)
            self._today[:, :whole] = days[:, :whole]
        if not self._days:
            return np.ones_like(rest, dtype=bool)
        # The upper quartile: what happens on one day in four is a habit.
        known = self._off[:, -self._days :]
        ordered = np.sort(np.where(np.isfinite(known), known, np.inf), axis=1)
        spread = ordered[:, min(self._days - 1, self._days * 3 // 4)]
        limit = np.maximum(_QUIET_RATIO * _median_or_inf(spread), np.sort(spread, axis=1)[:, 11])
        return np.asarray((spread <= limit[:, None])[:, clock])

    def _pressure_factor(self, pressure_m: FloatArray) -> FloatArray:
        """(p / p₀)^N1 of each hour, the window's median where one hour is not known, 1 where none is."""
        window = np.where(np.isfinite(pressure_m), pressure_m, robust.median(pressure_m, axis=1)[:, None])
        if self._learning:
            self._pressures = np.concatenate((self._pressures, pressure_m[:, -TICK_H:]), axis=1)
            self._reference = robust.median(self._pressures, axis=1)
            if self._pressures.shape[1] >= QUIET_DAYS * 24:
                self._learning, self._pressures = False, self._pressures[:, :0]
        reference = np.where(self._reference > 0, self._reference, np.nan)
        ratio = window / reference[:, None]
        return np.where(np.isfinite(ratio) & (ratio > 0.1), np.clip(ratio, 0.1, 10.0) ** self._n1, 1.0)


_COLUMNS = tuple(name for name in BalanceTick.__slots__ if name != "end_h")


def _push(history: FloatArray, newest: FloatArray) -> None:
    """Moves a history of shape (Z, N) on by one value, in place."""
    history[:, :-1] = history[:, 1:]
    history[:, -1] = newest


def _usual(slopes: FloatArray) -> FloatArray:
    """Median of each zone's finite ones; NaN of fewer than two."""
    return np.where(np.isfinite(slopes).sum(axis=1) >= 2, robust.median(slopes, axis=1), np.nan)


def _median_or_inf(values: FloatArray) -> FloatArray:
    middle = robust.median(values, axis=1)
    return np.where(np.isfinite(middle), middle, np.inf)


def _fit(x: FloatArray, y: FloatArray, slopes: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Slope of each window, the usual slope with it, and what that leaves of the inflow."""
    slope = theil_sen(x, y)
    _push(slopes, slope)
    usual = _usual(slopes)
    return slope, usual, y - usual[:, None] * x
