"""What a leak's flow looks like beside use: it is brought up to today where it grows, and it shows in every part of the day. Pure.

    night ████▁▁▁▁  forenoon  ████▁▁▁▁  afternoon ████▁▁▁▁  evening ████▁▁▁▁     a leak: every part rose by one amount
    night ████▁▁▁▁  forenoon  ▁▁▁▁▁▁▁▁  afternoon ▁▁▁▁▁▁▁▁  evening ██▁▁▁▁▁▁     people are up at night: no leak
    night ██▁▁▁▁▁▁  forenoon  ███▁▁▁▁▁  afternoon ████▁▁▁▁  evening ███▁▁▁▁▁     cooling goes with the sun: no leak

A part is the six hours between two looks, compared with the same hours of the weeks before, by what these scatter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.series import FloatArray
from leak_detection import robust

PARTS = 4
"""Of a day."""
_PART_H = 6
_LEAST_SHOWN, _LEAST_SPREADS = 0.4, 3.0
"""Of the flow, which each part must show; short of it by so many spreads of use it may fall by chance."""
_MOST_SHOWN, _MOST_SPREADS, _FAR_SPREADS = 1.2, 1.0, 3.5
"""Of the flow, and spreads of use, more than which one part alone may show (a busy evening); none may go so far beyond."""
_ALIKE_LEAST = 0.8
"""Of the flow, which each part must show where no hour shows the floor."""
_ALIKE_PLAIN, _ALIKE_FAR = 0.5, 2.5
"""Standard errors of a part's rise: so many at least, and one part alone may be so far beyond."""
_ALIKE_SHARE = 0.1
"""Of the mean use before: a smaller flow is within its swings."""
_ROUNDED_L_H = 1.0
"""Of a mean of six hours, whatever its spread."""
_TOWN_METERS, _SOME_L_H = 40, 2.0
"""Meters to tell a town's use from, each with so much in that part of the day."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Rises:
    """By how much each part of the day rose at M meters; part 0 is the newest six hours, shape (M, 4) each."""

    rise_l_h: FloatArray
    """Above the same hours of the weeks before, times what others use more."""
    alone_l_h: FloatArray
    """Above the same hours of the weeks before."""
    before_l_h: FloatArray
    spread_l_h: FloatArray
    """Of the days before."""
    known: NDArray[np.bool_]
    known_days: NDArray[np.int64]
    days: int
    """That rose."""


def rises(window_l_h: FloatArray, past_l_h: NDArray[np.float32], newest: int, town: FloatArray) -> Rises:
    """Compares each part of the day with the weeks before.

    Args:
        window_l_h: Hours up to now, shape (M, H).
        past_l_h: ``part_mean`` of the looks of the weeks before it, the newest last, shape (M, S).
        newest: Looks from the newest of ``past_l_h`` to now: which part of the day it is.
        town: How many times as much others use in each part, shape (4,).
    """
    hours, looks = window_l_h.shape[1], past_l_h.shape[1]
    days = max(1, hours // 24)
    now, before, spread, count = [], [], [], []
    for part in range(PARTS):
        past = past_l_h[:, (looks - 1 - part + newest) % PARTS :: PARTS].astype(np.float64)
        ends = [hours - 24 * day - _PART_H * part for day in range(days)]
        now.append(_cut_mean(np.stack([part_mean(window_l_h[:, end - _PART_H : end]) for end in ends], axis=1)))
        before.append(_cut_mean(past))
        known, wide = _known_and_spread(past)
        count.append(known)
        spread.append(wide)
    mean, known_days = np.stack(before, axis=1), np.stack(count, axis=1)
    return Rises(
        rise_l_h=np.stack(now, axis=1) - town * mean,
        alone_l_h=np.stack(now, axis=1) - mean,
        before_l_h=town * mean,
        spread_l_h=np.stack(spread, axis=1),
        known=known_days >= _LEAST_DAYS,
        known_days=known_days,
        days=days,
    )


def shown_all_day(
    found: Rises, floor_l_h: FloatArray, rounding_l_h: FloatArray, plain: NDArray[np.bool_] | None = None
) -> NDArray[np.bool_]:
    """Whether every part of the day rose by what does not stop, and not by much more.

    Args:
        found: Of the hours that it has lasted, brought up to now.
        floor_l_h: What does not stop, shape (M,).
        rounding_l_h: What the register's counting may add to it, shape (M,).
        plain: Where the floor is so plain that a day may rise by more, shape (M,); by default nowhere.

    Returns:
        Shape (M,); true where the past is not known.
    """
    floor, rounding, noise = floor_l_h[:, None], rounding_l_h[:, None], found.spread_l_h / np.sqrt(found.days)
    with np.errstate(invalid="ignore"):
        short = found.known & (found.alone_l_h < _LEAST_SHOWN * floor - _LEAST_SPREADS * noise - 0.5 * rounding)
        over = found.alone_l_h - _MOST_SHOWN * floor - rounding
        far = (found.known & (over > _FAR_SPREADS * noise)).sum(axis=1)
        beyond = (found.known & (over > _MOST_SPREADS * noise)).sum(axis=1) + far
    return np.asarray(~short.any(axis=1) & ((beyond <= 1) | (False if plain is None else plain)))


def risen_alike(found: Rises, flow_l_h: FloatArray, rounding_l_h: FloatArray, most: float) -> NDArray[np.bool_]:
    """Whether every part of the day rose by one amount, beyond what its days scatter: a leak, though no hour shows its floor.

    A lively house, and one whose register counts by large pulses, seldom comes down to its leak; the mean of six hours knows it all
    the same. Use that grows does so by day; cooling rises twice as much by day as by night.

    Args:
        found: Of five days.
        flow_l_h: What does not stop, above what lasted so long before, shape (M,).
        rounding_l_h: What the register's counting may add to it, shape (M,).
        most: Of the flow, beyond which no part may have risen.
    """
    noise = np.sqrt(found.spread_l_h**2 * (1.0 / found.days + 1.0 / np.maximum(found.known_days, 1)) + _ROUNDED_L_H**2)
    flow, half = flow_l_h[:, None], 0.5 * rounding_l_h[:, None]
    with np.errstate(invalid="ignore"):
        shows = (found.rise_l_h > _ALIKE_LEAST * flow - half) & (found.rise_l_h > _ALIKE_PLAIN * noise)
        over = found.alone_l_h - most * flow - half
        beyond = (over > _MOST_SPREADS * noise).sum(axis=1) + (over > _ALIKE_FAR * noise).sum(axis=1)
        large = flow_l_h > _ALIKE_SHARE * found.before_l_h.mean(axis=1)
    return np.asarray((found.known & shows).all(axis=1) & (beyond <= 1) & large)


def used_more(window_l_h: FloatArray, past_l_h: NDArray[np.float32], newest: int) -> FloatArray:
    """How many times as much a town uses as in the weeks before, in each part of the day, at least 1; shape (4,).

    The middle of its meters: a month of fasting, a heat wave, a holiday are no leaks. 1 with few meters to tell it from.

    Args:
        window_l_h: Hours of its meters up to now, shape (M, H).
        past_l_h: ``part_mean`` of their looks of the weeks before, the newest last, shape (M, S).
        newest: Looks from the newest of ``past_l_h`` to now.
    """
    if len(window_l_h) < _TOWN_METERS:
        return np.ones(PARTS)
    found = rises(window_l_h, past_l_h, newest, np.ones(PARTS))
    some = found.known & np.isfinite(found.rise_l_h) & (found.before_l_h > _SOME_L_H)
    with np.errstate(invalid="ignore", divide="ignore"):
        times = np.where(some, 1.0 + found.rise_l_h / found.before_l_h, np.nan)
    return np.where(some.sum(axis=0) >= _TOWN_METERS, np.maximum(1.0, robust.median(times)), 1.0)


def _known_and_spread(before: FloatArray) -> tuple[NDArray[np.int64], FloatArray]:
    ordered = np.sort(before, axis=1)  # unknown days last
    count = np.isfinite(ordered).sum(axis=1)
    low, high = (
        np.take_along_axis(ordered, np.rint(share * np.maximum(count - 1, 0)).astype(np.int64)[:, None], axis=1)[:, 0]
        for share in _WITHIN
    )
    return count, (high - low) / _SPREADS_WITHIN


def _cut_mean(days: FloatArray) -> FloatArray:
    """Mean of each meter's known days without the largest and the smallest; NaN without any."""
    ordered = np.sort(days, axis=1)
    count = np.isfinite(ordered).sum(axis=1)[:, None]
    cut = np.where(count >= 3, np.ceil(_CUT * count), 0)
    place = np.arange(days.shape[1])[None, :]
    kept = (place >= cut) & (place < count - cut)
    total = np.where(kept, ordered, 0.0).sum(axis=1)
    return np.asarray(np.where(kept.any(axis=1), total / np.maximum(kept.sum(axis=1), 1), np.nan))
