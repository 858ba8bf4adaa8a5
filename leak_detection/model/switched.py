"""What the utility switches itself: a pump that fills a tank runs longer on one day than on the next, and gauges nearby show it.

The regression on the metered flows is made within weeks of a whole year; how a pump's hours bend the mean of a day depends on what
else flows by then. So the days' own swings of a switched flow are courses with whatever loading, as known leaks are: what goes with
them is no news. A leak changes such a flow for good, and what lasts is left in.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from domain.series import FloatArray

_STILL = 0.05
"""Of its usual flow: below it a switched flow stands still,"""
_LEAST_STILL = 0.05
"""and does so in at least so much of the time."""
_ALIKE, _MOST_ELSE = 0.25, 0.2
"""While it runs it is within the former of its usual flow, but for the latter of the time: a demand that rises and falls is not."""
_SWING_DAYS = 31
"""What lasts longer is no swing."""
_PIECE_DAYS = 60
"""For so long its effect is the same."""


def is_switched(flow_m3h: FloatArray) -> NDArray[np.bool_]:
    """Which flows are on or off, and nothing between, shape (D,).

    Args:
        flow_m3h: Shape (T, D); NaN where missing.
    """
    return np.array([_is_switched(flow[np.isfinite(flow)]) for flow in flow_m3h.T], dtype=bool)


def _is_switched(flow_m3h: FloatArray) -> bool:
    size = np.abs(flow_m3h)
    if not size.any():
        return False
    running = size > _STILL * float(np.quantile(size, 0.95))
    usual = float(np.median(size[running]))
    other = np.abs(size[running] - usual) > _ALIKE * usual
    return bool(1.0 - running.mean() >= _LEAST_STILL and other.mean() <= _MOST_ELSE)


def swings(daily: FloatArray) -> list[FloatArray]:
    """Courses of what switched flows do from day to day, newest piece first.

    Args:
        daily: Mean of each day and flow, shape (T, K); NaN where missing.

    Returns:
        Each of T values, 0 outside its piece; none for a flow that does not swing.
    """
    courses: list[FloatArray] = []
    for flow in daily.T:
        swing = _swing(flow)
        size = float(swing.std())
        for end in range(len(swing), 0, -_PIECE_DAYS) if size > 1e-9 else ():
            piece = np.zeros(len(swing))
            piece[max(0, end - _PIECE_DAYS) : end] = swing[max(0, end - _PIECE_DAYS) : end] / size
            courses.append(piece)
    return courses


def _swing(flow: FloatArray) -> FloatArray:
    """The flow less its mean over some weeks around each day, as far as they are there; 0 where it is missing."""
    known = np.isfinite(flow)
    half = _SWING_DAYS // 2
    total, count = (
        sliding_window_view(np.pad(values, half), _SWING_DAYS).sum(axis=1) for values in (np.where(known, flow, 0.0), known * 1.0)
    )
    return np.where(known, flow - total / np.maximum(count, 1.0), 0.0)
