"""Courses of a leak in time, and what the gauges do by themselves."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from domain.series import FloatArray
from leak_detection import robust

NO_SAY = 100.0
"""Variance of a gauge that is missing [m²]."""
_LEAST_KNOWN_DAYS = 14
_LEAST_SD_M = 2e-3
_RIDGE = 0.1
"""Share of the correlations that is left out."""
_SPIKE_LEVEL_DAYS = 5
"""Before a spike: their median is the level."""
_SPIKE, _SPIKE_BACK = 10.0, 5.0
"""Standard deviations: farther from the level is off, nearer is back."""
_YEARS = 1024
"""Days of growth that are made at once."""
_BEND = 1.5
"""Growing leaks grow faster with time, yet not always with its square."""


def shape(days: int, start: int, ramp: int) -> FloatArray:
    """0 before ``start``, then a step (``ramp`` 0) or growth over ``ramp`` days, faster with time, then level; read only."""
    if ramp == 0:
        step = np.zeros(days)
        step[max(start, 0) :] = 1.0
        return step
    return _growth(-(-days // _YEARS) * _YEARS, start, ramp)[:days]


@lru_cache(maxsize=1024)
def _growth(days: int, start: int, ramp: int) -> FloatArray:
    """Asked for again on each day, which adds one."""
    t = np.arange(days, dtype=np.float64)
    growth = np.asarray(np.clip((t - start) / ramp, 0.0, 1.0) ** _BEND)
    growth.setflags(write=False)
    return growth


def until(course: FloatArray, end_day: float | None) -> FloatArray:
    """The same up to a repair, of whose day the part before it counts."""
    return course if end_day is None else course * np.clip(end_day - np.arange(len(course)), 0.0, 1.0)


def orthonormal(columns: list[FloatArray]) -> FloatArray:
    """Basis of what the columns span, without those that others span already."""
    # Not by QR: there what follows a column that is spanned already loses its part along the arbitrary axis of that column.
    basis, size, _ = np.linalg.svd(np.stack(columns, axis=1), full_matrices=False)
    return np.ascontiguousarray(basis[:, size > 1e-6 * len(columns[0]) ** 0.5])


def fill(values: FloatArray) -> FloatArray:
    """Gaps as the last known value of the gauge; a gauge never seen is 0."""
    out, finite = values.copy(), np.isfinite(values)
    for g in np.flatnonzero(~finite.all(axis=0)):
        known = finite[:, g]
        where = np.maximum.accumulate(np.where(known, np.arange(len(out)), -1))
        first = out[known, g][0] if known.any() else 0.0
        out[:, g] = np.where(where >= 0, out[np.maximum(where, 0), g], first)
    return out


def without_spikes(values: FloatArray) -> FloatArray:
    """The same without what came for a day or two and went again: no leak does so, and its going would look like a step.

    Args:
        values: Shape (T, G), NaN where missing.
    """
    days = len(values)
    if days < _SPIKE_LEVEL_DAYS + 2:
        return values
    sd = np.maximum(np.nan_to_num(robust.SD_OF_MAD * robust.median(np.abs(np.diff(values, axis=0)))) / 2**0.5, _LEAST_SD_M)
    before = robust.median(np.moveaxis(sliding_window_view(values[:-1], _SPIKE_LEVEL_DAYS, axis=0), -1, 0))
    off = np.abs(values[_SPIKE_LEVEL_DAYS:] - before) / sd
    after = np.concatenate([values[_SPIKE_LEVEL_DAYS + 1 :], np.full((2, values.shape[1]), np.nan)])
    back = np.zeros(off.shape, dtype=bool)
    for later in (after[: len(off)], after[1 : len(off) + 1]):
        back |= np.abs(later - before) < _SPIKE_BACK * sd
    out = values.copy()
    out[_SPIKE_LEVEL_DAYS:][(off > _SPIKE) & back] = np.nan
    return out


def noise_covariance(rest: FloatArray, known: NDArray[np.bool_], *, days: int = 90) -> FloatArray:
    """Covariance of a day's residual, from the last days on which each gauge was read; positive definite.

    What has not been explained yet is clipped. A pair's products are divided by the geometric mean of both gauges' counts, which
    keeps it positive definite. A gauge that was hardly read in these days has the noise of those on which it was, and if these are
    few, too, no say.

    Args:
        rest: What is not explained, shape (T, G), finite.
        known: Where that was read, of the same shape.
        days: Taken for the noise.
    """
    recent = np.where(known, rest, np.nan)[-days:]
    middle = robust.median(recent)
    count = known[-days:].sum(axis=0)
    sd = robust.SD_OF_MAD * robust.median(np.abs(recent - middle))
    for gauge in np.flatnonzero(count < _LEAST_KNOWN_DAYS):
        values = rest[known[:, gauge], gauge][-days:]
        sd[gauge] = NO_SAY**0.5 if values.size < _LEAST_KNOWN_DAYS else robust.scalar_sd(values)
    sd = np.maximum(sd, _LEAST_SD_M)
    z = np.where(known[-days:], np.clip((rest[-days:] - np.nan_to_num(middle)) / sd, -3.0, 3.0), 0.0)
    z = z / np.sqrt(np.maximum(count, 1))
    c = (1 - _RIDGE) * (z.T @ z) + _RIDGE * np.eye(len(sd))
    few = count < _LEAST_KNOWN_DAYS
    c[few, few] = np.maximum(c[few, few], 1.0)
    return np.asarray(c * np.outer(sd, sd))


def less_slow(rest: FloatArray, days: int) -> FloatArray:
    """Values less their running median, centred, over an odd number of days."""
    half = days // 2
    padded = np.concatenate([np.repeat(rest[:1], half, axis=0), rest, np.repeat(rest[-1:], half, axis=0)])
    return np.asarray(rest - np.median(sliding_window_view(padded, days, axis=0), axis=-1))


def whitening(covariance: FloatArray) -> FloatArray:
    """Matrix W with W C Wᵀ = 1."""
    return np.asarray(np.linalg.inv(np.linalg.cholesky(covariance)))


def units(directions: FloatArray, white: FloatArray) -> FloatArray:
    """Directions of the gauges whitened and of length 1; those of no length stay 0."""
    turned = directions @ white.T
    length = np.linalg.norm(turned, axis=1, keepdims=True)
    return np.asarray(np.where(length > 1e-9, turned / np.maximum(length, 1e-12), 0.0))
