"""How gauges err from one day to the next: noise of each day, and a level that wanders.

    residual(day) = level(day) + noise,   level(day) = level(day - 1) + step,   noise ~ (0, C),   step ~ (0, Q)

``Q`` holds the settings of pressure valves, each along its own direction on the gauges, and a part of what a gauge does by itself:
leaks that grow move gauges, too, and would be taken for it. Both are made diagonal together; each of the G channels is then a
local level model (Harvey 1989, Forecasting, structural time series models and the Kalman filter, section 4.1), and what its filter
did not expect of a day is white. So a change is held against the last days where the level wanders, and against the whole past
where it stands still.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from domain.series import FloatArray
from leak_detection import robust
from leak_detection.model.shapes import NO_SAY

_YEAR_DAYS = 365
_LAG_DAYS = 7
"""A week: longer differences hold the growth of leaks, shorter ones the days of the week."""
_LEAST_DAYS, _LEAST_WALK_DAYS = 14, 21
_LEAST_SD_M = 2e-3
_CLIP = 3.0
_RIDGE, _RIDGE_DAYS = 0.1, 25.0
"""Share of the correlations that is left out; of few days more."""
_SETTING_M = 0.5
"""Of a valve's setting: one standard deviation, before anything is seen."""
_OWN = 0.6
"""Of a gauge's own steps: the rest is leaks."""
_LEAKS_SHARE, _MOST_AXES, _LEAST_LEFT = 0.98, 1 / 3, 0.1
"""Of all that leaks do to the gauges so much lies along few axes, at most such a part of the gauges; what is left of a gauge beside
them is not taken for less than so much of its variance."""
_ANYWHERE = 1e6
"""Variance of the first level, in units of a day's noise."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drift:
    """Of G gauges."""

    day_m2: FloatArray
    """Covariance of a day's noise, shape (G, G)."""
    walk_m2: FloatArray
    """Covariance of what the level gains in a day, shape (G, G)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Channels:
    """Gauges turned so that neither noise nor steps of different channels are correlated; a day's noise is 1 in each."""

    turn: FloatArray
    """From gauges, shape (G, G)."""
    back: FloatArray
    """To gauges, shape (G, G)."""
    walk: FloatArray
    """Variance of a day's step of the level, shape (G,)."""


def learn_drift(
    residual_m: FloatArray,
    known: NDArray[np.bool_],
    wander_m: FloatArray | None = None,
    leaks_m: FloatArray | None = None,
) -> Drift:
    """Noise from differences of neighbouring days, steps from what differences over a week have beyond it.

    Leaks and repairs are few days among many: medians do not see them.

    Args:
        residual_m: All days so far, shape (T, G), finite; the last year of them is used.
        known: Where that was read, of the same shape.
        wander_m: Change of the gauges per metre of each pressure valve's setting, shape (V, G).
        leaks_m: Change of the gauges by a leak at each place, shape (P, G): what gauges do along it is no step of their own, for on
            networks whose leaks stand far out it is the leaks.
    """
    z, read = residual_m[-_YEAR_DAYS:], known[-_YEAR_DAYS:]
    day = _day_noise(z, read)
    rest, walk = z, np.zeros_like(day)
    if wander_m is not None and len(wander_m):
        sd = np.sqrt(np.diag(day))
        along = wander_m / sd
        gain = np.linalg.solve(along @ along.T + _SETTING_M**-2 * np.eye(len(along)), along) / sd
        setting = z @ gain.T
        rest = z - setting @ wander_m
        walk = (wander_m.T * _steps(setting, np.ones_like(setting, dtype=bool))) @ wander_m
    own = _steps(rest, read)
    if leaks_m is not None:
        own = np.minimum(own, _steps_across(rest, read, leaks_m, np.sqrt(np.diag(day))))
    return Drift(day_m2=day, walk_m2=walk + _OWN * np.diag(own))


def channels(drift: Drift, blind: NDArray[np.bool_]) -> Channels:
    """Both covariances made diagonal.

    Args:
        drift: As learnt.
        blind: Gauges that were not read of late: they have no say, shape (G,).
    """
    white = np.linalg.inv(np.linalg.cholesky(drift.day_m2 + np.diag(np.where(blind, NO_SAY, 0.0))))
    walk, axes = np.linalg.eigh(white @ drift.walk_m2 @ white.T)
    turn = axes.T @ white
    return Channels(turn=turn, back=np.asarray(np.linalg.inv(turn)), walk=np.maximum(walk, 0.0))


