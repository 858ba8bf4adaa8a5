"""How far to trust readings, on arrays: range, absent values, exact steps of the resolution, and clocks. Pure.

value ──▶ counts = value / resolution, half to even      time ──▶ kept | receipt less its age, quality ``clock`` | refused
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

_LONGEST_STEP_MS = 86_400_000

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
    """Far ahead, or absent: the time is counted from that of receipt."""
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
    return Times(time_ms=kept, skewed=skewed, late=_late(kept, now_ms, limits))


def by_age(
    times: Times,
    device_ms: NDArray[np.int64],
    series: NDArray[np.intp],
    *,
    now_ms: int,
    sent_ms: int | None,
    limits: ClockLimits,
) -> Times:
    """The same, where skewed readings keep their order and their age: several of one series would else fall onto one moment.

    An age is counted back from the moment at which the message was sent, by the sender's own clock, or from the newest reading of
    the series where that lies later. It is told from step to step, and no step is longer than a day. Readings without any time
    stand a millisecond apart, in the order in which they came.

    Args:
        times: What ``judge_times`` said.
        device_ms: The times that it judged, shape (N,).
        series: Which series each reading is of, shape (N,).
        now_ms: Time of receipt.
        sent_ms: When the message was sent, by the sender's clock; None where it does not say.
        limits: How far a clock may be off.
    """
    at = np.flatnonzero(times.skewed)
    if not at.size:
        return times
    order = at[np.lexsort((device_ms[at], series[at]))]
    own, of = device_ms[order], series[order]
    last = np.append(of[1:] != of[:-1], True)
    following = np.where(last, own if sent_ms is None else np.maximum(own, sent_ms), np.append(own[1:], 0))
    step = np.clip(following - np.maximum(own, 0), 0, _LONGEST_STEP_MS)
    step[own < 0] = 1
    step[(own < 0) & last] = 0
    to_the_end = np.cumsum(step[::-1])[::-1]
    starts = np.flatnonzero(np.append(True, last[:-1]))
    beyond = np.append(to_the_end, 0)[np.append(starts[1:], order.size)]
    age = to_the_end - np.repeat(beyond, np.diff(np.append(starts, order.size)))
    kept = times.time_ms.copy()
    kept[order] = now_ms - age
    return Times(time_ms=kept, skewed=times.skewed, late=_late(kept, now_ms, limits))


def _late(time_ms: NDArray[np.int64], now_ms: int, limits: ClockLimits) -> NDArray[np.bool_]:
    return time_ms < max(EARLIEST_MS, now_ms - limits.retention_ms)
