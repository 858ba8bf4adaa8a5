"""COSEM dates and times: any field may be "not specified", and the deviation runs from local time to UTC.

    07 EA 0B 15 06 0D 1E 00 FF FF C4 00     2026-11-21 Saturday 13:30:00, deviation −60 min: UTC = local − 60 min = 12:30Z

Blue Book 4.1.6.1: UTC = local time + deviation. Some meters store it with the other sign; ``utc`` takes that as an argument.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from enum import IntFlag

from protocols.dlms.data import Data, Kind
from protocols.dlms.reader import wrong

NO_DEVIATION = -0x8000
"""Deviation 0x8000: not specified."""


class ClockStatus(IntFlag):
    """The last byte of a date-time; 0xFF means that the meter does not say."""

    INVALID = 0x01
    DOUBTFUL = 0x02
    OTHER_BASE = 0x04
    INVALID_STATUS = 0x08
    DAYLIGHT_SAVING = 0x80


@dataclass(frozen=True, slots=True, kw_only=True)
class CosemDateTime:
    """A date-time as the meter wrote it; None where it is not specified."""

    year: int | None
    month: int | None
    """1-12, or 0xFD/0xFE for the end and begin of daylight saving in switching rules."""
    day: int | None
    weekday: int | None
    """1 is Monday."""
    hour: int | None
    minute: int | None
    second: int | None
    hundredths: int | None
    deviation_min: int | None
    """UTC − local time, minutes."""
    status: int | None

    @property
    def doubtful(self) -> bool:
        """Whether the meter says that its clock cannot be relied on."""
        return bool(self.status is not None and self.status & (ClockStatus.INVALID | ClockStatus.DOUBTFUL))

    def utc(self, *, zone: tzinfo | None = None, deviation_sign: int = 1) -> datetime | None:
        """The instant; None where date, hour or minute is missing or no such time exists.

        Args:
            zone: Time zone of the meter's local time where it states no deviation; without one such a time is no instant.
            deviation_sign: -1 for meters that store local − UTC.
        """
        parts = (self.year, self.month, self.day, self.hour, self.minute)
        if None in parts:
            return None
        offset: tzinfo | None = zone
        try:
            if self.deviation_min is not None:
                offset = timezone(timedelta(minutes=-deviation_sign * self.deviation_min))
            if offset is None:
                return None
            year, month, day, hour, minute = (part for part in parts if part is not None)
            fold = 0 if self.status is None or self.status & ClockStatus.DAYLIGHT_SAVING else 1
            local = datetime(year, month, day, hour, minute, self.second or 0, (self.hundredths or 0) * 10_000, offset, fold=fold)
            return local.astimezone(UTC)
        except (ValueError, OverflowError):
            return None


def parse_date_time(raw: bytes) -> CosemDateTime:
    """The twelve bytes of a date-time.

    Raises:
        DecodeError: There are not twelve.
    """
    if len(raw) != 12:
        raise wrong(f"a date-time has 12 bytes, not {len(raw)}")

    def known(value: int) -> int | None:
        return None if value == 0xFF else value

    year = int.from_bytes(raw[:2], "big")
    deviation = int.from_bytes(raw[9:11], "big", signed=True)
    return CosemDateTime(
        year=None if year == 0xFFFF else year,
        month=known(raw[2]),
        day=known(raw[3]),
        weekday=known(raw[4]),
        hour=known(raw[5]),
        minute=known(raw[6]),
        second=known(raw[7]),
        hundredths=known(raw[8]),
        deviation_min=None if deviation == NO_DEVIATION else deviation,
        status=known(raw[11]),
    )


def date_time_of(data: Data) -> CosemDateTime | None:
    """The date-time in a value: type date-time or an octet string of twelve bytes; None for anything else."""
    if data.kind in (Kind.OCTET_STRING, Kind.DATE_TIME) and len(data.value) == 12:
        return parse_date_time(data.value)
    return None


def encode_date_time(when: datetime, *, status: int = 0, deviation_sign: int = 1) -> bytes:
    """Twelve bytes of an aware time, in its own offset.

    Raises:
        ValueError: The time has no zone.
    """
    offset = when.utcoffset()
    if offset is None:
        raise ValueError(f"{when} has no time zone, so it is no instant")
    deviation = -deviation_sign * round(offset.total_seconds() / 60)
    fields = (when.month, when.day, when.isoweekday(), when.hour, when.minute, when.second, when.microsecond // 10_000)
    return when.year.to_bytes(2, "big") + bytes(fields) + deviation.to_bytes(2, "big", signed=True) + bytes((status,))
