"""What a leak's flow looks like beside use: it is brought up to today where it grows, and it shows in every part of the day. Pure.

    night ████▁▁▁▁  forenoon  ████▁▁▁▁  afternoon ████▁▁▁▁  evening ████▁▁▁▁     a leak: every part rose by one amount
    night ████▁▁▁▁  forenoon  ▁▁▁▁▁▁▁▁  afternoon ▁▁▁▁▁▁▁▁  evening ██▁▁▁▁▁▁     people are up at night: no leak
    night ██▁▁▁▁▁▁  forenoon  ███▁▁▁▁▁  afternoon ████▁▁▁▁  evening ███▁▁▁▁▁     cooling goes with the sun: no leak

A part is the six hours between two looks, compared with the same hours of the weeks before, by what these scatter.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from domain.series import FloatArray

PARTS = 4
"""Of a day."""
_PART_H = 6
_LEAST_SHOWN, _LEAST_SPREADS = 0.4, 3.0
"""Of the flow, which each part must show; short of it by so many spreads of use it may fall by chance."""
_MOST_SHOWN, _MOST_SPREADS, _FAR_SPREADS = 1.2, 1.0, 3.5
"""Of the flow, and spreads of use, more than which one part alone may show (a busy evening); none may go so far beyond."""
_LEAST_DAYS = 8
"""Of the past: with fewer known a part says nothing."""
_CUT = 0.15
"""Share of days left out at either end of a mean: a late lump, a garden, a day away."""
_WITHIN = (0.2, 0.8)
_SPREADS_WITHIN = 1.68
"""Standard deviations between these two shares of a bell."""


def part_mean(hours_l_h: FloatArray) -> FloatArray:
    """Mean of six hours of each meter [L/h], shape (M,) of (M, 6); NaN with fewer than four known."""
    known = np.isfinite(hours_l_h)
    count = known.sum(axis=1)
    mean = np.where(known, hours_l_h, 0.0).sum(axis=1) / np.maximum(count, 1)
    return np.asarray(np.where(count >= 4, mean, np.nan))


def brought_up(values_l_h: FloatArray, days_l_h: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Hours and days' floors as if what grew had been all the time what it is now.

    The growth of a day is the median of the slopes between all pairs of days (Theil and Sen), so that one odd day bends nothing.

    Args:
        values_l_h: Hourly use up to now, shape (M, H).
        days_l_h: Least hour of each of the last days, the newest first, shape (M, D).
    """
    count = days_l_h.shape[1]
    if count < 2:
        return values_l_h, days_l_h
    slopes = [(days_l_h[:, i] - days_l_h[:, j]) / (j - i) for i in range(count) for j in range(i + 1, count)]
    growth = np.median(np.stack(slopes), axis=0)
    growth = np.where(growth > 0, growth, 0.0)[:, None]  # an unknown day gives no slope, and NaN is not above 0
    ago_d = np.arange(values_l_h.shape[1])[::-1] / 24.0
    return values_l_h + growth * ago_d, days_l_h + growth * np.arange(count)


def shown_all_day(
    window_l_h: FloatArray, floor_l_h: FloatArray, rounding_l_h: FloatArray, past_l_h: NDArray[np.float32], newest: int
) -> NDArray[np.bool_]:
    """Whether every part of the day rose by what does not stop, and not by much more.

    Args:
        window_l_h: Hours that it has lasted, brought up to now, shape (M, H).
        floor_l_h: What does not stop, shape (M,).
        rounding_l_h: What the register's counting may add to it, shape (M,).
        past_l_h: ``part_mean`` of the looks of the weeks before it, the newest last, shape (M, S).
        newest: Looks from the newest of ``past_l_h`` to now: which part of the day it is.

    Returns:
        Shape (M,); true where the past is not known.
    """
    hours = window_l_h.shape[1]
    days, looks = max(1, hours // 24), past_l_h.shape[1]
    short, beyond = np.zeros(floor_l_h.size, dtype=np.int64), np.zeros(floor_l_h.size, dtype=np.int64)
    for part in range(PARTS):
        before = past_l_h[:, (looks - 1 - part + newest) % PARTS :: PARTS].astype(np.float64)
        known, spread = _known_and_spread(before)
        ends = [hours - 24 * day - _PART_H * part for day in range(days)]
        now = np.stack([part_mean(window_l_h[:, end - _PART_H : end]) for end in ends], axis=1)
        rise, noise = _cut_mean(now) - _cut_mean(before), spread / np.sqrt(days)
        with np.errstate(invalid="ignore"):
            short += known & (rise < _LEAST_SHOWN * floor_l_h - _LEAST_SPREADS * noise - 0.5 * rounding_l_h)
            over = rise - _MOST_SHOWN * floor_l_h - rounding_l_h
            beyond += known & (over > _MOST_SPREADS * noise)
            beyond += known & (over > _FAR_SPREADS * noise)
    return np.asarray((short == 0) & (beyond <= 1))


def _known_and_spread(before: FloatArray) -> tuple[NDArray[np.bool_], FloatArray]:
    ordered = np.sort(before, axis=1)  # unknown days last
    count = np.isfinite(ordered).sum(axis=1)
    low, high = (
        np.take_along_axis(ordered, np.rint(share * np.maximum(count - 1, 0)).astype(np.int64)[:, None], axis=1)[:, 0]
        for share in _WITHIN
    )
    return count >= _LEAST_DAYS, (high - low) / _SPREADS_WITHIN


def _cut_mean(days: FloatArray) -> FloatArray:
    """Mean of each meter's known days without the largest and the smallest; NaN without any."""
    ordered = np.sort(days, axis=1)
    count = np.isfinite(ordered).sum(axis=1)[:, None]
    cut = np.where(count >= 3, np.ceil(_CUT * count), 0)
    place = np.arange(days.shape[1])[None, :]
    kept = (place >= cut) & (place < count - cut)
    total = np.where(kept, ordered, 0.0).sum(axis=1)
    return np.asarray(np.where(kept.any(axis=1), total / np.maximum(kept.sum(axis=1), 1), np.nan))
