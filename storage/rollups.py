"""Rollups of readings: marks that a writer leaves, and the refresh that works them off.

    write ──mark (hours, points), same transaction──▶ rollup_dirty ──refresh──▶ rollup_15min ─▶ rollup_hour ─▶ rollup_day
                                                          └── a bucket under a mark is answered from the readings meanwhile

On TimescaleDB rollups are continuous aggregates, which keep marks of their own; there a mark is nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from psycopg import AsyncConnection

from storage.database import Database
from storage.reading_rows import EPOCH_2000_MS, Rows
from storage.sql import queries

_Q = queries("rollups")
_HOUR_MS = 3_600_000
_WIDTHS_MS = (_HOUR_MS, 24 * _HOUR_MS, 28 * 24 * _HOUR_MS)
MOST_MARKS = 64
"""Marks a batch may leave before they are made coarser."""
_FOREVER = (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What a batch touches, as columns for ``mark_readings``: spans of whole hours, and the points of each."""

    starts: tuple[datetime, ...]
    ends: tuple[datetime, ...]
    points: tuple[str, ...]
    """Literals of ``int4multirange``."""


def marks_of(rows: Rows) -> Marks:
    """The marks that cover these rows: by hour, or by day or four weeks where a batch spreads over so many hours.

    A mark too wide costs a refresh some work and is never wrong.
    """
    possible = rows.possible_times()
    times, points = rows.time_ms[possible], rows.point_id[possible]
    for width in _WIDTHS_MS:
        starts, which = np.unique(times // width, return_inverse=True)
        if starts.size <= MOST_MARKS:
            break
    if starts.size > MOST_MARKS:
        return Marks(starts=_FOREVER[:1], ends=_FOREVER[1:], points=(_multirange(np.unique(points)),))
    literals = [_multirange(np.unique(points[which == number])) for number in range(starts.size)]
    return Marks(
        starts=tuple(_moment(int(start) * width) for start in starts),
        ends=tuple(_moment((int(start) + 1) * width) for start in starts),
        points=tuple(literals),
    )


def _multirange(points: NDArray[np.int32]) -> str:
    """Sorted numbers, none twice, as runs."""
    breaks = np.flatnonzero(np.diff(points) != 1)
    firsts, lasts = points[np.concatenate(([0], breaks + 1))], points[np.concatenate((breaks, [points.size - 1]))]
    return "{" + ",".join(f"[{first},{last}]" for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True)) + "}"


def _moment(ms: int) -> datetime:
    # Four weeks that begin before 2000 hold readings of 2000 all the same.
    return datetime.fromtimestamp(max(ms, EPOCH_2000_MS) / 1000, UTC)


async def mark(connection: AsyncConnection, rows: Rows) -> None:
    """Leaves the marks of rows that are about to be written in this transaction; waits for no answer within a pipeline."""
    marks = marks_of(rows)
    if not marks.starts:
        return
    await connection.execute(_Q["mark"], {"starts": list(marks.starts), "ends": list(marks.ends), "points": list(marks.points)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """What a refresh did."""

    written: int
    """Rows of rollups."""
    waiting: int
    """Marks over buckets that have ended and are still to be worked on."""
    steps: int
    """Transactions."""


async def refresh(
    database: Database, at: datetime, *, budget_s: float, monotonic: Callable[[], float] = time.monotonic, most: int = 48
) -> Refreshed:
    """Writes buckets that have ended by ``at``, newest first, until no mark waits or the budget of time is spent.

    Each step is a transaction of at most ``most`` marks. On TimescaleDB there is nothing to do: its policies refresh.

    Args:
        at: The time of the water, not of the server.
        budget_s: When to stop after the step then running.
    """
    began, written, waiting, steps = monotonic(), 0, 1, 0
    while waiting and (steps == 0 or monotonic() - began < budget_s):
        async with database.transaction("refresh the rollups") as connection:
            row = await (await connection.execute(_Q["refresh"], {"at": at, "most": most})).fetchone()
        now_written, waiting = (int(row[0]), int(row[1])) if row else (0, 0)
        written, steps = written + now_written, steps + 1
    return Refreshed(written=written, waiting=waiting, steps=steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """How far the rollups are behind the readings. Readers do not see it: what is marked is answered from the readings."""

    marks: int
    """Spans of points that wait for a refresh, those of buckets that have not ended included."""
    oldest: datetime | None
    """Start of the oldest such span."""
    behind: timedelta
    """From the end of what is written to the newest reading, whole hours; zero if only the running hour is missing."""


async def read_lag(connection: AsyncConnection) -> Lag:
    """The lag, as somebody who may read every table."""
    row = await (await connection.execute(_Q["lag"])).fetchone()
    marks, oldest, behind = row or (0, None, timedelta())
    return Lag(marks=marks, oldest=oldest, behind=behind)
