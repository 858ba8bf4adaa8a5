"""Hourly readings of customers' meters set right before anything is looked for in them: what cannot be is missing. Pure.

below 0, above any meter                missing
one hour far beyond all others          missing: a lump read late, a counter set back
one value again and again               missing where people lived before who used as much: the meter is stuck
nothing, then a lump, else never still  missing: read late
a register that counts by 5 L or more   each pulse's water spread over the hours since the one before, then means of three hours
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from domain.series import FloatArray

MOST_L_H = 200_000.0
"""More than any customer's meter counts."""
COARSE_H = 3
"""Hours of the means of a coarse register."""
ROUNDING_L_H = 1.2
"""What a register of whole litres adds to a floor."""
_PULSES_L, _PULSES_LEAST = (5, 10, 20, 25, 50, 100, 250, 500, 1000), 12
_LUMP_TIMES, _LUMP_L = 10.0, 1000.0
_STUCK_H = 24
_STUCK_BELOW, _STUCK_LIKE, _STUCK_LOOKS = 0.85, 0.7, 8
_STUCK_AGAIN_H = 6
"""Hours of the same value beyond one odd hour."""
_LATE_RUNS, _LATE_LEAST_H, _LATE_AFTER_H, _LATE_TIMES = 2, 3, 6, 1.5


def set_right(values_l_h: FloatArray, largest_l_h: NDArray[np.float32]) -> tuple[FloatArray, FloatArray]:
    """Readings that can be believed, and what a pulse of each register is [L], 1 where it counts finely.

    Args:
        values_l_h: Hourly use, shape (M, H), NaN where missing.
        largest_l_h: The largest hour of each look before them, shape (M, S), the newest last; NaN where unknown.
    """
    with np.errstate(invalid="ignore"):
        values = np.where((values_l_h >= 0) & (values_l_h <= MOST_L_H), values_l_h, np.nan)
    values = _without_lumps(values)
    values = _without_stuck(values, largest_l_h)
    pulse = _pulses(values)
    coarse = pulse > 1.0
    if coarse.any():
        values[coarse] = _evened(values[coarse], pulse[coarse])
    return _without_late(values), pulse


def _without_lumps(values: FloatArray) -> FloatArray:
    filled = np.where(np.isfinite(values), values, 0.0)
    order = np.partition(filled, -2, axis=1)
    most, second = order[:, -1], order[:, -2]
    lump = (most >= _LUMP_L) & (most > _LUMP_TIMES * second) & (second > 0)
    out = values.copy()
    out[lump, filled[lump].argmax(axis=1)] = np.nan
    return out


def _without_stuck(values: FloatArray, largest: NDArray[np.float32]) -> FloatArray:
    """A meter at which nothing was used for a day says one value; what differs from an empty house is the life before it."""
    rows, hours = values.shape
    known = np.isfinite(values)
    at = np.maximum.accumulate(np.where(known, np.arange(hours), 0), axis=1)
    held = np.take_along_axis(values, at, axis=1)
    new = np.ones((rows, hours), dtype=np.bool_)
    new[:, 1:] = held[:, 1:] != held[:, :-1]
    run = np.cumsum(new, axis=1) - 1 + hours * np.arange(rows)[:, None]
    length = np.bincount(run.ravel(), minlength=rows * hours)
    with np.errstate(invalid="ignore"):
        long = (length[run] >= _STUCK_H) & (held > 0)
    out = values
    for row in np.flatnonzero(long.any(axis=1)):
        for first in np.flatnonzero(long[row] & new[row]):
            value, last = held[row, first], first + length[run[row, first]]
            life = values[row, max(0, first - _STUCK_H) : first]
            life = life[np.isfinite(life)]
            # The looks before: people lived there whose largest hours were as large.
            looks = largest[row][np.isfinite(largest[row]) & (largest[row] != np.float32(value))]
            if life.size >= _STUCK_H // 2:
                usual = max(float(life.max()), float(looks.max(initial=0.0)))
                lived = life.min() < _STUCK_BELOW * value and _STUCK_LIKE * value <= usual and np.unique(life).size > 2
            else:
                lived = bool(looks[-_STUCK_LOOKS:].max(initial=0.0) >= _STUCK_LIKE * value)
            if lived and not _goes_on(values[row], int(first), int(last)):
                out[row, first:last] = np.nan
    return out


