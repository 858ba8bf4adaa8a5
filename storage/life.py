"""How the database's values age: sizes by class, lag of the rollups, jobs, and what retention would do now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg import AsyncConnection, sql

from storage.retention import Part, Retention, apply_retention, read_retention
from storage.rollups import Lag, read_lag
from storage.sql import queries

_Q = queries("life")
CLASSES = ("reading", "15min", "hour", "day")
AGGREGATES = ("reading_15min", "reading_hour", "reading_day")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassSize:
    """One class of values."""

    name: str
    """``reading``, ``15min``, ``hour`` or ``day``."""
    parts: int
    """Partitions or chunks."""
    bytes: int
    """On disk, with indexes; compressed chunks as they are."""
    oldest: datetime | None
    """Start of the oldest part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A policy of TimescaleDB."""

    name: str
    on: str
    every: timedelta
    last_success: datetime | None
    next_start: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """Everything about ageing at one moment."""

    classes: tuple[ClassSize, ...]
    lag: Lag
    retention: Retention
    raw_from: datetime | None
    """Readings before it were dropped."""
    expired: tuple[Part, ...]
    """What is older than it is kept."""
    jobs: tuple[Job, ...]
    """Empty on plain PostgreSQL: there the centre, or ``khettara db refresh`` and ``db retain``, do the work."""


async def read_life(connection: AsyncConnection, at: datetime) -> Life | None:
    """How values age, as somebody who may read every table and call what the schema's owner may; None before migration 0008.

    Args:
        at: Now; what would be dropped is judged by it or the newest reading, whichever is earlier.
    """
    there = await (await connection.execute(_Q["there"])).fetchone()
    if there is None or not there[0]:
        return None
    timescale = bool(there[1])
    sizes = await (await connection.execute(_Q["sizes_timescale" if timescale else "sizes"], {"classes": list(CLASSES)})).fetchall()
    jobs = await (await connection.execute(_Q["jobs"])).fetchall() if timescale else []
    retention, raw_from = await read_retention(connection)
    return Life(
        classes=tuple(ClassSize(name=name, parts=parts, bytes=size, oldest=oldest) for name, parts, size, oldest in sizes),
        lag=await (_timescale_lag(connection) if timescale else read_lag(connection)),
        retention=retention,
        raw_from=raw_from,
        expired=await apply_retention(connection, at, dry_run=True),
        jobs=tuple(Job(name=n, on=o, every=e, last_success=last, next_start=following) for n, o, e, last, following in jobs),
    )


async def _timescale_lag(connection: AsyncConnection) -> Lag:
    row = await (await connection.execute(_Q["lag_timescale"])).fetchone()
    marks, oldest, behind = row or (0, None, timedelta())
    return Lag(marks=marks, oldest=oldest, behind=behind)


async def on_timescale(connection: AsyncConnection) -> bool:
    """Whether the rollups are continuous aggregates."""
    there = await (await connection.execute(_Q["there"])).fetchone()
    return there is not None and bool(there[1])


async def newest_reading(connection: AsyncConnection) -> datetime | None:
    """Time of the newest reading that came with a receipt."""
    row = await (await connection.execute(_Q["newest"])).fetchone()
    return None if row is None else row[0]


async def refresh_aggregates(connection: AsyncConnection, until: datetime) -> None:
    """Refreshes every continuous aggregate from the oldest reading that was not dropped; in autocommit mode, as owner.

    Before that moment nothing is refreshed: without readings the buckets would be emptied.
    """
    _, raw_from = await read_retention(connection)
    for name in AGGREGATES:
        call = sql.SQL("CALL refresh_continuous_aggregate({}, {}::timestamptz, {}::timestamptz)")
        await connection.execute(call.format(sql.Literal(name), sql.Literal(raw_from), sql.Literal(until)))
