"""How fast each tank that floats on the network rises: what it takes and gives is part of what the network draws.

A network's demand is its inflow less what its tanks take. Levels alone do not say that; their rise since a quarter of an hour
before does, and with it half of what pressures do by themselves is explained. While a pump was switched in that time it says
nothing.

Which rise belongs to a pressure depends on how a system samples: where flows hold from one row to the next, what a tank takes at a
row is its rise until the row after it. Then readings wait for that row (``late``).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from domain.series import FloatArray

_PER_HOUR = 4
"""A rise is that since such a part of an hour before, or since the row before: over a longer time days are known worse."""


@dataclass(slots=True, kw_only=True, eq=False)
class TankRises:
    """Appends rises to the drivers, row by row; remembers the last rows, so that hours and years come out the same."""

    per_day: int
    tanks: tuple[int, ...] = ()
    """Columns of the levels of floating tanks; with none the drivers stay as they are."""
    pumps: tuple[int, ...] = ()
    """Columns of the pumps' meters."""
    stands_m3h: tuple[float, ...] = ()
    """Of each pump: with less it stands."""
    late: int = 0
    """Rows that readings wait for, 0 to ``span``."""
    _before: FloatArray | None = field(default=None, repr=False)
    _waiting: FloatArray | None = field(default=None, repr=False)

    @property
    def span(self) -> int:
        """Rows over which a rise is taken."""
        return max(1, self.per_day // 24 // _PER_HOUR)

    def anew(self) -> Self:
        """The same with no row remembered: for another recording, or the same from its beginning."""
        return replace(self, _before=None, _waiting=None)

    def over(self, drivers: FloatArray) -> FloatArray:
        """A whole recording, each row with the rises that belong to it: nothing waits, and the last ``late`` rows have none.

        Args:
            drivers: Metered flows and levels, shape (T, D).

        Returns:
            Shape (T, D + tanks).
        """
        if not self.late:
            return self.anew().add(drivers)
        after = np.full((self.late, drivers.shape[1]), np.nan)
        known = self.anew().add(np.concatenate([drivers, after]))[self.late :]
        return np.asarray(known)

    def wait(self, pressure_m: FloatArray) -> FloatArray:
        """Pressures that belong to the rows that ``add`` gives, ``late`` rows before those taken.

        Args:
            pressure_m: The next rows, shape (n, G).

        Returns:
            Shape (n, G); NaN before the first row.
        """
        if not self.late:
            return pressure_m
        before = np.full((self.late, pressure_m.shape[1]), np.nan) if self._waiting is None else self._waiting
        rows = np.concatenate([before, pressure_m])
        self._waiting = rows[len(rows) - self.late :]
        return np.asarray(rows[: len(pressure_m)])

    def add(self, drivers: FloatArray) -> FloatArray:
        """Drivers of ``late`` rows before with the rise of each tank [m/h] after them.

        Args:
            drivers: Metered flows and levels, the next rows, shape (n, D).

        Returns:
            Shape (n, D + tanks); NaN where a row of the rise is not known or a pump was switched within it.
        """
        if not self.tanks:
            return drivers
        back = self.span
        before = np.full((back, drivers.shape[1]), np.nan) if self._before is None else self._before
        rows = np.concatenate([before, drivers])
        self._before = rows[len(rows) - back :]
        level = rows[:, list(self.tanks)]
        rise = (level[back:] - level[:-back]) * self.per_day / (24.0 * back)
        then = rows[back - self.late : len(rows) - self.late]
        return np.concatenate([then, np.where(self._steady(rows, back)[:, None], rise, np.nan)], axis=1)

    def _steady(self, rows: FloatArray, back: int) -> NDArray[np.bool_]:
        """Whether all pumps ran or stood all the while."""
        if not self.pumps:
            return np.ones(len(rows) - back, dtype=bool)
        on = np.abs(rows[:, list(self.pumps)]) > np.array(self.stands_m3h)
        same = np.array([(on[k : len(on) - back + k] == on[back:]).all(axis=1) for k in range(back)])
        return np.asarray(same.all(axis=0))
