"""What single customers use, hour by hour: habit of the hour times chance, and here and there a tap that never closes.

A pure function of (seed, customer, hour), kept as running sums from one fixed hour on, so that a meter's register is the same after
every restart. Independent of the network's demand: a few meters among thousands change nothing there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from domain.calendar import Calendar
from simulator.demand import habit
from simulator.noise import keys, normals, uniforms

HOUR_S = 3600
_MEAN_LPH = 17.0
"""Mean use of a home [L/h]: 0.4 m³ a day."""
_DRIPPING = 0.08
"""Share of homes in which something runs day and night."""


class Customers:
    """The registers of some customers' meters, in whole litres."""

    def __init__(self, *, seed: int, names: Sequence[str], calendar: Calendar, since: datetime) -> None:
        """``since`` is when the registers stood at their first value; nothing earlier can be asked."""
        self._calendar = calendar
        self._first = int(since.timestamp() // HOUR_S)
        self._keys = keys(seed, "customer", names)
        size = normals(keys(seed, "customer size", names), 0)
        chance = uniforms(keys(seed, "customer drip", names), 0)
        self._mean_lph = _MEAN_LPH * np.exp(0.5 * size)
        self._drip_lph = np.where(chance < _DRIPPING, 4.0 + 12.0 * chance / _DRIPPING, 0.0)
        start = np.floor(20_000 + 900_000 * uniforms(keys(seed, "customer register", names), 0))
        self._sums: list[NDArray[np.float64]] = [start]  # register at the hour ``_first + i``
        self._place = {name: i for i, name in enumerate(names)}

    def litres(self, name: str, hour: int) -> int:
        """The register at a full hour, counted in hours since 1970 [L].

        Raises:
            ValueError: The hour is before the beginning.
        """
        if hour < self._first:
            raise ValueError(f"hour {hour} is before {self._first}, when the registers began")
        while len(self._sums) <= hour - self._first:
            self._sums.append(self._sums[-1] + self._use(self._first + len(self._sums) - 1))
        return int(self._sums[hour - self._first][self._place[name]])

    def litres_at(self, name: str, moment: datetime) -> int:
        """The register at any moment [L]: even flow within an hour."""
        hour, rest_s = divmod(moment.timestamp(), HOUR_S)
        before, after = self.litres(name, int(hour)), self.litres(name, int(hour) + 1)
        return before + int((after - before) * rest_s / HOUR_S)

    def drips(self, name: str) -> bool:
        """Whether something runs there day and night."""
        return bool(self._drip_lph[self._place[name]] > 0)

    @property
    def since(self) -> datetime:
        """The first hour of the registers."""
        return datetime.fromtimestamp(self._first * HOUR_S, UTC)

    def _use(self, hour: int) -> NDArray[np.float64]:
        """Litres of each customer in the hour that begins then."""
        middle = datetime.fromtimestamp(hour * HOUR_S, UTC) + timedelta(minutes=30)
        mean = habit("homes", middle, self._calendar) * self._mean_lph
        return np.asarray(np.floor(mean * np.exp(0.6 * normals(self._keys, hour) - 0.18) + self._drip_lph), dtype=np.float64)
