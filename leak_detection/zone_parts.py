"""What each part of the day leaves unexplained: a leak runs at all hours, use does not.

The level of a balance is one figure a day, and three things move it that are no leak: watering at night without a meter lifts
the middle of the day's hours, customers without a meter draw more in the evening, and a slope that has come down by a hundredth
turns a share of all metered use into leakage. So a rise is looked at twice more: at every part of the day by itself, and at one
slope then and now, which is the plain balance of volumes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from leak_detection import robust
from leak_detection.zone_balance import PER_DAY, TICK_H, BalanceRow

PartRow = tuple[int, float, float, float]
"""Part of the day, what the slope leaves of its inflow, its meters, that slope."""


class DayParts:
    """The parts of the last days, one a tick, in step with the levels of a watch.

    Args:
        ticks: How many are remembered.
    """

    __slots__ = ("_rows",)

    def __init__(self, ticks: int) -> None:
        self._rows: deque[PartRow] = deque(maxlen=ticks)

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, row: BalanceRow, slope: float) -> None:
        """Takes the last hours of a row.

        Args:
            row: Of the balance.
            slope: The watch's own; what is compared later is moved to the slope of that day.
        """
        part = row.end_h // TICK_H % PER_DAY
        self._rows.append((part, row.part_inflow_m3h - slope * row.part_meters_m3h, row.part_meters_m3h, slope))

    def all_but(self, ticks: int) -> list[PartRow]:
        """What is remembered but for the newest, oldest first."""
        return list(self._rows)[:-ticks]

    def put_back(self, rows: Sequence[PartRow], rise_m3h: float) -> None:
        """Remembers older rows again, as if what has been open since had been open then."""
        newer = list(self._rows)
        self._rows.clear()
        self._rows.extend([(part, rest + rise_m3h, meters, slope) for part, rest, meters, slope in rows] + newer)

    def keep_last(self, ticks: int) -> None:
        """Forgets all but the newest."""
        kept = list(self._rows)[-ticks:]
        self._rows.clear()
        self._rows.extend(kept)

    def drop_last(self, ticks: int) -> None:
        """Forgets the newest, as when they hold the moment at which the relation changed; volumes before it stay comparable."""
        kept = list(self._rows)[:-ticks]
        self._rows.clear()
        self._rows.extend(kept)

    def rise(self, was: slice, days: int) -> float:
        """Rise of the last days that all parts of the day but one show, at today's slope [m³/h]; infinite where none is known.

        Args:
            was: Ticks that it rises from.
            days: How many it is measured by.
        """
        if not self._rows:
            return float("inf")
        part, value, meters, slope = np.array(self._rows).T
        value = value + (slope - slope[-1]) * meters
        median, now = robust.scalar_median, slice(-days * PER_DAY, None)
        each = [median(value[now][part[now] == p]) - median(value[was][part[was] == p]) for p in range(PER_DAY)]
        rises = sorted(rise for rise in each if np.isfinite(rise))
        return rises[min(1, len(rises) - 1)] if rises else float("inf")
