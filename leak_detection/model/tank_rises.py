"""How fast each tank that floats on the network rises: what it takes and gives is part of what the network draws.

A network's demand is its inflow less what its tanks take. Levels alone do not say that; their rise since a quarter of an hour
before does, and with it half of what pressures do by themselves is explained. While a pump was switched in that time it says
nothing.
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
    _before: FloatArray | None = field(default=None, repr=False)

    def anew(self) -> Self:
        """The same with no row remembered: for another recording, or the same from its beginning."""
        return replace(self, _before=None)

    def add(self, drivers: FloatArray) -> FloatArray:
        """Drivers with the rise of each tank [m/h] after them.

        Args:
            drivers: Metered flows and levels, the next rows, shape (n, D).

        Returns:
            Shape (n, D + tanks); NaN where a row before is not known or a pump was switched since.
        """
        if not self.tanks:
            return drivers
        back = max(1, self.per_day // 24 // _PER_HOUR)
        before = np.full((back, drivers.shape[1]), np.nan) if self._before is None else self._before
        rows = np.concatenate([before, drivers])
        self._before = rows[len(rows) - back :]
        level = rows[:, list(self.tanks)]
        rise = (level[back:] - level[:-back]) * self.per_day / (24.0 * back)
        return np.concatenate([drivers, np.where(self._steady(rows, back)[:, None], rise, np.nan)], axis=1)

    def _steady(self, rows: FloatArray, back: int) -> NDArray[np.bool_]:
        """Whether all pumps ran or stood all the while."""
        if not self.pumps:
            return np.ones(len(rows) - back, dtype=bool)
        on = np.abs(rows[:, list(self.pumps)]) > np.array(self.stands_m3h)
        same = np.array([(on[k : len(on) - back + k] == on[back:]).all(axis=1) for k in range(back)])
        return np.asarray(same.all(axis=0))
