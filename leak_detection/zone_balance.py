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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Balance:
    """One zone, one row a tick of ``TICK_H`` hours, shape (N,) each; the row is known at ``end_h``."""

    end_h: NDArray[np.int64]
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


def mask_stuck(values: FloatArray, least: int) -> FloatArray:
    """A copy with every run of ``least`` or more equal consecutive values missing, but the run's first.

    A meter that truly reads zero flow is not stuck.
    """
    out = values.copy()
    change = np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1])))
    length = np.diff(np.append(change, values.size))
    for first, n in zip(change[length >= least], length[length >= least], strict=True):
        if np.isfinite(values[first]) and values[first] != 0.0:
            out[first + 1 : first + n] = np.nan
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
    best, width = np.full(x.shape[0], np.nan), np.full(x.shape[0], np.inf)
    for share in np.linspace(0.02, 0.98, _CANDIDATES):
        place = np.clip((share * count).astype(np.int64), 0, max(slopes.shape[1] - 1, 0))
        slope = np.take_along_axis(slopes, place[:, None], axis=1)[:, 0]
        rest = np.sort(y - slope[:, None] * x, axis=1)
        spans = rest[:, _HALF - 1 :] - rest[:, : rest.shape[1] - _HALF + 1]
        span = np.where(np.isfinite(spans), spans, np.inf).min(axis=1)
        better = (span < width) & (slope > 0)
        best, width = np.where(better, slope, best), np.where(better, span, width)
    return best


def balance(
    inflow_m3h: FloatArray,
    meters_m3h: FloatArray,
    pressure_m: FloatArray | None = None,
    *,
    n1: float = 1.0,
    reference_m: float = 0.0,
) -> Balance:
    """The balance at every tick, each from the past alone.

    Args:
        inflow_m3h: Net inflow per hour, shape (H,), NaN where missing.
        meters_m3h: Sum of the smart meters per hour, shape (H,).
        pressure_m: Mean zone pressure per hour, or None: no correction.
        n1: Leakage exponent, L ∝ p^N1 (FAVAD; mean of 157 zones 1.14, steel near 0.5, plastic near 1.5).
        reference_m: Pressure to which the leakage is brought [m]; 0: the median of the first four weeks.
    """
    size = min(inflow_m3h.size, meters_m3h.size)
    end = np.arange(24, size + 1, TICK_H)
    if not end.size:
        none = np.zeros(0)
        return Balance(
            end_h=end, slope=none, usual_slope=none, leakage_m3h=none, residual_m3h=none, mean_inflow_m3h=none,
            mean_meters_m3h=none, usual_meters_m3h=none,
        )  # fmt: skip
    rows = end[:, None] - 24 + np.arange(24)
    x, y, clock = meters_m3h[rows], inflow_m3h[rows], rows % 24
    both = np.isfinite(x) & np.isfinite(y)
    x, y = np.where(both, x, np.nan), np.where(both, y, np.nan)
    mean_inflow, mean_meters = robust.mean(y, axis=1), robust.mean(x, axis=1)
    usual = trailing_median(shortest_half_slope(x, y), SLOPE_DAYS * PER_DAY, 2)
    quiet = _quiet_hours(y - usual[:, None] * x, rows, clock, size)
    x, y = np.where(quiet, x, np.nan), np.where(quiet, y, np.nan)
    factor = np.ones_like(x) if pressure_m is None else _pressure_factor(pressure_m, rows, n1, reference_m)
    slope, usual, rest = _fit(x, y)
    # Leakage falls when use draws the pressure down; taken out, a large leak does not pass for a changed slope.
    own = robust.median(rest, axis=1)[:, None] * (factor / robust.median(factor, axis=1)[:, None] - 1.0)
    slope, usual, rest = _fit(x, y - np.where(np.isfinite(own), own, 0.0))
    enough = np.isfinite(rest).sum(axis=1) >= _LEAST_HOURS // 2
    leakage = np.where(enough, robust.median(rest, axis=1), np.nan)
    residual = robust.SD_OF_MAD * robust.median(np.abs(rest - leakage[:, None]), axis=1)
    leakage = leakage / robust.median(factor, axis=1)
    return Balance(
        end_h=end,
        slope=slope,
        usual_slope=usual,
        leakage_m3h=leakage,
        residual_m3h=residual,
        mean_inflow_m3h=mean_inflow,
        mean_meters_m3h=mean_meters,
        usual_meters_m3h=robust.median(x, axis=1),
    )


def _fit(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Slope of each window, the usual slope, and what it leaves of the inflow."""
    slope = theil_sen(x, y)
    usual = trailing_median(slope, SLOPE_DAYS * PER_DAY, 2)
    return slope, usual, y - usual[:, None] * x


def _quiet_hours(rest: FloatArray, rows: NDArray[np.int64], clock: NDArray[np.int64], size: int) -> NDArray[np.bool_]:
    """Hours of the day whose distance from the relation has been small in the days before each window."""
    # One residual per hour of the recording: that of the first window which holds it whole, so known when the window ends.
    hour = np.full(size, np.nan)
    off = np.abs(rest - robust.median(rest, axis=1)[:, None])
    hour[rows[:, -TICK_H:]] = off[:, -TICK_H:]
    days = size // 24
    by_clock = hour[: days * 24].reshape(days, 24)
    spread = np.full((days, 24), np.nan)
    for day in range(days):
        known = by_clock[max(0, day - QUIET_DAYS) : day + 1]
        # The upper quartile: what happens on one day in four is a habit.
        ordered = np.sort(np.where(np.isfinite(known), known, np.inf), axis=0)
        spread[day] = ordered[min(known.shape[0] - 1, known.shape[0] * 3 // 4)]
    past = np.clip((rows[:, -1] + 1) // 24 - 1, 0, max(days - 1, 0))
    width = spread[past]
    limit = _QUIET_RATIO * robust.median(width, axis=1)
    order = np.sort(width, axis=1)[:, 11]
    ok = width <= np.maximum(limit, order)[:, None]
    return np.asarray(np.take_along_axis(ok, clock, axis=1))


def _pressure_factor(pressure_m: FloatArray, rows: NDArray[np.int64], n1: float, reference_m: float) -> FloatArray:
    """(p / p₀)^N1 of each hour of each window, the window's median where one hour is not known, 1 where none is."""
    window = pressure_m[np.minimum(rows, pressure_m.size - 1)]
    window = np.where(np.isfinite(window), window, robust.median(window, axis=1)[:, None])
    first = robust.scalar_median(pressure_m[: QUIET_DAYS * 24])
    reference = reference_m if reference_m > 0 else first
    ratio = window / reference if reference > 0 else np.ones_like(window)
    return np.where(np.isfinite(ratio) & (ratio > 0.1), np.clip(ratio, 0.1, 10.0) ** n1, 1.0)


def trailing_median(values: FloatArray, width: int, least: int) -> FloatArray:
    """Median of the finite ones of the last ``width`` values at each place; NaN with fewer than ``least``."""
    padded = np.concatenate((np.full(width - 1, np.nan), values))
    windows = np.lib.stride_tricks.sliding_window_view(padded, width)
    return np.where(np.isfinite(windows).sum(axis=1) >= least, robust.median(windows, axis=1), np.nan)
