"""Sudden large flow behind a customer's meter: a burst pipe or a tap left open, told from pools, gardens and fire within a day.

A flow is large against what this meter is used to: three times the most that lasted as long in the five weeks before, and 150 L/h.
What else may run so much is told apart by how long it runs, when it began and what was before:

    garden, fire, a tank that fills   stop within 12 hours
    the same by day                   is told as soon as by night where the house was empty for two days
    a building site                   begins by day, when somebody turns the tap; so by day 30 hours are wanted
    a pool                            begins by day, too, by a hose, and is full after 72 m³ or a little over three days
    the same again                    what ran once lasts in the record of five weeks and is usual then

A flow beyond what any hose lets through, and four times the largest hour before, is told after 12 hours whenever it began.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.series import FloatArray
from leak_detection import robust

SUDDEN_H = 12
"""Hours without a stop before anything is told."""
BY_DAY_H = 30
"""The same for a flow that began by day."""
POOL_L, POOL_H = 72_000.0, 78
"""What a pool holds, and how long the slowest hose takes."""
_HOSE_L_H = 300.0
"""The least that a hose lets through when somebody fills a pool."""
_YOUNG_H = 96
"""What is older is not sudden any more: a step must be seen while it is new, or chance finds one in any use that is even."""
_DAY = (7, 21)
"""Hours of the clock in which people turn on taps and let them run."""
_EMPTY_H = 48
"""Hours without any use before a flow after which nobody is taken to be there: it counts as begun by night."""
_LEAST_L_H = 150.0
_TIMES = 3.0
"""The most that lasted so long before."""
_HUGE_L_H = 2500.0
"""More than a garden hose lets through."""
_HUGE_TIMES = 4.0
"""The largest hour of the five weeks before."""
_LARGE_L_H, _AGAIN = 1000.0, 0.8
"""So large a flow of which this share ran for an hour before is what people turn on: by night, too, 30 hours are wanted."""
_STEADY = 1.35
"""Times the floor: so much at most is the middle hour. Use comes and goes, a hole does not."""
_RUNS = 0.5
"""Of the floor: an hour with less has not run."""
_LEAST_KNOWN = 0.8
_LEAST_DAYS = 10
"""Days of record before which nothing is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bursts:
    """Of M meters at one look."""

    told: NDArray[np.bool_]
    flow_l_h: FloatArray
    """Above ``level_l_h``; 0 where nothing is told."""
    level_l_h: FloatArray
    """What usually lasts so long."""
    floor_l_h: FloatArray
    """What lasted ``SUDDEN_H``: for the record."""
    largest_l_h: FloatArray
    """The largest hour since the look before: for the record."""
    filling: NDArray[np.bool_]
    """Where a pool may be filled."""


def sudden_flows(
    values_l_h: FloatArray, past_l_h: NDArray[np.float32], *, local_hour: int, running_l_h: FloatArray, slot_h: int
) -> Bursts:
    """Judges one look.

    Args:
        values_l_h: Hourly use up to now, shape (M, H), NaN where missing.
        past_l_h: ``floor_l_h`` and ``largest_l_h`` of the looks before, shape (M, 2, S).
        local_hour: Hour of the clock now.
        running_l_h: Flow of the leak that is known at each meter; infinite where nothing more is to be told.
        slot_h: Hours between two looks.
    """
    floor = _least(values_l_h[:, -SUDDEN_H:])
    largest = np.where(np.isfinite(values_l_h[:, -slot_h:]), values_l_h[:, -slot_h:], -np.inf).max(axis=1)
    run_h = _run(values_l_h, floor)
    began = (local_hour - run_h) % 24
    by_day = (began >= _DAY[0]) & (began < _DAY[1]) & ~_was_empty(values_l_h, run_h)
    # The looks in which the flow itself ran are no past.
    looks = np.minimum(-(-np.minimum(run_h, values_l_h.shape[1]) // slot_h), past_l_h.shape[2])
    before = np.arange(past_l_h.shape[2])[None, :] < (past_l_h.shape[2] - looks)[:, None]
    level, known = _most(past_l_h[:, 0], before)
    peak, _ = _most(past_l_h[:, 1], before)
    middle = _middle(values_l_h[:, -SUDDEN_H:])
    with np.errstate(invalid="ignore"):
        large = (floor >= np.maximum(_LEAST_L_H, _TIMES * level)) & (floor >= _TIMES * running_l_h) & (middle <= _STEADY * floor)
        again = (floor >= _LARGE_L_H) & (peak >= _AGAIN * floor)
        huge = (floor >= _HUGE_L_H) & (floor >= _HUGE_TIMES * peak)
        hose = by_day & (floor >= _HOSE_L_H) & (floor < _HUGE_L_H)
        filling = hose & (run_h < POOL_H) & (run_h * floor < POOL_L)
    old_enough = (run_h >= np.where((by_day & ~huge) | again, BY_DAY_H, SUDDEN_H)) & (run_h <= _YOUNG_H)
    told = large & old_enough & ~filling & (known >= _LEAST_DAYS * 24 // slot_h)
    usual = np.zeros(floor.size)
    usual[told] = robust.median(np.where(before, past_l_h[:, 0], np.nan)[told].astype(np.float64), axis=1)
    return Bursts(
        told=told,
        flow_l_h=np.where(told, floor - usual, 0.0),
        level_l_h=usual,
        floor_l_h=floor,
        largest_l_h=np.where(np.isfinite(largest), largest, np.nan),
        filling=filling,
    )


def _least(window: FloatArray) -> FloatArray:
    known = np.isfinite(window)
    least = np.where(known, window, np.inf).min(axis=1)
    return np.where(known.mean(axis=1) >= _LEAST_KNOWN, least, np.nan)


def _run(values: FloatArray, floor: FloatArray) -> NDArray[np.int64]:
    """Hours up to now without one that has not run; a missing hour is not known to have stopped."""
    with np.errstate(invalid="ignore"):
        stopped = values[:, ::-1] < _RUNS * floor[:, None]
    return np.asarray(np.where(stopped.any(axis=1), stopped.argmax(axis=1), values.shape[1]), dtype=np.int64)


def _was_empty(values: FloatArray, run_h: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether nothing at all was used for two days before the flow: nobody is there who turns a tap."""
    ago = np.arange(values.shape[1])[::-1]
    before = (ago >= run_h[:, None] + 1) & (ago < run_h[:, None] + 1 + _EMPTY_H)
    used = (before & ~(values == 0)).any(axis=1)
    return np.asarray(~used & (before.sum(axis=1) == _EMPTY_H))


def _most(past: NDArray[np.float32], before: NDArray[np.bool_]) -> tuple[FloatArray, NDArray[np.int64]]:
    """The largest of what was before, 0 without any, and how many looks are known."""
    known = np.isfinite(past) & before
    return np.where(known, past, 0.0).max(axis=1).astype(np.float64), known.sum(axis=1)


def _middle(window: FloatArray) -> FloatArray:
    """The middle hour; a missing one counts as the largest."""
    return np.asarray(np.sort(window, axis=1)[:, window.shape[1] // 2], dtype=np.float64)
