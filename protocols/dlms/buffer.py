"""A profile's buffer as rows of full columns.

Meters leave out what the reader can work out: null in place of a value that has not changed, null in place of a time stamp one
period after the row before, and differences in place of values (Blue Book 4.3.6, 4.1.5). A null is a cell, so columns never shift.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from protocols.dlms.data import DELTAS, Data, Kind, items_of
from protocols.dlms.datetimes import CosemDateTime, date_time_of
from protocols.dlms.reader import wrong

NULL = Data(Kind.NULL)


class NullMeans(StrEnum):
    """What a null in a value column says; the Blue Book's meaning first."""

    UNCHANGED = "unchanged"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One entry."""

    time: CosemDateTime | None
    """None where the profile has no clock column or the time cannot be worked out."""
    cells: tuple[Data, ...]
    """Every column, the clock's too; null where there is no value."""


def rows_of(
    buffer: Data, *, columns: int, clock: int | None, period_s: int = 0, null_means: NullMeans = NullMeans.UNCHANGED
) -> tuple[Row, ...]:
    """The rows, oldest encoding first as the meter gave them.

    Args:
        buffer: Attribute 2: an array or compact array of structures.
        columns: How many each row has.
        clock: Which of them is the time stamp, from 0; None for none.
        period_s: Capture period; 0 when rows are captured on events, then a left-out time stamp stays unknown.
        null_means: What a null says where it is not the time stamp's.

    Raises:
        DecodeError: The buffer is no such array, a row has another number of columns, or a difference has nothing before it.
    """
    before: list[Data] = [NULL] * columns
    found = []
    for number, item in enumerate(items_of(buffer, "profile buffer"), 1):
        cells = (NULL,) * columns if item.kind is Kind.NULL else items_of(item, f"row {number}")
        if len(cells) != columns:
            raise wrong(f"row {number} has {len(cells)} columns, the profile has {columns}")
        full = []
        for column, cell in enumerate(cells):
            if column == clock:
                full.append(_next_time(before[column], period_s) if cell.kind is Kind.NULL else cell)
            else:
                full.append(_filled(cell, before[column], null_means, f"row {number} column {column + 1}"))
        found.append(Row(time=None if clock is None else date_time_of(full[clock]), cells=tuple(full)))
        # An absent value is remembered all the same: a later difference counts from the last value there was.
        before = [cell if cell.kind is not Kind.NULL else old for cell, old in zip(full, before, strict=True)]
    return tuple(found)


def _filled(cell: Data, before: Data, null_means: NullMeans, where: str) -> Data:
    if cell.kind is Kind.NULL:
        return before if null_means is NullMeans.UNCHANGED else NULL
    if cell.kind in DELTAS:
        if not isinstance(before.value, int):
            raise wrong(f"{where}: a difference with no number before it")
        return Data(before.kind, before.value + cell.value)
    return cell


def _next_time(before: Data, period_s: int) -> Data:
    """The time stamp one period later, in the same offset and status; null where that cannot be said."""
    stamp = date_time_of(before)
    if stamp is None or not period_s or None in (stamp.year, stamp.month, stamp.day, stamp.hour, stamp.minute):
        return NULL
    raw: bytes = before.value
    try:
        local = datetime(int.from_bytes(raw[:2], "big"), raw[2], raw[3], raw[5], raw[6], stamp.second or 0)  # noqa: DTZ001  (meter's own)
        later = local + timedelta(seconds=period_s)
    except (ValueError, OverflowError):
        return NULL
    date = later.year.to_bytes(2, "big") + bytes((later.month, later.day, later.isoweekday()))
    return Data(before.kind, date + bytes((later.hour, later.minute, later.second)) + raw[8:])
