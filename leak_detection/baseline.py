"""What a zone normally does: per local quarter of an hour and kind of day, robustly, from past days.

    x(day, slot) = factor(day) · profile(slot) · class ratio(slot) + noise(slot)

A class seen on few days borrows from all days: its ratio is smoothed over an hour on both sides and shrunk by n / (n + 1).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from domain.calendar import Calendar, DayClass
from domain.series import FloatArray
from leak_detection import robust

SLOTS = 96
"""Quarters of an hour in a local day."""
_SMOOTH = 4
"""Slots on each side over which class ratios and spreads are smoothed."""
_LEAST_SHARE = 0.6
"""A day teaches its level only with this share of its slots."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Baseline:
    """Normal inflow of a zone at its usual pressure."""

    profile: FloatArray
    """Median day [m³/h], shape (96,); NaN where no day had a value."""
    ratios: dict[DayClass, FloatArray] = field(default_factory=dict)
    """Kind of day over median day, shape (96,) each."""
    days: int = 0
    """Days learned from."""

    def expected(self, day: NDArray[np.int64], minute: FloatArray, calendar: Calendar) -> FloatArray:
        """Expected inflow at each moment [m³/h], shape (T,); NaN where nothing is known."""
        slot = slot_of(minute)
        value = self.profile[slot].copy()
        for ordinal in np.unique(day):
            ratio = self._ratio(calendar.day_class(date.fromordinal(int(ordinal))))
            if ratio is not None:
                here = day == ordinal
                value[here] *= ratio[slot[here]]
        return value

    def knows(self, day: date, calendar: Calendar) -> bool:
        """Whether days like this one have been seen; days outside Ramadan may stand in for one another."""
        kind = calendar.day_class(day)
        if kind is DayClass.RAMADAN:
            return DayClass.RAMADAN in self.ratios
        return any(known is not DayClass.RAMADAN for known in self.ratios)

    def _ratio(self, kind: DayClass) -> FloatArray | None:
        if kind in self.ratios:
            return self.ratios[kind]
        # An unseen kind of day borrows from the nearest one in people's habits.
        nearest = {DayClass.HOLIDAY: DayClass.WEEKEND, DayClass.FRIDAY: DayClass.WEEKDAY}.get(kind)
        return self.ratios.get(nearest) if nearest else None


def slot_of(minute: FloatArray) -> NDArray[np.int64]:
    """The slot of each local minute of the day."""
    return np.clip((minute // (1440 / SLOTS)).astype(np.int64), 0, SLOTS - 1)


def day_table(values: FloatArray, day: NDArray[np.int64], minute: FloatArray) -> tuple[FloatArray, NDArray[np.int64]]:
    """Means per local day and slot, shape (D, 96), and the days, shape (D,)."""
    days, row = np.unique(day, return_inverse=True)
    cell = row * SLOTS + slot_of(minute)
    finite = np.isfinite(values)
    size = days.size * SLOTS
    count = np.bincount(cell[finite], minlength=size)
    total = np.bincount(cell[finite], weights=values[finite], minlength=size)
    table = np.where(count > 0, total / np.maximum(count, 1), np.nan).reshape(days.size, SLOTS)
    return table, days


def learn_baseline(table: FloatArray, days: NDArray[np.int64], calendar: Calendar) -> Baseline:
    """The baseline of a table of days.

    Args:
        table: Mean inflow per day and slot [m³/h], shape (D, 96), NaN where unknown or excluded.
        days: Local days, shape (D,).
        calendar: Kinds of day.
    """
    full = np.isfinite(table).mean(axis=1) >= _LEAST_SHARE if table.size else np.zeros(0, dtype=bool)
    if full.any():
        table, days = table[full], days[full]
    if not table.size:
        return Baseline(profile=np.full(SLOTS, np.nan))
    profile = robust.median(table)
    level = robust.median(table / np.where(profile > 0, profile, np.nan), axis=1)
    level = np.where(np.isfinite(level) & (level > 0.05), level, 1.0)
    flat = table / level[:, None]
    profile = robust.median(flat)
    kinds = np.array([calendar.day_class(date.fromordinal(int(d))) for d in days])
    ratios: dict[DayClass, FloatArray] = {}
    for kind in sorted(set(kinds)):
        rows = kinds == kind
        n = int(rows.sum())
        shape = robust.median(flat[rows]) / np.where(profile > 0, profile, np.nan)
        trust = n / (n + 1.0)
        ratio = _smooth(np.where(np.isfinite(shape), shape, 1.0)) * float(np.median(level[rows]))
        ratios[DayClass(kind)] = np.clip(ratio, 0.2, 5.0) ** trust
    return Baseline(profile=profile, ratios=ratios, days=int(days.size))


def held_out_residuals(
    values: FloatArray, day: NDArray[np.int64], minute: FloatArray, table: FloatArray, days: NDArray[np.int64], calendar: Calendar
) -> FloatArray:
    """Each day's values less what the other days expect of it: how wrong the baseline really is, shape (T,)."""
    residual = np.full(values.shape, np.nan)
    for row, ordinal in enumerate(days):
        here = day == ordinal
        others = np.arange(days.size) != row
        if not others.any():
            continue
        baseline = learn_baseline(table[others], days[others], calendar)
        residual[here] = values[here] - baseline.expected(day[here], minute[here], calendar)
    return residual


def spread_by_slot(residual: FloatArray, minute: FloatArray, floor_m3h: FloatArray) -> FloatArray:
    """Robust standard deviation of residuals per slot, smoothed over neighbours [m³/h], shape (96,), never below the floor."""
    slot = slot_of(minute)
    spread = np.full(SLOTS, np.nan)
    for s in range(SLOTS):
        near = np.minimum((slot - s) % SLOTS, (s - slot) % SLOTS) <= _SMOOTH
        spread[s] = robust.SD_OF_MAD * robust.scalar_median(np.abs(residual[near]))
    usual = robust.scalar_median(spread)
    spread = np.where(np.isfinite(spread), spread, usual if np.isfinite(usual) else 1.0)
    return np.maximum(_smooth(spread), np.where(np.isfinite(floor_m3h), floor_m3h, 0.1))


def _smooth(values: FloatArray) -> FloatArray:
    """Circular moving mean over ``2 × _SMOOTH + 1`` slots."""
    return np.asarray(np.mean([np.roll(values, k) for k in range(-_SMOOTH, _SMOOTH + 1)], axis=0), dtype=np.float64)
