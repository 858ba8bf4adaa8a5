"""How far to trust readings, on arrays: range, absent values, exact steps of the resolution, and clocks. Pure.

value ──▶ counts = value / resolution, half to even      time ──▶ kept | time of receipt, quality ``clock`` | refused
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from domain.delivery import NULL_COUNT
from domain.readings import Quality

EXACT_COUNTS = 2.0**53
"""Beyond this many steps a double is no exact whole number."""
EARLIEST_MS = 946_684_800_000
"""2000-01-01 UTC: no device that this system reads was installed before."""
_TIE, _TIE_A_STEP = 1e-9, 2.0**-50
"""Distance from a half below which the division's own rounding could decide; those few are redone in decimals."""

_QUALITY = {0: Quality.BAD, 192: Quality.GOOD, 500: Quality.SUSPECT}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockLimits:
    """How far a device's clock may be off."""

    ahead_ms: int
    retention_ms: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Values:
    """What became of the values; arrays of shape (N,)."""

    counts: NDArray[np.int64]
    quality: NDArray[np.int16]
    """``domain.readings.Quality``"""
    out_of_range: NDArray[np.bool_]
    """No exact number of steps: to be refused."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Times:
    """What became of the observation times; arrays of shape (N,)."""

    time_ms: NDArray[np.int64]
    skewed: NDArray[np.bool_]
    """Far ahead: the time is that of receipt."""
    late: NDArray[np.bool_]
    """Before 2000 or past the retention: to be refused."""


def judge_values(
    value: NDArray[np.float64],
    null: NDArray[np.bool_],
    sparkplug_quality: NDArray[np.int32],
    resolution: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
) -> Values:
    """Values as whole numbers of their resolution, with quality.

    Args:
        value: In the canonical unit of each point.
        null: True where the device gave none.
        sparkplug_quality: 192 good, 0 bad, any other is suspect.
        resolution: Step of the point in the canonical unit, > 0.
        low: Plausible minimum; NaN for none.
        high: Plausible maximum; NaN for none.
    """
    absent = null | ~np.isfinite(value)
    present = np.where(absent, 0.0, value)
    with np.errstate(over="ignore"):
        steps = present / resolution
    out = np.abs(steps) > EXACT_COUNTS
    steps[out] = 0.0
    rounded = np.rint(steps)
    ties = np.abs(np.abs(steps - np.trunc(steps)) - 0.5) < _TIE + _TIE_A_STEP * np.abs(steps)
    for i in np.flatnonzero(ties):
        rounded[i] = exact_counts(float(present[i]), float(resolution[i]))
    counts = rounded.astype(np.int64)
    counts[absent] = NULL_COUNT

    quality = np.full(value.shape, Quality.SUSPECT, dtype=np.int16)
    for code, word in _QUALITY.items():
        quality[sparkplug_quality == code] = word
    implausible = (present < low) | (present > high)  # false where a limit is NaN
    quality[implausible & (quality == Quality.GOOD)] = Quality.SUSPECT
    quality[absent] = Quality.BAD
    return Values(counts=counts, quality=quality, out_of_range=out & ~absent)


def exact_counts(value: float, resolution: float) -> int:
    """The value as a whole number of ``resolution``, rounded half to even in decimals (``Point.counts``)."""
    return int((Decimal(repr(value)) / Decimal(repr(resolution))).to_integral_value())


def judge_times(time_ms: NDArray[np.int64], now_ms: int, limits: ClockLimits) -> Times:
    """Observation times that may be stored: never in the far future, never in a partition that is already dropped.

    Args:
        time_ms: Observation times [ms since 1970 UTC]; negative where the device gave none, which counts as skewed.
        now_ms: Time of receipt.
        limits: How far a clock may be off.
    """
    skewed = (time_ms > now_ms + limits.ahead_ms) | (time_ms < 0)
    kept = np.where(skewed, now_ms, time_ms)
    late = kept < max(EARLIEST_MS, now_ms - limits.retention_ms)
    return Times(time_ms=kept, skewed=skewed, late=late)


def collapsed(point_id: NDArray[np.int32], skewed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """True for every skewed reading but the first of its point: they would all fall onto the time of receipt."""
    again = np.zeros(skewed.shape, dtype=np.bool_)
    at = np.flatnonzero(skewed)
    if at.size:
        _, first = np.unique(point_id[at], return_index=True)
        again[at] = True
        again[at[first]] = False
    return again
