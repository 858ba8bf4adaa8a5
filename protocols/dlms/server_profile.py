"""A load profile of a simulated meter whose rows are worked out when they are asked for: hundreds of meters, no memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from protocols.dlms.data import Data, Kind, array, items_of, structure
from protocols.dlms.datetimes import date_time_of
from protocols.dlms.get import Result
from protocols.dlms.obis import Obis
from protocols.dlms.objects import capture_objects_of, whole_numbers
from protocols.dlms.selection import CaptureObject, Selection
from protocols.dlms.server_objects import UNMATCHED, MeterObject, select

Row = Callable[[int], Data]
"""Capture number k, which happened k periods after 1970, to its structure; the first column is the clock's."""


def computed_profile(
    obis: Obis, columns: Sequence[CaptureObject], row: Row, *, newest: Callable[[], int], period_s: int, capacity: int
) -> MeterObject:
    """A profile (class 7) that holds the captures ``newest() - capacity + 1 … newest()``."""

    def span(first: int, last: int) -> Data:
        return array(row(k) for k in range(first, last + 1))

    def everything() -> Data:
        last = newest()
        return span(last - capacity + 1, last)

    def chosen(selection: Selection) -> Result:
        last = newest()
        oldest = last - capacity + 1
        if selection.selector == 2:
            first, final, first_column, last_column = whole_numbers(selection.parameters, 4, "entry descriptor")
            rows = span(oldest + max(first, 1) - 1, min(last, oldest + final - 1) if final else last)
            whole = Selection(2, structure(*_numbers(1, 0, first_column, last_column)))
            return select(rows, columns, whole)
        found = _captures(selection, columns, period_s)
        if found is None:
            return Result(None, UNMATCHED)
        return select(span(max(oldest, found[0]), min(last, found[1])), columns, selection)

    return MeterObject(
        class_id=7,
        obis=obis,
        version=1,
        attributes={
            2: everything,
            3: array(column.to_data() for column in columns),
            4: Data(Kind.DOUBLE_LONG_UNSIGNED, period_s),
            5: Data(Kind.ENUM, 1),
            6: columns[0].to_data(),
            7: Data(Kind.DOUBLE_LONG_UNSIGNED, capacity),
            8: Data(Kind.DOUBLE_LONG_UNSIGNED, capacity),
        },
        selects=chosen,
    )


def _captures(selection: Selection, columns: Sequence[CaptureObject], period_s: int) -> tuple[int, int] | None:
    """First and last capture within a range of the clock's column; None for a range of anything else."""
    fields = items_of(selection.parameters, "range descriptor")
    if selection.selector != 1 or len(fields) != 4 or capture_objects_of(array([fields[0]])) != (columns[0],):
        return None
    limits = [_instant(fields[i]) for i in (1, 2)]
    if limits[0] is None or limits[1] is None:
        return None
    return -int(-limits[0].timestamp() // period_s), int(limits[1].timestamp() // period_s)


def _instant(data: Data) -> datetime | None:
    stamp = date_time_of(data)
    return None if stamp is None else stamp.utc(zone=UTC)


def _numbers(first: int, last: int, first_column: int, last_column: int) -> tuple[Data, ...]:
    entries = tuple(Data(Kind.DOUBLE_LONG_UNSIGNED, n) for n in (first, last))
    return entries + tuple(Data(Kind.LONG_UNSIGNED, n) for n in (first_column, last_column))
