"""Readings as arrays, and as PostgreSQL's binary COPY format, without a Python loop over rows.

COPY row: int16 number of fields, then per field int32 length (-1 for NULL) and the bytes, all big-endian
timestamptz: int64 microseconds since 2000-01-01 UTC
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.delivery import NULL_COUNT

EPOCH_2000_MS = 946_684_800_000
"""2000-01-01 UTC in milliseconds since 1970: PostgreSQL's origin, and the earliest time a reading may have."""
END_2100_MS = 4_102_444_800_000
"""2100-01-01 UTC: no reading is that late."""
WEEK_MS = 7 * 86_400_000

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"

_VALUE = [("fields", ">i2"), ("l0", ">i4"), ("time", ">i8"), ("l1", ">i4"), ("value", ">i8")]
_NULL = [("fields", ">i2"), ("l0", ">i4"), ("time", ">i8"), ("l1", ">i4")]
_REST = [("l2", ">i4"), ("point_id", ">i4"), ("l3", ">i4"), ("quality", ">i2")]
_PLACE = [("l4", ">i4"), ("place", ">i4")]
_SERIES = np.dtype([
    ("fields", ">i2"), ("l0", ">i4"), ("point_id", ">i4"), ("l1", ">i4"), ("time", ">i8"),
    ("l2", ">i4"), ("value", ">f8"), ("l3", ">i4"), ("quality", ">i2"),
])  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """Readings of several blocks as arrays of one shape (N,)."""

    stream: NDArray[np.int32]
    """Number of the stream in the batch's list."""
    sequence: NDArray[np.int64]
    """0 where the stream has no receipts."""
    point_id: NDArray[np.int32]
    time_ms: NDArray[np.int64]
    counts: NDArray[np.int64]
    quality: NDArray[np.int16]

    def __len__(self) -> int:
        return int(self.point_id.size)

    def take(self, which: NDArray[np.bool_] | NDArray[np.intp]) -> Rows:
        """Some of the rows, by mask or by place."""
        return Rows(
            stream=self.stream[which],
            sequence=self.sequence[which],
            point_id=self.point_id[which],
            time_ms=self.time_ms[which],
            counts=self.counts[which],
            quality=self.quality[which],
        )

    def possible_times(self) -> NDArray[np.bool_]:
        """For each row whether its time lies in the years 2000 to 2099."""
        return (self.time_ms >= EPOCH_2000_MS) & (self.time_ms < END_2100_MS)

    def weeks(self) -> set[int]:
        """Weeks since 1970 that hold a possible time."""
        times = self.time_ms[self.possible_times()]
        if not times.size:
            return set()
        first, last = int(times.min()) // WEEK_MS, int(times.max()) // WEEK_MS
        return {first} if first == last else set(np.unique(times // WEEK_MS).tolist())

    def twins(self) -> NDArray[np.intp]:
        """For each row the place of the first row with its point and time; its own place where it is that first one."""
        order = np.lexsort((self.time_ms, self.point_id))
        point, time = self.point_id[order], self.time_ms[order]
        starts = np.concatenate(([True], (point[1:] != point[:-1]) | (time[1:] != time[:-1]))) if order.size else np.array([], bool)
        first = np.empty(order.size, dtype=np.intp)
        # lexsort is stable, so the start of each run is the row that came first.
        first[order] = order[np.maximum.accumulate(np.where(starts, np.arange(order.size), 0))]
        return first


def copy_bytes(rows: Rows, *, places: bool = False) -> bytes:
    """Rows for ``COPY … (time, value, point_id, quality[, place]) FROM STDIN (FORMAT BINARY)``, NULLs after the others.

    Args:
        rows: Times must be possible.
        places: Adds each row's place in ``rows`` as a fifth field.
    """
    absent = rows.counts == NULL_COUNT
    body = b"".join(
        _pack(rows, np.flatnonzero(part), places=places, null=null) for part, null in ((~absent, False), (absent, True))
    )
    return HEADER + body + TRAILER


def _pack(rows: Rows, which: NDArray[np.intp], *, places: bool, null: bool) -> bytes:
    out = np.empty(which.size, dtype=(_NULL if null else _VALUE) + _REST + (_PLACE if places else []))
    out["fields"], out["l0"], out["l1"], out["l2"], out["l3"] = 5 if places else 4, 8, -1 if null else 8, 4, 2
    out["time"] = (rows.time_ms[which] - EPOCH_2000_MS) * 1000
    out["point_id"], out["quality"] = rows.point_id[which], rows.quality[which]
    if not null:
        out["value"] = rows.counts[which]
    if places:
        out["l4"], out["place"] = 4, which
    return out.tobytes()


def parse_series(
    data: bytes,
) -> tuple[NDArray[np.int32], NDArray[np.datetime64], NDArray[np.float64], NDArray[np.int16]]:
    """Columns out of ``COPY (SELECT point_id, time, value, quality) TO STDOUT (FORMAT BINARY)``, none of them NULL."""
    rows = np.frombuffer(
        data, dtype=_SERIES, offset=len(HEADER), count=(len(data) - len(HEADER) - len(TRAILER)) // _SERIES.itemsize
    )
    times = (rows["time"].astype(np.int64) // 1000 + EPOCH_2000_MS).astype("datetime64[ms]")
    return rows["point_id"].astype(np.int32), times, rows["value"].astype(np.float64), rows["quality"].astype(np.int16)


def parse_columns(
    data: bytes,
) -> Iterator[tuple[int, NDArray[np.datetime64], NDArray[np.float64], NDArray[np.int16]]]:
    """Point by point out of ``COPY (SELECT point_id, times[], values[], qualities[]) TO STDOUT (FORMAT BINARY)``, no NULL in it.

    Args:
        data: All of it, or whole rows of it: the server sends each row in a message of its own.
    """
    at = len(HEADER) if data.startswith(HEADER) else 0
    while at < len(data) and data[at : at + 2] != TRAILER:
        point_id = int.from_bytes(data[at + 6 : at + 10], "big")
        at += 10
        times, at = _array(data, at, ">i8")
        values, at = _array(data, at, ">f8")
        quality, at = _array(data, at, ">i2")
        moments = (times.astype(np.int64) // 1000 + EPOCH_2000_MS).astype("datetime64[ms]")
        yield point_id, moments, values.astype(np.float64), quality.astype(np.int16)


def _array(data: bytes, at: int, kind: str) -> tuple[NDArray[Any], int]:
    """An array field at a place, and the place after it.

    int32 each: length of the field, dimensions (1), flags, type, size, first index; then each element's length and bytes.
    """
    size = int.from_bytes(data[at + 16 : at + 20], "big")
    cells = np.frombuffer(data, dtype=[("length", ">i4"), ("cell", kind)], offset=at + 24, count=size)
    return cells["cell"], at + 4 + int.from_bytes(data[at : at + 4], "big")
