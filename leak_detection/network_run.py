"""The network layer over its whole life: it learns, searches the past once, and then tells day by day.

A replay and the service step the same object.

    days before ``opening``   hours and days only teach
    the end of the last       the past is searched whole: what stands is told
    from then on              bursts by the hour, everything else by the day
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from domain.series import FloatArray
from leak_detection.model.hourly import HourNews
from leak_detection.model.ledger_records import OpenLeak, Repair
from leak_detection.model.listener import DayNews
from leak_detection.model.watch import NetworkWatch, Told

WARM_DAYS = 40
"""Before the opening: what hours usually bring is learnt in them."""


@dataclass(slots=True, kw_only=True, eq=False)
class RunLeak:
    """A leak that was told, and its line in the ledger."""

    told: Told
    how: str
    """``history``, ``hour`` or ``day``."""
    line: OpenLeak | None = None
    """None until the ledger sees it, too."""
    first: RunLeak | None = None
    """The burst that an hour told elsewhere and that this one places anew."""

    @property
    def ended_day(self) -> int | None:
        """Day on which the pressures came back; None while they have not."""
        return None if self.line is None else self.line.end_day


@dataclass(slots=True, kw_only=True, eq=False)
class NetworkRun:
    """Takes hours and ends of days, in order; every row once."""

    watch: NetworkWatch
    opening: int
    """Whole days before the first that is judged."""
    repairs: Sequence[Repair] = ()
    """Known from the beginning; each counts from the end of its day on."""
    leaks: list[RunLeak] = field(default_factory=list)
    """Everything told, in order."""
    _due: list[Repair] = field(init=False)
    """Those that the ledger has not been told, oldest first."""

    def __post_init__(self) -> None:
        self._due = sorted((r for r in self.repairs if r.day >= self.opening), key=lambda r: r.day)

    @property
    def days(self) -> int:
        """Whole days seen."""
        return self.watch.days

    @property
    def same_m(self) -> float:
        """Places so near are one leak for the hours, the days and a layer that begins anew."""
        return self.watch.limits.same_m

    def hour(self, pressure_m: FloatArray, drivers: FloatArray) -> list[RunLeak]:
        """Takes the newest rows, not beyond the end of a day; bursts that are new.

        Args:
            pressure_m: Shape (n, G); NaN where missing.
            drivers: Metered flows and levels, shape (n, D).
        """
        return self.heard(self.watch.listener.hour(pressure_m, drivers, seek=self.days >= self.opening - WARM_DAYS))

    def end_day(self, balance_m3h: Sequence[float] = ()) -> list[RunLeak]:
        """Closes the day whose hours were taken; leaks that are new.

        Args:
            balance_m3h: Of each metered part; NaN where not known.
        """
        return self.closed(self.watch.listener.end_day(), balance_m3h)

    def heard(self, news: HourNews) -> list[RunLeak]:
        """The same as ``hour`` by what the listener has made of it."""
        told = self.watch.hour(news)
        return self._keep(told, "hour") if self.days >= self.opening else []

    def closed(self, news: DayNews, balance_m3h: Sequence[float] = ()) -> list[RunLeak]:
        """The same as ``end_day`` by what the listener has made of it."""
        judged = self.days >= self.opening
        while judged and self._due and self._due[0].day < self.days + 1:
            repair = self._due.pop(0)
            self.watch.ledger.repaired(repair.day, repair.place)
        new = self._keep(self.watch.day(news, balance_m3h, seek=judged), "day")
        if not judged and self.days == self.opening:
            new += self._keep(self.watch.begin([r for r in self.repairs if r.day < self.opening]), "history")
        self._link()
        return new

    def repaired(self, repair: Repair) -> None:
        """Work that the utility knows of, learnt of after the opening: it counts from the end of this day on."""
        self._due = sorted((*self._due, repair), key=lambda r: r.day)

    def _keep(self, told: Sequence[Told], how: str) -> list[RunLeak]:
        new = [RunLeak(told=one, how=how, first=self._burst_of(one) if how == "day" else None) for one in told]
        self.leaks += new
        return new

    def _burst_of(self, told: Told) -> RunLeak | None:
        """The newest burst that a leak of the day is, told again because it lies elsewhere."""
        limits, distance = self.watch.limits, self.watch.gauges.distance_m[told.place.index]
        for leak in reversed(self.leaks):
            soon = abs(told.told_day - leak.told.told_day) <= limits.same_days
            if leak.how == "hour" and leak.line is None and soon and distance[leak.told.place.index] <= self.same_m:
                return leak
        return None

    def _link(self) -> None:
        """Finds the line of each leak that has none: its own, or for a burst the one that the day made of it."""
        taken = {id(leak.line) for leak in self.leaks if leak.line is not None}
        limits = self.watch.limits
        for leak in self.leaks:
            if leak.line is not None:
                continue
            distance = self.watch.gauges.distance_m[leak.told.place.index]
            for line in self.watch.ledger.leaks:
                late = abs(line.found_day - leak.told.told_day)
                near = distance[line.place.index] <= self.same_m and late <= limits.same_days
                if line.place is leak.told.place or (leak.how == "hour" and near and id(line) not in taken):
                    leak.line = line
                    taken.add(id(line))
                    break
