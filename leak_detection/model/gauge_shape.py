"""Faults that show within one day: a gauge that stands still, one that has become noisy or coarse, one whose clock is off.

Each test is of one gauge against what the flows explain; what most gauges show at once is the meters' or the town's doing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.series import FloatArray
from leak_detection import robust

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]


_COARSE = 3
_SAME_M = 1e-6
_LEAST_KNOWN = 0.25
"""Share of a day's samples without which nothing is said of it."""
"""Readings that differ by no more are one and the same."""
NOISE_OF_STEP = robust.SD_OF_MAD / np.sqrt(2.0)
"""Standard deviation of the noise over the median step from sample to sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapeSettings:
    """When a day of a gauge is out of shape."""

    still_move_m: float = 0.15
    """The flows explain so much movement while the reading does not change at all."""
    still_move_sd: float = 6.0
    still_move_misfit: float = 5.0
    """The same over what the flows usually get wrong of this gauge: a bad explanation moves while a good gauge stands."""
    still_samples: int = 12
    flat_slope: float = 0.3
    """Reading against explained pressure; 1 in order."""
    noise_ratio: float = 2.5
    noise_more_m: float = 0.03
    coarse_m: float = 0.2
    """Steps in which a gauge reads; the mean of a day of finer ones is as good as ever."""
    coarse_ratio: float = 4.0
    """Over the steps that are usual."""
    coarse_again: float = 0.6
    """Share of a day's readings that came before on that day: a fine gauge, too, may move by much from hour to hour."""
    coarse_samples: int = 20
    clock_samples: int = 36
    """Farthest offset looked for, either way, and never more than an eighth of the day."""
    clock_gain: float = 0.5
    """The squared misfit falls to this share or less at the right offset."""
    clock_hint: float = 0.04
    """Unexplained over explained variance below which no clock is looked at."""
    clock_unusual: float = 2.0
    """No clock is off on a day on which the flows explain a gauge nearly as badly as ever: so often its misfit is usual."""
    signal_sd: float = 2.0
    """Explained movement over noise, and over the usual misfit, below which neither flatness nor clock can be judged."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DayShape:
    """What one day says of each gauge, shape (G,) throughout."""

    still_m: FloatArray
    """Movement explained during the longest spell of one and the same reading, 0 if short [m]."""
    still_samples: IntArray
    slope: FloatArray
    noise_m: FloatArray
    """Standard deviation from sample to sample."""
    resolution_m: FloatArray
    """Least change between two samples: a coarse gauge moves by no less; 0 where it did not move."""
    again: FloatArray
    """Share of the readings that came before on that day, of gauges that moved by much; 0 of others and of few readings."""
    misfit_m: FloatArray
    """Standard deviation of what is not explained."""
    signal_m: FloatArray
    """Standard deviation of what is explained."""
    clock_samples: IntArray
    """Offset that fits far better than none: positive is late; 0 if none does."""
    valid: BoolArray
    """Enough samples to say anything."""


def shape_of(pressure_m: FloatArray, explained_m: FloatArray, settings: ShapeSettings) -> DayShape:
    """Looks at a day.

    Args:
        pressure_m: Shape (S, G), NaN where missing.
        explained_m: By the drivers, up to a constant, shape (S, G); NaN where a driver is missing.
        settings: What is out of shape.
    """
    both = np.isfinite(pressure_m) & np.isfinite(explained_m)
    valid = np.asarray(both.mean(axis=0) >= _LEAST_KNOWN)
    p, e = _centred(pressure_m, both), _centred(explained_m, both)
    energy = np.maximum((e * e).sum(axis=0), 1e-9)
    slope = (e * p).sum(axis=0) / energy
    still_m, still = _still(pressure_m, explained_m)
    count = np.maximum(both.sum(axis=0), 1)
    # Of the readings themselves: what is left of a gauge whose clock is off would look like noise.
    steps = np.abs(np.diff(np.where(both, pressure_m, np.nan), axis=0))
    noise = np.nan_to_num(NOISE_OF_STEP * robust.median(steps))
    least_step = np.min(steps, axis=0, initial=np.inf, where=steps > _SAME_M)
    resolution = np.where(np.isfinite(least_step), least_step, 0.0)
    signal = np.sqrt(energy / count)
    moves = np.sqrt((p * p).sum(axis=0) / count) > 0.5 * signal
    able = valid & moves & (signal > settings.signal_sd * noise)
    return DayShape(
        still_m=still_m,
        still_samples=still,
        slope=slope,
        noise_m=noise,
        resolution_m=resolution,
        again=_again(pressure_m, resolution, settings),
        misfit_m=np.sqrt(((p - e) ** 2).sum(axis=0) / count),
        signal_m=signal,
        clock_samples=_clock(np.where(both, pressure_m, np.nan), explained_m, signal, able, settings),
        valid=valid,
    )


def _centred(values: FloatArray, both: BoolArray) -> FloatArray:
    count = np.maximum(both.sum(axis=0), 1)
    kept = np.where(both, values, 0.0)
    return np.where(both, kept - kept.sum(axis=0) / count, 0.0)


def _still(pressure_m: FloatArray, explained_m: FloatArray) -> tuple[FloatArray, IntArray]:
    """Explained movement in the longest spell of one reading (gaps do not end a spell), and its samples."""
    gauges = pressure_m.shape[1]
    moved, length = np.zeros(gauges), np.zeros(gauges, dtype=np.int64)
    for g in range(gauges):
        rows = np.flatnonzero(np.isfinite(pressure_m[:, g]))
        if rows.size < 2:
            continue
        change = np.flatnonzero(np.abs(np.diff(pressure_m[rows, g])) > _SAME_M) + 1
        edges = np.concatenate(([0], change, [rows.size]))
        longest = int(np.argmax(np.diff(edges)))
        spell = explained_m[rows[edges[longest]] : rows[edges[longest + 1] - 1] + 1, g]
        spell = spell[np.isfinite(spell)]
        length[g] = edges[longest + 1] - edges[longest]
        moved[g] = float(spell.max() - spell.min()) if spell.size else 0.0
    return moved, length


def _again(pressure_m: FloatArray, resolution_m: FloatArray, settings: ShapeSettings) -> FloatArray:
    out = np.zeros(len(resolution_m))
    for g in np.flatnonzero(resolution_m >= settings.coarse_m):
        read = pressure_m[np.isfinite(pressure_m[:, g]), g]
        if read.size >= settings.coarse_samples:
            out[g] = 1.0 - np.unique(read).size / read.size
    return out


def _clock(
    pressure_m: FloatArray, explained_m: FloatArray, signal_m: FloatArray, able: BoolArray, settings: ShapeSettings
) -> IntArray:
    """Offset of each gauge's clock in samples, 0 where none is needed: first every third offset, then those near the best."""
    out = np.zeros(pressure_m.shape[1], dtype=np.int64)
    right = _misfit(pressure_m, explained_m, 0)
    reach = min(settings.clock_samples, len(pressure_m) // 8)
    coarse = np.arange(-reach, reach + 1, _COARSE)
    for g in np.flatnonzero(able & (right > settings.clock_hint * signal_m**2)):
        p, e = pressure_m[:, g], explained_m[:, g]
        first = int(coarse[int(np.argmin([_misfit(p, e, int(k)) for k in coarse]))])
        near = np.clip(np.arange(first - _COARSE + 1, first + _COARSE), coarse[0], coarse[-1])
        fine = [float(_misfit(p, e, int(k))) for k in near]
        if min(fine) <= settings.clock_gain * right[g]:
            out[g] = near[int(np.argmin(fine))]
    return out


def _misfit(p: FloatArray, e: FloatArray, late: int) -> FloatArray:
    """Mean squared misfit of the readings to what was explained ``late`` samples before, shape (G,)."""
    n = len(p)
    rest = p[max(late, 0) : n + min(late, 0)] - e[max(-late, 0) : n + min(-late, 0)]
    known = np.isfinite(rest)
    count, rest = known.sum(axis=0), np.where(known, rest, 0.0)
    share = np.maximum(count, 1)
    variance = (rest * rest).sum(axis=0) / share - (rest.sum(axis=0) / share) ** 2
    return np.where(count > n // 4, variance, np.inf)
