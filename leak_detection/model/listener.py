"""What readings say before anything is known of leaks: bursts by the hour, gauges at fault, and what a day's flows do not explain.

It knows nothing of the ledger, which judges what it brings: so it may be ahead of it, and never looks at what has not come yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from domain.series import FloatArray
from leak_detection import robust
from leak_detection.model.hourly import HourlyLayer, HourNews, LastDay
from leak_detection.model.readings import Plausible
from leak_detection.model.residuals import FlowRegression, daily_residuals
from leak_detection.model.tank_rises import TankRises

LISTENED_M3H = 10.0
"""Leaks of that size are listened for."""
_LOOKS = 4
"""A day, at even distances: the last 24 hours are told then. The last look is the end of the day itself."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DayNews:
    """What a day that is over has brought."""

    first: int
    """The day from which something is known anew: a fault found late is taken out of the days in which it began, too."""
    residual_m: FloatArray
    """Of each day since then as it is judged now, shape (n, G); NaN where a gauge has no say."""
    switched_m3h: FloatArray
    """Means of the flows that the utility switches, shape (K,)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RawRows:
    """Rows that follow one another, from the beginning of a day."""

    pressure_m: FloatArray
    """Shape (n, G); NaN where missing."""
    drivers: FloatArray
    """Metered flows and levels, shape (n, D)."""
    seek_from_day: int
    """Before it nobody asks for bursts."""


@dataclass(slots=True, kw_only=True, eq=False)
class Listener:
    """Takes hours, and closes days."""

    per_day: int
    regression: FlowRegression
    signatures: FloatArray
    """Change of the residual per m³/h at each place for leaks of ``LISTENED_M3H``, shape (P, G)."""
    distance_m: FloatArray
    """Between places, shape (P, P)."""
    rises: TankRises | None = None
    """Of the tanks that float on the network; their rises are drivers, too."""
    pressure_range: Plausible | None = None
    """What gauges may read: anything else is missing."""
    driver_range: Plausible | None = None
    """What meters and levels may read."""
    switched: NDArray[np.bool_] | None = None
    """Which meters' flows the utility switches, shape (D,)."""
    layer: HourlyLayer = field(init=False)
    _pressure: list[FloatArray] = field(default_factory=list)
    _drivers: list[FloatArray] = field(default_factory=list)
    _yesterday: tuple[FloatArray, FloatArray] | None = None
    """Pressures and drivers of the day that was closed last."""
    rest_m: FloatArray = field(init=False)
    """Residual of each day as it was read, whatever is judged of the gauges, shape (T, G)."""
    _told_m: FloatArray = field(init=False)
    """The same as it was judged last."""

    def __post_init__(self) -> None:
        self.layer = HourlyLayer(
            per_day=self.per_day, regression=self.regression, signatures=self.signatures, distance_m=self.distance_m
        )
        self.rest_m = self._told_m = np.empty((0, self.signatures.shape[1]))

    @property
    def late(self) -> int:
        """Rows that readings wait for those that belong to them."""
        return self.rises.late if self.rises else 0

    def share(self, distance_m: FloatArray) -> None:
        """Takes the distances of somebody else for its own, which are the same: they are the largest thing that it holds."""
        self.distance_m = self.layer.distance_m = self.layer.bursts.distance_m = distance_m

    @property
    def days(self) -> int:
        """Whole days closed."""
        return len(self.rest_m)

    def hour(self, pressure_m: FloatArray, drivers: FloatArray, *, seek: bool = True) -> HourNews:
        """Takes the newest rows, not beyond the end of a day.

        Args:
            pressure_m: Shape (n, G); NaN where missing.
            drivers: Metered flows and levels, shape (n, D).
            seek: False only learns.
        """
        # Sums round by how values lie in memory: another process is sent them row by row.
        pressure_m, drivers = np.ascontiguousarray(pressure_m), np.ascontiguousarray(drivers)
        if self.pressure_range is not None:
            pressure_m = self.pressure_range.only(pressure_m)
        if self.driver_range is not None:
            drivers = self.driver_range.only(drivers)
        if self.rises is not None:
            pressure_m, drivers = self.rises.wait(pressure_m), self.rises.add(drivers)
        self._pressure.append(pressure_m)
        self._drivers.append(drivers)
        news = self.layer.look(pressure_m, drivers, seek=seek)
        return replace(news, last_day=self._last_day()) if seek else news

    def _last_day(self) -> LastDay | None:
        """Where it is time for it; gauges are judged as yesterday."""
        rows = sum(map(len, self._pressure))
        if self._yesterday is None or rows >= self.per_day or rows % max(self.per_day // _LOOKS, 1):
            return None
        pressure_m = np.concatenate([self._yesterday[0], *self._pressure])[-self.per_day :]
        drivers = np.concatenate([self._yesterday[1], *self._drivers])[-self.per_day :]
        rest_m = daily_residuals(pressure_m, drivers, self.regression, self.per_day)[0]
        screener, last = self.layer.screener, self.days - 1
        judged = np.where(screener.usable[last], rest_m - screener.offset_m[last], np.nan)
        return LastDay(residual_m=judged, switched_m3h=self._switched_m3h(drivers))

    def _switched_m3h(self, drivers: FloatArray) -> FloatArray:
        return np.empty(0) if self.switched is None else robust.mean(drivers[:, : len(self.switched)][:, self.switched])

    def end_day(self) -> DayNews:
        """Closes the day whose hours were taken."""
        self._yesterday = pressure_m, drivers = np.concatenate(self._pressure), np.concatenate(self._drivers)
        day = daily_residuals(pressure_m, drivers, self.regression, self.per_day)
        self._pressure.clear()
        self._drivers.clear()
        self.rest_m = np.concatenate([self.rest_m, day])
        screener, days = self.layer.screener, self.days
        judged = np.where(screener.usable[:days], self.rest_m - screener.offset_m[:days], np.nan)
        before = len(self._told_m)
        same = (judged[:before] == self._told_m) | (np.isnan(judged[:before]) & np.isnan(self._told_m))
        first = int(np.argmin(np.append(same.all(axis=1), False)))
        self._told_m = judged
        return DayNews(first=first, residual_m=judged[first:], switched_m3h=self._switched_m3h(drivers))


def listen(listener: Listener, rows: RawRows) -> tuple[Listener, Sequence[HourNews | DayNews]]:
    """All that the listener has to say of the rows, in order, and the listener after them.

    Args:
        listener: After the rows before these.
        rows: Hours; days are closed as they end.
    """
    hour, news = listener.per_day // 24, list[HourNews | DayNews]()
    for row in range(0, len(rows.pressure_m) // hour * hour, hour):
        part = slice(row, row + hour)
        news.append(listener.hour(rows.pressure_m[part], rows.drivers[part], seek=listener.days >= rows.seek_from_day))
        if part.stop % listener.per_day == 0:
            news.append(listener.end_day())
    return listener, news