def _goes_on(values: FloatArray, first: int, last: int) -> bool:
    """Whether one odd hour interrupts what is held: so a register of large pulses counts a steady flow; a stuck meter does not."""
    value = values[first]
    before, after = values[max(0, first - 1 - _STUCK_AGAIN_H) : first - 1], values[last + 1 : last + 1 + _STUCK_AGAIN_H]
    return any(side.size == _STUCK_AGAIN_H and bool((side == value).all()) for side in (before, after))


def _pulses(values: FloatArray) -> FloatArray:
    """The largest of the usual pulses of which all readings are whole multiples; 1 with few readings to tell it from."""
    known = np.isfinite(values)
    whole = np.where(known, values, 0.0)
    counts = np.rint(whole).astype(np.int64)
    common = np.gcd.reduce(counts, axis=1)
    told = (np.abs(whole - counts) < 1e-6).all(axis=1) & ((counts > 0).sum(axis=1) >= _PULSES_LEAST)
    pulse = np.ones(len(values))
    for weight in _PULSES_L:
        pulse[told & (common % weight == 0)] = weight
    return pulse


def _evened(values: FloatArray, pulse: FloatArray) -> FloatArray:
    """Between two pulses the water is taken to have run evenly; hours of a gap in which a reading is missing are not known."""
    hours = values.shape[1]
    known, at = np.isfinite(values), np.arange(hours)
    ticks = known & (values > 0)
    last = np.maximum.accumulate(np.where(ticks, at, -1), axis=1)
    before = np.concatenate((np.full((len(values), 1), -1), last[:, :-1]), axis=1)
    after = np.minimum.accumulate(np.where(ticks, at, hours)[:, ::-1], axis=1)[:, ::-1]
    gap = after - before
    inner = (before >= 0) & (after < hours)
    end = np.clip(after, 0, hours - 1)
    # Before the first and after the last pulse no more is known than that another had come.
    whole = pulse[:, None] / np.where(inner, gap, gap + 1)
    whole += np.where(ticks, values - pulse[:, None], 0.0)
    holes = np.concatenate((np.zeros((len(values), 1)), np.cumsum(~known, axis=1)), axis=1)
    torn = np.take_along_axis(holes, end + 1, axis=1) - np.take_along_axis(holes, before + 1, axis=1) > 0
    spread = np.where(torn, np.nan, whole)
    padded = np.concatenate((spread[:, :1], spread[:, :1], spread), axis=1)
    return np.asarray(np.stack([padded[:, k : k + hours] for k in range(COARSE_H)]).mean(axis=0))


def _without_late(values: FloatArray) -> FloatArray:
    """Where water runs in every hour but a few in a row that a lump makes up for, those are missing."""
    with np.errstate(invalid="ignore"):
        still = values == 0
    starts = still & ~np.concatenate((np.zeros((len(values), 1), dtype=np.bool_), still[:, :-1]), axis=1)
    runs = starts.sum(axis=1)
    maybe = (runs > 0) & (runs <= _LATE_RUNS) & (still.sum(axis=1) >= _LATE_LEAST_H)
    for row in np.flatnonzero(maybe):
        moving = values[row][values[row] > 0]
        if moving.size < values.shape[1] // 2:
            continue
        floor = float(moving.min())
        for first in np.flatnonzero(starts[row]):
            stop = first + int(np.argmin(np.append(still[row, first:], False)))
            if stop + _LATE_AFTER_H > values.shape[1] or stop - first < _LATE_LEAST_H:
                continue
            others = np.delete(values[row], stop)
            if values[row, stop] >= max((stop - first) * floor, _LATE_TIMES * float(np.nanmax(others))):
                values[row, first : stop + 1] = np.nan
    return values


def rounding(pulse_l: FloatArray, floor_l_h: FloatArray) -> FloatArray:
    """What counting in pulses may add to a floor or take from it [L/h]: between pulses hours apart, one hour more or less."""
    floor = np.where(np.isfinite(floor_l_h), np.minimum(floor_l_h, 0.5 * pulse_l), 0.5 * pulse_l)
    coarse = np.minimum(pulse_l / (2 * COARSE_H), floor * floor / (pulse_l - floor))
    return np.where(pulse_l > 1.0, ROUNDING_L_H + coarse, ROUNDING_L_H)
