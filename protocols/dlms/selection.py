"""Selective access to a profile: by range of a capture object, or by entry number (Blue Book 4.3.6.2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from protocols.dlms.data import Data, Kind, array, octets, structure
from protocols.dlms.datetimes import encode_date_time
from protocols.dlms.obis import Obis

CLOCK = Obis("0-0:1.0.0*255")


@dataclass(frozen=True, slots=True)
class Selection:
    """An access selector and its parameters, as they go into a request."""

    selector: int
    parameters: Data


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureObject:
    """One column of a profile."""

    class_id: int
    obis: Obis
    attribute: int
    index: int = 0
    """0 for the whole attribute, else which element of it, from 1."""

    def to_data(self) -> Data:
        """As structure {class, logical name, attribute, data index}."""
        return structure(
            Data(Kind.LONG_UNSIGNED, self.class_id),
            octets(self.obis),
            Data(Kind.INTEGER, self.attribute),
            Data(Kind.LONG_UNSIGNED, self.index),
        )


CLOCK_TIME = CaptureObject(class_id=8, obis=CLOCK, attribute=2)


def by_range(
    start: Data, end: Data, *, restricting: CaptureObject = CLOCK_TIME, columns: tuple[CaptureObject, ...] = ()
) -> Selection:
    """Rows where start <= the restricting column <= end, both included; all columns when none are named."""
    return Selection(1, structure(restricting.to_data(), start, end, array(column.to_data() for column in columns)))


def by_time(start: datetime, end: datetime, *, columns: tuple[CaptureObject, ...] = (), deviation_sign: int = 1) -> Selection:
    """Rows whose time stamp is within [start, end]."""
    first, last = (octets(encode_date_time(when, deviation_sign=deviation_sign)) for when in (start, end))
    return by_range(first, last, columns=columns)


def by_entry(first: int, last: int = 0, *, first_column: int = 1, last_column: int = 0) -> Selection:
    """Rows first..last and columns, all counted from 1; 0 as last means up to the end."""
    return Selection(
        2,
        structure(
            Data(Kind.DOUBLE_LONG_UNSIGNED, first),
            Data(Kind.DOUBLE_LONG_UNSIGNED, last),
            Data(Kind.LONG_UNSIGNED, first_column),
            Data(Kind.LONG_UNSIGNED, last_column),
        ),
    )
