"""Shapes of a day by end use, day and district: homes, shops, schools, hotels, gardens at night, factories by shift. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np

from domain.series import FloatArray

USES = ("homes", "shops", "school", "hotel", "garden", "factory")
WORKDAY, FRIDAY, SATURDAY, SUNDAY, FASTING = range(5)
_DAYS_A_WEEK = (4, 1, 1, 1, 0)
_HOLIDAYS = ((1, 1), (1, 11), (5, 1), (7, 30), (8, 14), (8, 20), (8, 21), (11, 6), (11, 18), (12, 25))
_MOVING = (
    date(2018, 6, 15),
    date(2018, 6, 16),
    date(2018, 8, 22),
    date(2018, 8, 23),
    date(2019, 6, 5),
    date(2019, 6, 6),
    date(2019, 8, 12),
)
_FASTS = ((date(2018, 5, 17), date(2018, 6, 14)), (date(2019, 5, 7), date(2019, 6, 4)))

Peak = Callable[[float, float], FloatArray]


def day_kind(day: date, *, holidays: bool, fasting: bool) -> int:
    """Which of the five kinds a date is: a holiday is a Sunday."""
    if holidays and ((day.month, day.day) in _HOLIDAYS or day in _MOVING):
        return SUNDAY
    if fasting and any(first <= day <= last for first, last in _FASTS):
        return FASTING
    return {4: FRIDAY, 5: SATURDAY, 6: SUNDAY}.get(day.weekday(), WORKDAY)


def season(use: str, day: date, hotel: float) -> float:
    """Factor of the time of the year on an end use, about 1 on average."""
    summer = float(np.cos(2 * np.pi * (day.timetuple().tm_yday - 205) / 365.25))
    match use:
        case "hotel":
            return 1 + hotel * summer
        case "garden":
            return max(0.0, 0.9 + 1.4 * summer)
        case "school":
            return 0.15 if day.month in (7, 8) else 1.15
        case "factory":
            return 0.35 if day.month == 8 and day.day <= 21 else 1.03
        case _:
            return 1.0


def shapes(per_day: int, rng: np.random.Generator, habit_h: float, weekend: float) -> FloatArray:
    """Relative use over the day of one district, shape (uses, kinds of day, per_day); the week's mean of each use is 1.

    Args:
        per_day: Samples.
        rng: Habits of the district.
        habit_h: Standard deviation of the hours of its peaks [h].
        weekend: How much Friday and the weekend differ, 0 to 1.
    """
    hour = (np.arange(per_day) + 0.5) * 24 / per_day

    def peak(middle: float, width: float) -> FloatArray:
        apart = np.abs(hour - middle % 24)
        return np.asarray(np.exp(-0.5 * (np.minimum(apart, 24 - apart) / width) ** 2))

    out = np.stack([_use(use, peak, hour, rng, habit_h, weekend) for use in USES])
    week = (out.mean(axis=2) * _DAYS_A_WEEK).sum(axis=1) / sum(_DAYS_A_WEEK)
    return np.asarray(out / week[:, None, None])


def _use(use: str, peak: Peak, hour: FloatArray, rng: np.random.Generator, habit_h: float, weekend: float) -> FloatArray:
    """One end use on the five kinds of day, shape (kinds, per_day)."""
    late = float(habit_h * rng.normal())
    tilt = np.exp(0.25 * habit_h * rng.normal(size=4))
    match use:
        case "homes":
            return _homes(peak, late, tilt, weekend)
        case "shops":
            work = 0.06 + _open(hour, 9 + late, 20 + late)
            return np.stack(
                [
                    work,
                    work * (1 - 0.3 * weekend),
                    work * (1 + 0.2 * weekend),
                    work * (1 - 0.6 * weekend),
                    0.06 + _open(hour, 10, 16) + 0.7 * _open(hour, 20, 24),
                ]
            )
        case "school":
            work = 0.04 + _open(hour, 8, 17) * (1 + 0.8 * peak(10, 0.4) + 0.8 * peak(12, 0.5))
            half, none = 0.04 + _open(hour, 8, 12), np.full_like(hour, 0.05)
            return np.stack(
                [
                    work,
                    work * (1 - 0.5 * weekend),
                    work * (1 - weekend) + half * weekend,
                    work * (1 - weekend) + none * weekend,
                    half,
                ]
            )
        case "hotel":
            work = 0.35 + tilt[0] * peak(8.5 + late, 1.6) + 0.4 * peak(14, 2.0) + tilt[2] * peak(19.5 + late, 2.2)
            return np.stack([work, work, work * (1 + 0.25 * weekend), work * (1 + 0.15 * weekend), work])
        case "garden":
            start = rng.uniform(21, 27)
            night = 0.01 + _open(hour, start, start + rng.uniform(2, 5))
            return np.stack([night] * 5)
        case _:
            start, hours = rng.uniform(5, 8), float(rng.choice([8, 10, 16, 24]))
            work = 0.08 + _open(hour, start, start + hours) * (1 + 0.5 * peak(start + 0.5, 0.4))
            return np.stack([work, work, work * (1 - 0.7 * weekend), work * (1 - 0.9 * weekend), work])


def _homes(peak: Peak, late: float, tilt: FloatArray, weekend: float) -> FloatArray:
    base = 0.14 * tilt[3]

    def day(shift: float, morning: float, noon: float, evening: float) -> FloatArray:
        return np.asarray(
            base
            + morning * tilt[0] * peak(7.4 + late + shift, 1.4)
            + noon * tilt[1] * peak(13, 2.2)
            + evening * tilt[2] * peak(20 + late, 2.3)
        )

    fast = base + 0.8 * tilt[0] * peak(3.5, 1.2) + 0.35 * tilt[1] * peak(14.5, 3.0) + 1.1 * tilt[2] * peak(21.5, 2.3)
    free = day(1.6 * weekend, 1 - 0.1 * weekend, 0.6 + 0.4 * weekend, 0.9)
    return np.stack([day(0, 1, 0.6, 0.9), day(0.3 * weekend, 1, 0.6 + 0.5 * weekend, 0.9), free, free, np.asarray(fast)])


def _open(hour: FloatArray, first: float, last: float) -> FloatArray:
    """1 between two hours, past midnight too, with slopes of half an hour."""
    length = min(last - first, 24.0)
    if length >= 24:
        return np.ones_like(hour)
    since = (hour - first) % 24
    return np.asarray(np.clip(np.minimum(since, length - since) / 0.5 + 0.5, 0, 1))
