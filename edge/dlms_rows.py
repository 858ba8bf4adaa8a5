"""Rows of a load profile as readings, and which rows to ask for. Pure.

cursor ──▶ [window] [window] … ──▶ now        oldest first, so that the cursor can follow row by row
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from domain.readings import Quality
from edge.readings import SpoolReading
from protocols.dlms.buffer import Row
from protocols.dlms.model import MeterField
from protocols.dlms.objects import ScalerUnit
from protocols.dlms.profile import ProfileLayout

_WINDOW_ROWS = 96
_AHEAD = timedelta(seconds=60)
"""How far a row may lie ahead of our clock; one stamped farther in the future would end all reading of the profile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What some rows amount to."""

    readings: list[SpoolReading] = field(default_factory=list)
    """By time, then by field."""
    cursor_ms: int = 0
    """Time of the newest row taken."""
    rows: int = 0
    ahead: int = 0
    """Rows from the future, left out."""
    untimed: int = 0
    """Rows whose time nobody can tell, left out."""


def windows(cursor_ms: int, now: datetime, *, backfill_days: float, period_s: int) -> Iterator[tuple[datetime, datetime]]:
    """Spans [first, last] to ask for, oldest first, each of about a hundred rows and none before the horizon.

    Each begins where the one before ended, and the first at the cursor: a row that comes twice is left out by its time.
    """
    horizon = now - timedelta(days=backfill_days)
    start = max(datetime.fromtimestamp(cursor_ms / 1000, UTC), horizon)
    span = timedelta(seconds=max(period_s, 1) * _WINDOW_ROWS)
    last = now + _AHEAD
    while start < last:
        yield start, min(start + span, last)
        start += span


def columns_of(layout: ProfileLayout, fields: Sequence[MeterField]) -> dict[str, int]:
    """In which column of the profile each field is found; those that it has not are left out."""
    found = {}
    for wanted in fields:
        for i, column in enumerate(layout.columns):
            attribute = wanted.attribute
            if (column.class_id, column.obis, column.attribute) == (attribute.class_id, attribute.obis, attribute.attribute):
                found[wanted.name] = i
    return found


def take_rows(
    rows: Sequence[Row],
    *,
    device: str,
    columns: Mapping[str, tuple[int, MeterField, ScalerUnit | None]],
    after_ms: int,
    now: datetime,
    zone: tzinfo | None,
    deviation_sign: int,
    trusted: bool,
) -> Taken:
    """The readings of the rows that are newer than ``after_ms``, in the order of time.

    Args:
        rows: As the meter gave them.
        device: Whose they are.
        columns: Field name to column, field, and the register's scaler and unit.
        after_ms: The cursor: older rows are in the spool already.
        now: Process time.
        zone: Of a meter that states no deviation.
        deviation_sign: See ``CosemDateTime.utc``.
        trusted: Whether the meter's clock is right; else readings carry quality "clock".

    Raises:
        DecodeError: A cell is no number of its field.
    """
    stamped: dict[int, Row] = {}
    ahead = untimed = 0
    for row in rows:
        moment = None if row.time is None else row.time.utc(zone=zone, deviation_sign=deviation_sign)
        if moment is None:
            untimed += 1
        elif moment > now + _AHEAD:
            ahead += 1
        elif (time_ms := int(moment.timestamp() * 1000)) > after_ms:
            stamped[time_ms] = row  # of two rows with one stamp the later one holds
    readings = []
    for time_ms, row in sorted(stamped.items()):
        sure = trusted and row.time is not None and not row.time.doubtful
        quality = Quality.GOOD if sure else Quality.CLOCK
        for name, (column, wanted, scaler_unit) in columns.items():
            value = wanted.value(row.cells[column], scaler_unit)
            readings.append(SpoolReading(device=device, metric=name, time_ms=time_ms, value=value, quality=quality))
    newest = max(stamped, default=after_ms)
    return Taken(readings=readings, cursor_ms=newest, rows=len(stamped), ahead=ahead, untimed=untimed)
