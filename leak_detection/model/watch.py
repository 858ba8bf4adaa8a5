"""The model layer whole: readings in, leaks out. Hours tell bursts, days everything else; online and replay call the same code.

an hour of readings ─▶ Listener ─▶ a burst, placed by all that is known of the network's errors
a day of them ─▶ Listener ─▶ residual, without gauges at fault ─▶ Ledger ─▶ leaks, those that an hour told left out
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from domain.series import FloatArray
from leak_detection.model.bursts import BurstCandidate
from leak_detection.model.history import begin
from leak_detection.model.hourly import HourNews, LastDay
from leak_detection.model.ledger import Ledger
from leak_detection.model.ledger_records import LedgerSettings, OpenLeak, Repair
from leak_detection.model.listener import DayNews, Listener
from leak_detection.model.places import Place, locate, reach, share_without_one
from leak_detection.model.shapes import without_spikes
from leak_detection.model.signatures import SignatureSet, of_gauges
from leak_detection.model.valve_turns import ValveWatch


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchLimits:
    """When a burst is told at once, and when after it was followed for some hours; else the day decides."""

    least_near: float = 0.5
    """Probability of lying within 150 m."""
    least_far: float = 0.8
    least_fit: float = 0.72
    """Share of the change that the place explains: of a demand that is out of the usual it explains less."""
    least_flow_m3h: float = 3.0
    settled_hours: float = 4.0
    """So long after it was heard first the last limits are these."""
    settled_near: float = 0.3
    settled_far: float = 0.6
    settled_fit: float = 0.6
    least_without_one: float = 0.35
    """Share of its flow that must be seen without any one gauge: a clock that jumps looks like a burst beside its gauge."""
    lasting: float = 0.7
    """Of the flow first heard: a leak does not fade, a demand does."""
    same_m: float = 400.0
    """A leak of the day so near a burst told in the last days is that burst."""
    same_days: int = 4
    moved_m: float = 200.0
    """Yet farther than that from where the hour told it, it is told again: a whole day places it better than two hours."""
    again_hours: float = 12.0
    again_m: float = 300.0
    """What the last 24 hours show is told when it is seen again within so long and, ``places.reach`` times, so near."""
    refit_days: int = 7
    """Open leaks are fitted together so often, and whenever one is new."""


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
    """Takes what hours have brought, and at the end of each day the balances of metered parts."""

    listener: Listener
    """Takes the readings; it may be ahead, and what it brings is taken in order."""
    gauges: SignatureSet
    """Of the pressure gauges."""
    whole: SignatureSet
    """Of the gauges and of the balances after them."""
    settings: LedgerSettings = field(default_factory=LedgerSettings)
    limits: WatchLimits = field(default_factory=WatchLimits)
    ledger: Ledger = field(init=False)
    valves: ValveWatch = field(init=False)
    """Tells of valves that were turned; what it tells changes no leak."""
    _residual: FloatArray = field(init=False)
    """Of all days as they are judged now, balances as they came, shape (T, all)."""
    _switched: list[FloatArray] = field(default_factory=list)
    _bursts: list[Told] = field(default_factory=list)
    _unsure: dict[int, tuple[int, float]] = field(default_factory=dict)
    """Bursts not told yet by the row in which they began: the row at which they were heard first, and the flow then."""
    _glimpse: tuple[int, int] | None = None
    """Row and place of what the last 24 hours showed when they were looked at last."""
    _rows: int = 0

    def __post_init__(self) -> None:
        self.ledger = Ledger(signatures=self.whole, settings=self.settings)
        self.valves = ValveWatch(signatures=self.gauges)
        self._residual = np.empty((0, self.whole.change_m.shape[2]))

    @property
    def per_day(self) -> int:
        """Rows of a day."""
        return self.listener.per_day

    @property
    def days(self) -> int:
        """Whole days judged."""
        return len(self._residual)

    def day(self, news: DayNews, balance_m3h: Sequence[float] = (), *, seek: bool = True) -> list[Told]:
        """Judges a day that is over.

        Args:
            news: Of it.
            balance_m3h: Of each metered part, in the order of ``whole``; NaN where not known.
            seek: False only remembers, for the past that ``begin`` searches.
        """
        self._remember(news, balance_m3h)
        self.valves.look(self._residual[:, : self.gauges.change_m.shape[2]])
        if not seek:
            return []
        seen = self._seen()
        self._tell_switched()
        new = self.ledger.look(seen)
        if new or self.days % self.limits.refit_days == 0:
            self.ledger.refit(seen)
        told = [self._as_told(leak, self.days) for leak in new]
        return [leak for leak in told if not self._is_burst(leak, self.limits.moved_m)]

    def begin(self, repairs: Sequence[Repair]) -> list[Told]:
        """Searches the past that was taken: what stands today."""
        self._tell_switched()
        return [self._as_told(leak, self.days) for leak in begin(self.ledger, self._seen(), repairs)]

    def _remember(self, news: DayNews, balance_m3h: Sequence[float]) -> None:
        gauges = news.residual_m.shape[1]
        days = np.full((news.first + len(news.residual_m), self._residual.shape[1]), np.nan)
        days[: self.days] = self._residual
        days[news.first :, :gauges] = news.residual_m
        days[-1, gauges:] = balance_m3h
        self._residual = days
        self._switched.append(news.switched_m3h)

    def _tell_switched(self) -> None:
        self.ledger.switched = np.stack(self._switched) if self._switched and self._switched[0].size else None

    def _seen(self) -> FloatArray:
        """Residuals of all days as they are judged now, shape (T, all)."""
        gauges = self.gauges.change_m.shape[2]
        # Gauges are screened; of a balance, what a register or a level tells late is missing one day and too much the next.
        return np.concatenate([self._residual[:, :gauges], without_spikes(self._residual[:, gauges:])], axis=1)

    def hour(self, news: HourNews) -> list[Told]:
        """A new burst if its place is sure enough to send somebody, and earlier ones whose place is by now."""
        self._rows += news.rows
        told: list[Told] = []
        self._unsure = {began: first for began, first in self._unsure.items() if self._rows - began <= self.per_day}
        if news.burst is not None and news.burst.is_burst:
            self._unsure[self._rows - news.burst.rows_ago] = (self._rows, 0.0)
        for burst in (news.burst, *news.followed):
            if burst is not None and self._rows - burst.rows_ago in self._unsure and (one := self._burst(burst)) is not None:
                del self._unsure[self._rows - burst.rows_ago]
                self._bursts.append(one)
                told.append(one)
        if news.last_day is not None and (one := self._glimpsed(news.last_day)) is not None:
            self._bursts.append(one)
            told.append(one)
        return told

    def _glimpsed(self, last: LastDay) -> Told | None:
        """A leak that the last 24 hours show as they did some hours ago, and nobody was told of."""
        day_m = np.full((1, self._residual.shape[1]), np.nan)
        day_m[0, : len(last.residual_m)] = last.residual_m
        leak = self.ledger.glimpse(np.concatenate([self._seen(), day_m]), last.switched_m3h)
        before, self._glimpse = self._glimpse, None if leak is None else (self._rows, leak.place.index)
        if leak is None or before is None or not self._is_the_same(leak.place, *before):
            return None
        told = self._as_told(leak, self._rows / self.per_day)
        is_known = self._is_open(leak.place, leak.start_day * self.per_day) or self._is_burst(told, self.limits.same_m)
        return None if is_known else told

    def _is_the_same(self, place: Place, row: int, other: int) -> bool:
        """Whether it is what was glimpsed in that row at the other place: opened hydrants and valves are over by then."""
        away_m, limits = self.gauges.distance_m[place.index], self.limits
        soon = self._rows - row <= limits.again_hours * self.per_day / 24
        return soon and bool(away_m[other] <= limits.again_m * reach(away_m))

    def _burst(self, burst: BurstCandidate) -> Told | None:
        began, seen = self._rows - burst.rows_ago, np.isfinite(burst.change_m)
        change_m, covariance, gauges = burst.change_m[seen], burst.covariance[np.ix_(seen, seen)], of_gauges(self.gauges, seen)
        place = locate(change_m, covariance, gauges)
        heard, first_m3h = self._unsure[began]
        self._unsure[began] = heard, first_m3h or place.flow_m3h
        if not self._is_sure(place, (self._rows - heard) * 24.0 / self.per_day, first_m3h) or self._is_open(place, began):
            return None
        if share_without_one(place, change_m, covariance, gauges) < self.limits.least_without_one:
            return None
        return Told(
            place=place,
            start_day=(began - self.listener.late) / self.per_day,
            told_day=self._rows / self.per_day,
            change_m=burst.change_m,
            sd_m=np.sqrt(np.diag(burst.covariance)),
        )

    def _is_sure(self, place: Place, hours: float, first_m3h: float) -> bool:
        """Whether a burst heard first so many hours ago may be told."""
        limits = self.limits
        if place.flow_m3h < max(limits.least_flow_m3h, limits.lasting * first_m3h):
            return False
        if place.near >= limits.least_near and place.far >= limits.least_far and place.fit >= limits.least_fit:
            return True
        settled = place.near >= limits.settled_near and place.far >= limits.settled_far and place.fit >= limits.settled_fit
        return settled and hours >= limits.settled_hours

    def _is_open(self, place: Place, began_row: int) -> bool:
        """Whether the ledger holds it already: the same leak, or one that stood before and may have grown."""
        distance, limits = self.gauges.distance_m[place.index], self.limits
        for leak in self.ledger.leaks:
            away = distance[leak.place.index]
            if leak.end_day is None and leak.start_day >= began_row // self.per_day - 1:
                if away <= limits.same_m:
                    return True
            elif leak.end_day is None and away <= self.settings.merge_m and place.flow_m3h < self.settings.again_flow_m3h:
                return True
        return False

    def _as_told(self, leak: OpenLeak, day: float) -> Told:
        change = leak.loading_m[: self.gauges.change_m.shape[2]]
        return Told(place=leak.place, start_day=float(leak.start_day), told_day=float(day), change_m=change)

    def _is_burst(self, told: Told, near_m: float) -> bool:
        """Whether an hour told it already, and as near as that."""
        distance = self.gauges.distance_m[told.place.index]
        return any(
            distance[burst.place.index] <= near_m and abs(told.told_day - burst.told_day) <= self.limits.same_days
            for burst in self._bursts
        )
