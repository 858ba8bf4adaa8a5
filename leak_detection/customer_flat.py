"""A leak's floor is flat: quiet hours crowd at it, one day's floor is the next's, use falls back to it at once. Pure.

a leak           ▁▁▁▁█▁▁▁▃▁▁▁▁█▁▁     a float valve     ▁▁▁▁█▆▄▃▂▁▁▁█▆▄▃     a house left with its leak     ▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from domain.series import FloatArray
from leak_detection.customer_settings import BY_DAY_H, WINDOW_H, CustomerSettings, Length

_LEAST_KNOWN = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Lasting:
    """What lasted at M meters, and what is known of it."""

    values_l_h: FloatArray
    """Hourly use up to now, shape (M, H): as many hours as it lasted."""
    floor_l_h: FloatArray
    days_l_h: FloatArray
    """Least hour of each of the last days, the newest first, shape (M, D)."""
    rounding_l_h: FloatArray
    """What the register's counting may add to a floor."""
    pulse_l: FloatArray
    level_l_h: FloatArray
    """The most that lasted so long before."""
    need_l_h: FloatArray
    """What a leak must reach."""
    known: NDArray[np.bool_]
    """Whether what lasted before is known."""

    def of(self, rows: NDArray[np.int64]) -> Lasting:
        """Of some of the meters."""
        return Lasting(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Flatness:
    """Of M meters."""

    flat: NDArray[np.bool_]
    plain: NDArray[np.bool_]
    """So many hours stand at the floor, to which use falls back, that its days may rise by more."""


def least(window_l_h: FloatArray) -> FloatArray:
    """Least reading of each meter, shape (M,) of (M, N); NaN where less than four fifths is known."""
    known = np.isfinite(window_l_h)
    found = np.where(known, window_l_h, np.inf).min(axis=1)
    return np.where(known.mean(axis=1) >= _LEAST_KNOWN, found, np.nan)


def alike(days_l_h: FloatArray, share: float, rounding_l_h: FloatArray) -> NDArray[np.bool_]:
    """Whether the floors of single days are no farther apart than a share of the largest, and rounding."""
    known = np.isfinite(days_l_h)
    most = np.where(known, days_l_h, -np.inf).max(axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray(most - np.where(known, days_l_h, np.inf).min(axis=1) <= share * most + rounding_l_h)


def flatness(lasting: Lasting, length: Length, s: CustomerSettings, begun: NDArray[np.bool_]) -> Flatness:
    """Whether the hours crowd at the floor as a leak's do, and a float valve's or cooling's do not.

    Args:
        lasting: What lasted.
        length: How long.
        s: How flat.
        begun: Where it was seen to begin: nobody knows the past of what stood at a meter's first reading.
    """
    floor, fine = lasting.floor_l_h, lasting.pulse_l == 1.0
    at_floor = _at_floor(lasting, length, s)[:, None]
    window = lasting.values_l_h
    with np.errstate(invalid="ignore"):
        near_h = (window <= at_floor).sum(axis=1) * 24.0 / length.hours
        high = window[:, :-1] >= (s.fall * floor + 4.0 * lasting.rounding_l_h)[:, None]
        returns = (high & (window[:, 1:] <= at_floor)).any(axis=1)
        new = lasting.known & (lasting.level_l_h <= s.new * floor) & (floor >= s.new_l_h)
        doubtful = ~fine | (floor < s.small_l_h)
        small = floor < length.least_l_h
    wanted_h = np.where(new, min(length.near_alone, length.near_new), length.near_alone)
    wanted_h = np.where(returns, np.minimum(wanted_h, length.near + s.near_doubtful * doubtful), wanted_h)
    wanted_h = np.where(small, np.where(returns & fine, s.small_h, np.inf), wanted_h)
    young = returns & (length.hours == WINDOW_H) & fine & begun
    flat = alike(lasting.days_l_h, length.floors, lasting.rounding_l_h) & (near_h >= wanted_h) & (lasting.known | young)
    return Flatness(flat=flat, plain=flat & returns & (near_h >= s.plain_h) & (length.hours >= BY_DAY_H))


def _at_floor(lasting: Lasting, length: Length, s: CustomerSettings) -> FloatArray:
    """What an hour at the floor lets run at most: less where little tells it from use."""
    coarse = (lasting.pulse_l > 1.0) & ((lasting.floor_l_h < lasting.pulse_l) | (length.hours < BY_DAY_H))
    with np.errstate(invalid="ignore"):
        narrow = coarse | (lasting.level_l_h > s.new * lasting.floor_l_h)
        return np.asarray(lasting.floor_l_h * (1.0 + np.where(narrow, s.width_narrow, s.width)) + lasting.rounding_l_h)


def is_left_alone(lasting: Lasting, s: CustomerSettings) -> NDArray[np.bool_]:
    """Whether nearly every hour stands at the floor."""
    floor = lasting.floor_l_h
    with np.errstate(invalid="ignore"):
        at_floor = (floor * (1.0 + s.width) + lasting.rounding_l_h)[:, None]
        near_h = (lasting.values_l_h <= at_floor).sum(axis=1) * 24.0 / lasting.values_l_h.shape[1]
    return np.asarray(near_h >= s.still_h)
