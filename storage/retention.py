"""How long values are kept, by class; and the step that drops what is older.

Readings go by partitions or chunks of a week, never before their rollups are written. The limits are in the table ``retention``,
where an administrator puts them: whoever applies them can drop nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from psycopg import AsyncConnection

from domain.errors import StorageError
from storage.sql import queries

_Q = queries("retention")
LEAST_RAW_DAYS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Days that each class is kept; None is for ever. A coarser class is kept at least as long as a finer one."""

    raw_days: int | None = 730
    quarter_hour_days: int | None = 1826
    hour_days: int | None = 3652
    day_days: int | None = None

    def __post_init__(self) -> None:
        """Raises ``StorageError`` for limits that would lose what a coarser class is made of."""
        names = ("raw_days", "quarter_hour_days", "hour_days", "day_days")
        if self.raw_days is not None and self.raw_days < LEAST_RAW_DAYS:
            raise StorageError(f"retention: raw_days is {self.raw_days}; right would be at least {LEAST_RAW_DAYS} days")
        for finer, coarser in pairwise(names):
            short, long = getattr(self, finer), getattr(self, coarser)
            if long is not None and (short is None or long < short):
                raise StorageError(
                    f"retention: {coarser} is {long}, less than {finer} ({short or 'for ever'}); right would be as long or longer"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A partition or chunk older than its class is kept."""

    class_: str
    """``reading``, ``15min``, ``hour`` or ``day``."""
    name: str
    starts: datetime
    ends: datetime
    bytes: int
    became: str
    """``dropped``, ``would be dropped`` or ``waits for rollups``."""


async def set_retention(connection: AsyncConnection, wanted: Retention) -> None:
    """Sets the limits, as the owner of the schema; on TimescaleDB the refresh policies keep clear of what is dropped."""
    values = (wanted.raw_days, wanted.quarter_hour_days, wanted.hour_days, wanted.day_days)
    await connection.execute(_Q["set"], values)


async def read_retention(connection: AsyncConnection) -> tuple[Retention, datetime | None]:
    """The limits, and the moment before which readings were dropped (None if none ever were)."""
    row = await (await connection.execute(_Q["read"])).fetchone()
    if row is None:
        raise StorageError("the table retention is empty; right would be its one row")
    return Retention(raw_days=row[0], quarter_hour_days=row[1], hour_days=row[2], day_days=row[3]), row[4]


async def apply_retention(connection: AsyncConnection, at: datetime, *, dry_run: bool = False) -> tuple[Part, ...]:
    """Drops what is older than the limits at ``at`` or at the newest reading, whichever is earlier."""
    rows = await (await connection.execute(_Q["apply"], {"at": at, "dry_run": dry_run})).fetchall()
    return tuple(
        Part(class_=class_, name=name, starts=starts, ends=ends, bytes=size, became=became)
        for class_, name, starts, ends, size, became in rows
    )
