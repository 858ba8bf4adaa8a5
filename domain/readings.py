"""Readings: one value of one point at one moment, and how far to trust it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum

from domain.points import PointKey


class Quality(IntEnum):
    """How far to trust a value. Stored as this number; larger is not worse, each is its own word."""

    GOOD = 0
    SUSPECT = 1
    """Outside plausible limits, frozen or jumped: kept, shown hollow, not taught from."""
    BAD = 2
    """The device said the value is not to be used; the value may be absent."""
    ESTIMATED = 3
    CLOCK = 4
    """The device's clock was not to be trusted; the time is the time of receipt."""

    @property
    def sparkplug(self) -> int:
        """The Sparkplug B quality code: 192 good, 500 stale or uncertain, 0 bad."""
        return _SPARKPLUG[self]

    @property
    def espi(self) -> int:
        """The NAESB ESPI quality code (REQ.21)."""
        return _ESPI[self]

    @classmethod
    def from_sparkplug(cls, code: int) -> Quality:
        """Our word for a Sparkplug B quality code; unknown codes are suspect."""
        return {192: cls.GOOD, 0: cls.BAD, 500: cls.SUSPECT}.get(code, cls.SUSPECT)


_SPARKPLUG = {Quality.GOOD: 192, Quality.SUSPECT: 500, Quality.BAD: 0, Quality.ESTIMATED: 500, Quality.CLOCK: 500}
_ESPI = {Quality.GOOD: 0, Quality.SUSPECT: 10, Quality.BAD: 10, Quality.ESTIMATED: 8, Quality.CLOCK: 10}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One value of one point at one moment."""

    point: PointKey
    observed_at: datetime
    """When the value was true, by the device's or the gateway's clock, UTC."""
    value: float | None
    """In the canonical unit of the point's quantity; None where the device gave none."""
    quality: Quality = Quality.GOOD
    received_at: datetime | None = None
    """When the gateway took it, UTC."""

    def __post_init__(self) -> None:
        aware(self.observed_at, "observed_at")


def aware(moment: datetime, name: str) -> datetime:
    """The moment in UTC.

    Raises:
        ValueError: The moment has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{name} must carry a time zone, got {moment.isoformat()}")
    return moment.astimezone(UTC)