def innovations(values: FloatArray, courses: FloatArray, walk: FloatArray) -> FloatArray:
    """What the filter of each channel did not expect, of the values and of each course alike, over its standard deviation.

    Args:
        values: Of the channels, shape (T, G).
        courses: Shape (T, n).
        walk: Variance of the level's step per channel, shape (G,).

    Returns:
        Shape (G, T, 1 + n); the first day, of which nothing could be expected, is 0.
    """
    days, gauges = values.shape
    out = np.empty((days, gauges, 1 + courses.shape[1]))
    out[:, :, 0] = values
    out[:, :, 1:] = courses[:, None, :]
    gains, sizes = _filter(walk.tobytes(), days)
    level, step = np.zeros(out.shape[1:]), np.empty(out.shape[1:])
    for day, gain in enumerate(gains):
        out[day] -= level
        level += np.multiply(gain, out[day], out=step)
    out *= sizes
    out[0] = 0.0
    return out.transpose(1, 0, 2)


@lru_cache(maxsize=4)
def _filter(walk: bytes, days: int) -> tuple[FloatArray, FloatArray]:
    """What the filter of each channel takes over of a day, and what makes the unexpected 1, shape (days, G, 1) each.

    Asked day after day with the same steps of the level.

    Args:
        walk: Variance of the level's step per channel, G numbers.
        days: How many.
    """
    steps = np.frombuffer(walk)
    gain, wide, variance = np.empty((days, len(steps))), np.empty((days, len(steps))), np.full(len(steps), _ANYWHERE)
    for day in range(days):
        wide[day] = variance + 1.0
        gain[day] = variance / wide[day]
        variance = gain[day] + steps
    return gain[:, :, None], (wide**-0.5)[:, :, None]


def _day_noise(z: FloatArray, read: NDArray[np.bool_]) -> FloatArray:
    """Covariance of a day's noise from neighbouring days; positive definite."""
    both = read[1:] & read[:-1]
    count = both.sum(axis=0)
    step = np.where(both, np.diff(z, axis=0), np.nan)
    sd = np.maximum(np.nan_to_num(robust.SD_OF_MAD * robust.median(np.abs(step))), _LEAST_SD_M * 2**0.5)
    sd[count < _LEAST_DAYS] = (2.0 * NO_SAY) ** 0.5
    unit = np.where(both, np.clip(np.nan_to_num(step) / sd, -_CLIP, _CLIP), 0.0) / np.sqrt(np.maximum(count, 1))
    ridge = min(max(_RIDGE, _RIDGE_DAYS / max(len(step), 1)), 1.0)
    alike = (1.0 - ridge) * (unit.T @ unit) + ridge * np.eye(len(sd))
    few = count < _LEAST_DAYS
    alike[few, few] = np.maximum(alike[few, few], 1.0)
    return np.asarray(alike * np.outer(sd, sd) / 2.0)


def _steps_across(rest_m: FloatArray, read: NDArray[np.bool_], leaks_m: FloatArray, noise_m: FloatArray) -> FloatArray:
    """Variance of a day's step of each gauge by what it does across the axes along which leaks move the gauges [m²], shape (G,)."""
    seen = noise_m < 0.5 * NO_SAY**0.5
    size, axes = np.linalg.svd((leaks_m / noise_m)[:, seen], full_matrices=False)[1:]
    share = np.cumsum(size**2) / max(float((size**2).sum()), 1e-12)
    axes = axes[: min(int(np.searchsorted(share, _LEAKS_SHARE)) + 1, int(_MOST_AXES * seen.sum()))]
    unit = (rest_m / noise_m)[:, seen]
    left = np.maximum(1.0 - (axes**2).sum(axis=0), _LEAST_LEFT)
    found = np.zeros(len(noise_m))
    found[seen] = _steps(unit - unit @ axes.T @ axes, read[:, seen]) / left * noise_m[seen] ** 2
    return found


def _steps(values: FloatArray, read: NDArray[np.bool_]) -> FloatArray:
    """Variance of a day's step of each column."""
    if len(values) < _LEAST_WALK_DAYS:
        return np.zeros(values.shape[1])

    def spread(lag: int) -> FloatArray:
        both = read[lag:] & read[:-lag]
        moved = np.where(both, values[lag:] - values[:-lag], np.nan)
        sd = np.where(both.sum(axis=0) < _LEAST_DAYS, 0.0, robust.SD_OF_MAD * robust.median(np.abs(moved)))
        return np.asarray(sd**2)

    return np.asarray(np.nan_to_num(np.maximum(spread(_LAG_DAYS) - spread(1), 0.0)) / (_LAG_DAYS - 1))
