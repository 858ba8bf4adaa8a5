"""Flow that goes with the weather, seen by the other meters: cooling of many customers rises and falls on the same days. Pure.

    this meter ▁▁▂▁▃▄▂▃▅▆   another ▁▁▁▁▂▃▂▂▄▄   a third ▁▁▂▁▃▃▂▃▄▅     cooling: the heat of each day is that of all
    this meter ▁▁▁▁▁▁▁▁▆▆   another ▂▁▁▂▁▂▁▁▂▁   a third ▁▁▂▁▃▃▂▃▄▅     a leak: it is alone

No weather is asked for: who cools is the thermometer. Few meters do, so the middle of all does not see it; those that go along
most closely with the one that is judged are looked for by the correlation of their days.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from domain.series import FloatArray
from leak_detection.customer_settings import TICK_H, CustomerSettings

_LOOKS = 24 // TICK_H
_LEAST_SHARE = 0.7
"""Of the days, known at both meters: with fewer they are not compared."""
_ASKED = 2000
"""Meters that one is compared with, where there are more, up to twice as many: a heat wave begins at thousands at once."""


def mean_of_days(looks_l_h: FloatArray) -> FloatArray:
    """Mean of the known looks of each day [L/h], shape (M, D) of (M, 4 D); NaN of a day without any."""
    looks = looks_l_h.reshape(len(looks_l_h), -1, _LOOKS)
    known = np.isfinite(looks)
    count = known.sum(axis=2)
    return np.asarray(np.where(count > 0, np.where(known, looks, 0.0).sum(axis=2) / np.maximum(count, 1), np.nan))


def goes_with_others(days_l_h: FloatArray, rows: NDArray[np.int64], settings: CustomerSettings) -> NDArray[np.bool_]:
    """Whether days of some meters rise and fall with those of several others.

    Args:
        days_l_h: ``mean_of_days`` of what lasted at all meters that are looked at together, shape (M, D).
        rows: Meters to judge, R of them.
        settings: How closely, and with how many.

    Returns:
        Shape (R,); false where too few days or meters are known.
    """
    step = max(1, len(days_l_h) // _ASKED)
    asked = days_l_h[::step]
    wanted = max(settings.along_meters, round(settings.along_share * len(asked)))
    closely = np.array([int((_correlation(asked, days_l_h[row]) > settings.along).sum()) for row in rows], dtype=np.int64)
    return np.asarray(closely - (rows % step == 0) >= wanted)  # a meter goes with itself


def _correlation(days_l_h: FloatArray, one_l_h: FloatArray) -> FloatArray:
    """Pearson's, of each meter's days with those of one, over the days that both know; 0 where it is not known. Shape (M,)."""
    both = np.isfinite(days_l_h) & np.isfinite(one_l_h)
    count = np.maximum(both.sum(axis=1, keepdims=True), 1)
    one, others = np.where(both, one_l_h, 0.0), np.where(both, days_l_h, 0.0)
    one = np.where(both, one - one.sum(axis=1, keepdims=True) / count, 0.0)
    others = np.where(both, others - others.sum(axis=1, keepdims=True) / count, 0.0)
    size = np.sqrt((one**2).sum(axis=1) * (others**2).sum(axis=1))
    enough = (both.sum(axis=1) >= _LEAST_SHARE * days_l_h.shape[1]) & (size > 0)
    return np.where(enough, (one * others).sum(axis=1) / np.where(size > 0, size, 1.0), 0.0)
