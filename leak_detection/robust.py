"""Medians and spreads that a few wild or missing values do not move."""

from __future__ import annotations

import numpy as np

from domain.series import FloatArray

SD_OF_MAD = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""


def median(values: FloatArray, axis: int = 0) -> FloatArray:
    """Median of the finite values along an axis; NaN where there is none, without a warning."""
    known = np.isfinite(values)
    if known.all() and values.shape[axis]:
        ordered, count = np.sort(values, axis=axis), values.shape[axis]
        return np.asarray(0.5 * (ordered.take((count - 1) // 2, axis=axis) + ordered.take(count // 2, axis=axis)), dtype=np.float64)
    ordered = np.sort(np.where(known, values, np.nan), axis=axis)
    count = np.isfinite(ordered).sum(axis=axis, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum((count - 1) // 2, 0), axis=axis)
    high = np.take_along_axis(ordered, np.minimum(count // 2, max(ordered.shape[axis] - 1, 0)), axis=axis)
    middle = np.where(count > 0, 0.5 * (low + high), np.nan)
    return np.asarray(np.squeeze(middle, axis=axis), dtype=np.float64)


def scalar_median(values: FloatArray) -> float:
    """Median of the finite values of a flat array; NaN if there is none."""
    # Sorted by hand: of a few hundred values np.median spends ten times as long on its own checks.
    ordered = np.sort(values[np.isfinite(values)])
    n = ordered.size
    return float(0.5 * (ordered[(n - 1) // 2] + ordered[n // 2])) if n else float("nan")


def scalar_sd(values: FloatArray) -> float:
    """Robust standard deviation of the finite values of a flat array; NaN if there is none."""
    return SD_OF_MAD * scalar_median(np.abs(values - scalar_median(values)))


def mean(values: FloatArray, axis: int = 0) -> FloatArray:
    """Mean of the finite values along an axis; NaN where there is none, without a warning."""
    finite = np.isfinite(values)
    count = finite.sum(axis=axis)
    total = np.where(finite, values, 0.0).sum(axis=axis)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan), dtype=np.float64)


def hold_last(values: FloatArray, start: float = 0.0) -> FloatArray:
    """Missing values replaced by the last finite one before them (``start`` where there is none)."""
    finite = np.isfinite(values)
    where = np.maximum.accumulate(np.where(finite, np.arange(values.size), -1))
    return np.where(where >= 0, values[np.maximum(where, 0)], start)


def trailing_mean(values: FloatArray, width: int, least: int) -> FloatArray:
    """Mean of the finite ones of the last ``width`` values at each place; NaN with fewer than ``least``."""
    finite = np.isfinite(values)
    total = np.concatenate(([0.0], np.cumsum(np.where(finite, values, 0.0))))
    count = np.concatenate(([0], np.cumsum(finite)))
    first = np.maximum(np.arange(values.size) + 1 - width, 0)
    last = np.arange(values.size) + 1
    n = count[last] - count[first]
    return np.where(n >= max(least, 1), (total[last] - total[first]) / np.maximum(n, 1), np.nan)
