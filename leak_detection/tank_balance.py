"""What a part behind a tank loses by the day: what was pumped in, less what the tank stored and what customers were metered.

A hole in the readings moves water from one day to the next: with the tank's level unknown at midnight the day before has too
much, and with a pump unseen for hours its day has too little. Such a day has no balance, for it would look like a leak.
"""

from __future__ import annotations

import numpy as np

from domain.series import FloatArray
from leak_detection import robust

_EDGES = 48
"""The tank's level is known at midnight if it was read in one such part of the day before (half an hour)."""
_HOLES = 32
"""A pump may go unseen for one such part of the day (45 minutes) at a time."""
_READINGS = 3
"""Of the level, about midnight."""


def tank_balance_m3h(inflow_m3h: FloatArray, level_m: FloatArray, customers_m3h: FloatArray, area_m2: float) -> FloatArray:
    """Mean loss of each day [m³/h], shape (days,); NaN where readings do not allow it.

    Args:
        inflow_m3h: What fills the tank, shape (days, rows), NaN where missing.
        level_m: Of the tank, of the same shape.
        customers_m3h: Sum of the customers' meters by day, shape (days,).
        area_m2: Of the tank.
    """
    rows = level_m.shape[1]
    near = max(1, rows // _EDGES)
    edge_m = np.array([_last_m(level_m[0, ::-1], near), *(_last_m(day, near) for day in level_m)])
    stored_m3h = np.diff(edge_m) * area_m2 / 24.0
    seen = np.array([_longest_hole(day) <= rows // _HOLES for day in inflow_m3h])
    inflow = np.where(seen, robust.mean(inflow_m3h, axis=1), np.nan)
    return np.asarray(inflow - stored_m3h - customers_m3h)


def _last_m(level_m: FloatArray, near: int) -> float:
    """The level at the end of the rows; NaN where it was not read shortly before."""
    known = level_m[np.isfinite(level_m)]
    return float(np.median(known[-_READINGS:])) if np.isfinite(level_m[-near:]).any() else float("nan")


def _longest_hole(values: FloatArray) -> int:
    """Rows in a row that are missing."""
    known = np.flatnonzero(np.isfinite(values))
    return int(np.diff(np.concatenate([[-1], known, [len(values)]])).max()) - 1
