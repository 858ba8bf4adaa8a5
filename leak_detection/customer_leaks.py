"""Leaks behind a customer's meter: flow that never stops, told from tanks, softeners and cooling by its steadiness.

A dwelling has hours without use; water that runs in every hour of a day and a half runs by itself. It belongs to the customer and
to the zone's metered use, not to the utility's losses. Rule after the continuous-flow flag of meters (least flow of 24 h above
zero).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from domain.series import FloatArray

WINDOW_H = 36
LEAST_L_H = 2.0
_LEAST_SHARE = 0.8
_STEADY = 0.35


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerLeak:
    """Continuous flow at one meter."""

    meter: str
    found_h: int
    """Hours from the start of the recording to the moment of issue."""
    since_h: int
    """First hour of the continuous flow."""
    end_h: int | None
    """Hour at which the flow stopped; None while it runs."""
    flow_l_h: float
    """Steady part of the flow when found [L/h]."""


def continuous_flow(readings_l_h: FloatArray, *, window_h: int = WINDOW_H, least_l_h: float = LEAST_L_H) -> FloatArray:
    """The steady flow at each hour, from the ``window_h`` hours up to it [L/h]; 0 where there is none.

    The least reading must be above ``least_l_h`` in both halves of the window at about one level: a float valve or a softener has
    hours near nothing, or a floor that wanders. Missing readings are skipped; fewer than 80 % of the window say nothing.
    """
    out = np.zeros(readings_l_h.size)
    if readings_l_h.size < window_h:
        return out
    windows = np.lib.stride_tricks.sliding_window_view(readings_l_h, window_h)
    known = np.isfinite(windows)
    filled = np.where(known, windows, np.inf)
    half = window_h // 2
    first, second = filled[:, :half].min(axis=1), filled[:, half:].min(axis=1)
    least = np.minimum(first, second)
    worst = np.maximum(first, second)
    worst, least = (np.where(np.isfinite(worst), v, 0.0) for v in (worst, least))
    steady = worst - least <= _STEADY * worst + least_l_h
    enough = known.mean(axis=1) >= _LEAST_SHARE
    out[window_h - 1 :] = np.where((least >= least_l_h) & steady & enough, least, 0.0)
    return out


def find_customer_leaks(
    readings_l_h: FloatArray, meters: tuple[str, ...], *, window_h: int = WINDOW_H, least_l_h: float = LEAST_L_H
) -> tuple[CustomerLeak, ...]:
    """Every continuous flow of a set of meters, in order of ``found_h``; each is told from its past alone.

    Args:
        readings_l_h: Hourly use, shape (H, M), NaN where missing.
        meters: Names, M of them.
        window_h: Hours that must all flow.
        least_l_h: Least steady flow that speaks: above the meter's starting flow.
    """
    found: list[CustomerLeak] = []
    for column, meter in enumerate(meters):
        readings = readings_l_h[:, column]
        flow = continuous_flow(readings, window_h=window_h, least_l_h=least_l_h)
        stopped = readings < least_l_h
        hour = 0
        while (hits := np.flatnonzero(flow[hour:] > 0)).size:
            found_h = hour + int(hits[0])
            before = np.flatnonzero(stopped[:found_h])
            after = np.flatnonzero(stopped[found_h:])
            end = found_h + int(after[0]) if after.size else None
            since = int(before[-1]) + 1 if before.size else 0
            found.append(CustomerLeak(meter=meter, found_h=found_h + 1, since_h=since, end_h=end, flow_l_h=float(flow[found_h])))
            if end is None:
                break
            hour = end + 1
    return tuple(sorted(found, key=lambda leak: (leak.found_h, leak.meter)))
