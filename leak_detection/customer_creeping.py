"""A flow that creeps up from day to day, told from its first week on: no two of its days stand at one floor. Pure.

a hole that widens   ▁▁▁▂▂▂▃▃▃▄▄▄▅▅▅     a shop that opens   ▁▁▁▁▁▁▅▅▅▅▄▄▅▅▅     busier days   ▁▁▁▃▃▃▂▂▂▄▄▄▃▃▃
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from domain.series import FloatArray
from leak_detection.customer_settings import CustomerSettings

_LEAST_L_H = 0.5
"""From which a floor is said to have multiplied."""


def creeping(days_l_h: FloatArray, level_l_h: FloatArray, shortest_l_h: FloatArray, s: CustomerSettings) -> NDArray[np.bool_]:
    """Whether floors grow from day to day, by no leap, and beyond all that lasted before.

    Args:
        days_l_h: Least hour of each of the last five days, the newest first, shape (M, 5).
        level_l_h: The most that lasted all these days before: the oldest of them is above it.
        shortest_l_h: The most that lasted a day and a half before: the newest of them is above it.
        s: How evenly, and how far.

    Returns:
        Shape (M,); false where a day is not known.
    """
    newest, oldest = days_l_h[:, 0], days_l_h[:, -1]
    steps = days_l_h[:, :-1] - days_l_h[:, 1:]
    with np.errstate(invalid="ignore"):
        even = (steps >= -s.creeps_back * newest[:, None]).all(axis=1)
        even &= steps.max(axis=1) <= s.creeps_step * (newest - oldest)
        far = newest >= np.maximum(s.creeps_l_h, s.creeps_times * np.maximum(oldest, _LEAST_L_H))
        return np.asarray(even & far & (oldest > level_l_h) & (newest > shortest_l_h))
