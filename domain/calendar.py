"""Local time and kinds of day: water is used by people, and people live in local time.

``Africa/Casablanca`` changes its offset around Ramadan, so a local day has 23 or 25 hours twice a year and a night window fixed in
UTC is wrong; in Ramadan people use water at night, so those nights are a class of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo


class DayClass(StrEnum):
    """Days that resemble one another."""

    WEEKDAY = "weekday"
    FRIDAY = "friday"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    RAMADAN = "ramadan"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """What a utility knows about its days."""

    timezone: str = "Africa/Casablanca"
    ramadan: tuple[tuple[date, date], ...] = field(default_factory=tuple)
    """First and last day, both included, local dates."""
    holidays: frozenset[date] = frozenset()

    @property
    def zone(self) -> ZoneInfo:
        """The time zone."""
        return ZoneInfo(self.timezone)

    def local(self, moment: datetime) -> datetime:
        """The moment in local time."""
        return moment.astimezone(self.zone)

    def clock_changes(self, day: date) -> bool:
        """Whether the local day has 23 or 25 hours."""
        start = datetime(day.year, day.month, day.day, tzinfo=self.zone)
        return start.utcoffset() != (start + timedelta(days=1)).utcoffset()

    def is_ramadan(self, day: date) -> bool:
        """Whether the local day lies in Ramadan."""
        return any(first <= day <= last for first, last in self.ramadan)

    def day_class(self, day: date) -> DayClass:
        """The class of a local day."""
        if self.is_ramadan(day):
            return DayClass.RAMADAN
        if day in self.holidays:
            return DayClass.HOLIDAY
        return {4: DayClass.FRIDAY, 5: DayClass.WEEKEND, 6: DayClass.WEEKEND}.get(day.weekday(), DayClass.WEEKDAY)
