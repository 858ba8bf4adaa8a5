"""The model layer whole: readings in, leaks out. Hours tell bursts, days everything else; online and replay call the same code.

an hour of readings ─▶ HourlyLayer ─▶ a burst, placed by all that is known of the network's errors
a day of them ─▶ residual, without gauges at fault ─▶ Ledger ─▶ leaks, those that an hour told left out
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from domain.series import FloatArray
from leak_detection.model.bursts import BurstCandidate
from leak_detection.model.history import Repair, begin
from leak_detection.model.hourly import HourlyLayer
from leak_detection.model.ledger import Ledger, LedgerSettings, OpenLeak
from leak_detection.model.places import Place, locate
from leak_detection.model.residuals import FlowRegression, daily_residuals
from leak_detection.model.signatures import SignatureSet, of_gauges


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchLimits:
    """When a burst is told at once."""

    least_near: float = 0.5
    """Probability of lying within 150 m: else the day decides."""
    least_far: float = 0.9
    least_flow_m3h: float = 3.0
    same_m: float = 400.0
    """A leak of the day so near a burst told in the last days is that burst."""
    same_days: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A leak that is told."""

    place: Place
    start_day: float
    told_day: float
    """Days since the first reading, with fraction."""
    change_m: FloatArray | None = field(default=None, compare=False)
    """What the gauges show of it, shape (G,); NaN where one has no say."""
    sd_m: FloatArray | None = field(default=None, compare=False)
    """Standard deviation of that while nothing is wrong; None where it was not kept."""


@dataclass(slots=True, kw_only=True, eq=False)
class NetworkWatch:
    """Takes hours, and at the end of each day the balances of metered parts."""

    per_day: int
    regression: FlowRegression
    gauges: SignatureSet
    """Of the pressure gauges."""
    whole: SignatureSet
    """Of the gauges and of the balances after them."""
    settings: LedgerSettings = field(default_factory=LedgerSettings)
    limits: WatchLimits = field(default_factory=WatchLimits)
    ledger: Ledger = field(init=False)
    layer: HourlyLayer = field(init=False)
    _pressure: list[FloatArray] = field(default_factory=list)
    _drivers: list[FloatArray] = field(default_factory=list)
    _residual: list[FloatArray] = field(default_factory=list)
    _bursts: list[Told] = field(default_factory=list)
    _rows: int = 0

    def __post_init__(self) -> None:
        self.ledger = Ledger(signatures=self.whole, settings=self.settings)
        self.layer = HourlyLayer(
            per_day=self.per_day, regression=self.regression, signatures=self.gauges.at(10.0), distance_m=self.gauges.distance_m
        )

    @property
    def days(self) -> int:
        """Whole days seen."""
        return len(self._residual)

    def hour(self, pressure_m: FloatArray, drivers: FloatArray, *, seek: bool = True) -> list[Told]:
        """Takes the newest rows, not beyond the end of a day.

        Args:
            pressure_m: Shape (n, G); NaN where missing.
            drivers: Metered flows and levels, shape (n, D).
            seek: False only learns.
        """
        self._pressure.append(pressure_m)
        self._drivers.append(drivers)
        self._rows += len(pressure_m)
        news = self.layer.look(pressure_m, drivers, seek=seek)
        if news.burst is None or not news.burst.is_burst:
            return []
        told = self._burst(news.burst)
        return [] if told is None else [told]

    def end_day(self, balance_m3h: Sequence[float] = (), *, seek: bool = True) -> list[Told]:
        """Closes the day whose hours were taken.

        Args:
            balance_m3h: Of each metered part, in the order of ``whole``; NaN where not known.
            seek: False only remembers, for the past that ``begin`` searches.
        """
        day = daily_residuals(np.concatenate(self._pressure), np.concatenate(self._drivers), self.regression, self.per_day)
        self._pressure.clear()
        self._drivers.clear()
        self._residual.append(np.concatenate([day[0], np.asarray(balance_m3h, dtype=np.float64)]))
        if not seek:
            return []
        told = [self._as_told(leak, self.days) for leak in self.ledger.look(self._seen())]
        return [leak for leak in told if not self._is_burst(leak)]

    def begin(self, repairs: Sequence[Repair]) -> list[Told]:
        """Searches the past that was taken: what stands today."""
        return [self._as_told(leak, self.days) for leak in begin(self.ledger, self._seen(), repairs)]

    def _seen(self) -> FloatArray:
        """Residuals of all days as they are judged now: a gauge's fault is taken out of the days in which it began, too."""
        z = np.stack(self._residual)
        screener = self.layer.screener
        gauges = screener.usable.shape[1]
        z[:, :gauges] = np.where(screener.usable[: len(z)], z[:, :gauges] - screener.offset_m[: len(z)], np.nan)
        return z

    def _burst(self, burst: BurstCandidate) -> Told | None:
        """The burst, if its place is sure enough to send somebody."""
        seen = np.isfinite(burst.change_m)
        place = locate(burst.change_m[seen], burst.covariance[np.ix_(seen, seen)], of_gauges(self.gauges, seen))
        limits, now = self.limits, self._rows / self.per_day
        if place.near < limits.least_near or place.far < limits.least_far or place.flow_m3h < limits.least_flow_m3h:
            return None
        distance = self.gauges.distance_m[place.index]
        open_leaks = [leak.place.index for leak in self.ledger.leaks if leak.end_day is None]
        if any(distance[other] <= self.settings.merge_m for other in open_leaks) and place.flow_m3h < self.settings.again_flow_m3h:
            return None
        told = Told(
            place=place,
            start_day=now - burst.rows_ago / self.per_day,
            told_day=now,
            change_m=burst.change_m,
            sd_m=np.sqrt(np.diag(burst.covariance)),
        )
        self._bursts.append(told)
        return told

    def _as_told(self, leak: OpenLeak, day: int) -> Told:
        change = leak.loading_m[: self.gauges.change_m.shape[2]]
        return Told(place=leak.place, start_day=float(leak.start_day), told_day=float(day), change_m=change)

    def _is_burst(self, told: Told) -> bool:
        """Whether an hour told it already."""
        distance = self.gauges.distance_m[told.place.index]
        return any(
            distance[burst.place.index] <= self.limits.same_m and abs(told.told_day - burst.told_day) <= self.limits.same_days
            for burst in self._bursts
        )
