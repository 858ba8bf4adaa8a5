"""The hourly layer whole: readings in, bursts and gauge verdicts out. Online and replay call the same ``look``.

an hour of readings ─▶ set right by yesterday's verdict ─▶ less what the flows explain ─▶ BurstWatch ─▶ burst or nothing
a whole day of them ─▶ Screener ─▶ verdict: faults found late are taken out of the days they began in
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from domain.series import FloatArray
from leak_detection.model.burst_watch import BurstWatch, WatchSettings
from leak_detection.model.bursts import BurstCandidate
from leak_detection.model.gauge_faults import DayVerdict, Screener, ScreenSettings
from leak_detection.model.residuals import FlowRegression


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LastDay:
    """The last 24 hours as if they were a day."""

    residual_m: FloatArray
    """Shape (G,); NaN where a gauge has no say."""
    switched_m3h: FloatArray
    """Means of the flows that the utility switches, shape (K,)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HourNews:
    """What one look brought."""

    rows: int
    """How many it took."""
    burst: BurstCandidate | None
    verdict: DayVerdict | None
    """At the end of a day."""
    followed: tuple[BurstCandidate, ...] = ()
    """Bursts that earlier looks brought, with what is known of them now."""
    last_day: LastDay | None = None
    """A few times a day."""


@dataclass(slots=True, kw_only=True, eq=False)
class HourlyLayer:
    """Bursts within hours, with gauges that lie left out."""

    per_day: int
    regression: FlowRegression
    signatures: FloatArray
    """Change of the residual per m³/h at each place, shape (P, G)."""
    distance_m: FloatArray
    """Between places, shape (P, P)."""
    screen: ScreenSettings = field(default_factory=ScreenSettings)
    watch: WatchSettings = field(default_factory=WatchSettings)
    screener: Screener = field(init=False)
    bursts: BurstWatch = field(init=False)
    _verdict: DayVerdict | None = None
    _pressure: list[FloatArray] = field(default_factory=list)
    _drivers: list[FloatArray] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.screener = Screener(per_day=self.per_day, signatures=self.signatures, settings=self.screen)
        self.bursts = BurstWatch(signatures=self.signatures, distance_m=self.distance_m, per_day=self.per_day, settings=self.watch)

    def look(self, pressure_m: FloatArray, drivers: FloatArray, *, seek: bool = True) -> HourNews:
        """Takes the newest rows, which must not reach beyond the end of a day.

        Args:
            pressure_m: Raw readings, shape (n, G); NaN where missing.
            drivers: Metered flows and levels, shape (n, D).
            seek: False screens the gauges alone, e.g. through the year that teaches.

        Raises:
            ConfigurationError: The shapes do not belong together.
        """
        burst = self.bursts.look(self._residual(pressure_m, drivers)) if seek else None
        followed = tuple(self.bursts.followed()) if seek else ()
        self._pressure.append(pressure_m)
        self._drivers.append(drivers)
        verdict = self._end_of_day() if sum(map(len, self._pressure)) >= self.per_day else None
        return HourNews(rows=len(pressure_m), burst=burst, verdict=verdict, followed=followed)

    def _residual(self, pressure_m: FloatArray, drivers: FloatArray) -> FloatArray:
        """Less what the flows explain; gauges that were at fault yesterday are NaN.

        A clock that is off is not set right here: its last samples would be missing exactly in the hours looked at.
        """
        rest = pressure_m - self.regression.explained(drivers)
        if self._verdict is None:
            return np.asarray(rest)
        fit = self._verdict.usable & (self._verdict.clock_samples == 0)
        return np.where(fit, rest - self._verdict.offset_m, np.nan)

    def _end_of_day(self) -> DayVerdict:
        verdict = self.screener.look(np.concatenate(self._pressure), np.concatenate(self._drivers))
        self._pressure.clear()
        self._drivers.clear()
        for fault in verdict.opened:
            self.bursts.mask(fault.gauge, (verdict.day - fault.since_day + 1) * self.per_day)
        self._verdict = verdict
        return verdict
