"""Pressures less what the metered flows explain, one mean a day and gauge.

    p(t) = week's level + B · features(flows, level)

The regression is made within weeks, so that a leak (a change from week to week) does not teach it; what leaks do to the metered
flows themselves is taken off their signatures, where those are made.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from domain.series import FloatArray
from leak_detection import robust

_FAR = 7.4
"""Median deviations, five standard deviations of a normal day."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FlowRegression:
    """Pressure by metered flows."""

    weights: FloatArray
    """Shape (K, G): features by gauges."""
    centre: FloatArray
    """Means of the drivers, shape (D,)."""
    scale: FloatArray

    def explained(self, drivers: FloatArray) -> FloatArray:
        """Pressure that the drivers explain, up to a constant [m], shape (T, G)."""
        return features((drivers - self.centre) / self.scale) @ self.weights


def features(z: FloatArray) -> FloatArray:
    """Drivers, their squares and products, shape (T, D + D (D + 1) / 2)."""
    i, j = _pairs(z.shape[1])
    return np.concatenate([z, z[:, i] * z[:, j]], axis=1)


@cache
def _pairs(drivers: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Each pair of drivers once, each with itself, too."""
    first, second = np.triu_indices(drivers)
    return first, second


def learn_regression(pressure_m: FloatArray, drivers: FloatArray, per_week: int) -> FlowRegression:
    """Least squares within weeks.

    Args:
        pressure_m: Shape (T, G); NaN where missing.
        drivers: Metered flows and levels, shape (T, D).
        per_week: Rows of a week.
    """
    centre, scale = np.nanmean(drivers, axis=0), np.maximum(np.nanstd(drivers, axis=0), 1e-9)
    known = np.asarray(np.isfinite(drivers).all(axis=1))
    x = np.where(known[:, None], features((np.where(known[:, None], drivers, centre) - centre) / scale), np.nan)
    weights = np.zeros((x.shape[1], pressure_m.shape[1]))
    week = np.arange(len(x)) // per_week
    for gauge in range(pressure_m.shape[1]):
        rows = known & np.isfinite(pressure_m[:, gauge])
        xs, ys = _within(x[rows], week[rows]), _within(pressure_m[rows, gauge][:, None], week[rows])[:, 0]
        weights[:, gauge] = np.linalg.lstsq(xs.T @ xs + 1e-6 * len(xs) * np.eye(x.shape[1]), xs.T @ ys, rcond=None)[0]
    return FlowRegression(weights=weights, centre=centre, scale=scale)


def _within(values: FloatArray, group: np.ndarray) -> FloatArray:
    """Values less the mean of their group."""
    count = np.maximum(np.bincount(group), 1)
    means = np.stack([np.bincount(group, weights=values[:, k]) for k in range(values.shape[1])], axis=1) / count[:, None]
    return np.asarray(values - means[group])


def daily_residuals(pressure_m: FloatArray, drivers: FloatArray, regression: FlowRegression, per_day: int) -> FloatArray:
    """Mean residual of each whole day and gauge [m], shape (days, G); NaN with less than half a day of values.

    What lies far off within its day is drawn in. A mean, for a leak costs more pressure at the peak than at night, and signatures
    are means over the day, too.
    """
    rest = pressure_m - regression.explained(drivers)
    days = rest[: len(rest) // per_day * per_day].reshape(-1, per_day, rest.shape[1])
    enough = np.isfinite(days).mean(axis=1) >= 0.5
    middle = robust.median(days, axis=1)[:, None, :]
    reach = _FAR * robust.median(np.abs(days - middle), axis=1)[:, None, :]
    near = np.clip(days, middle - reach, middle + reach)
    count = np.maximum(np.isfinite(near).sum(axis=1), 1)
    return np.where(enough, np.nansum(near, axis=1) / count, np.nan)
