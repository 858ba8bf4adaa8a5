"""What keeps the database in shape while the centre runs, and the same by hand: ``khettara db refresh``, ``khettara db retain``.

On plain PostgreSQL the centre writes the rollups every half minute and drops what has expired once a day. On TimescaleDB policies
write the rollups; what has expired is dropped here all the same, because a policy would not ask whether it is in the rollups yet.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from psycopg import AsyncConnection
from rich.console import Console

from app.db_tools import administered, moment, size
from domain.ports import Clock
from storage.database import Database, translated
from storage.life import newest_reading, on_timescale, refresh_aggregates
from storage.retention import Part, apply_retention
from storage.rollups import Refreshed, refresh

log = structlog.get_logger(__name__)

REFRESH_EVERY_S = 30.0
"""Wall seconds between two refreshes."""
RETAIN_EVERY_S = 86_400.0
RETAIN_AT_S = 3 * 3600.0
"""Once a day at this time of UTC [s]: few people look, and few meters are late."""
_BUDGET_S = 10.0
_SETTLE = timedelta(minutes=2)
"""An hour is written so long after its end, so that it need not be written again for the last to arrive."""
_BY_HAND_S = 3600.0


class DatabaseLife:
    """The centre's two turns. Both are cheap when there is nothing to do, and safe to run in several processes."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def refresh(self) -> None:
        """Writes the rollups of what has ended, for at most ten seconds."""
        done = await refresh(self._database, self._clock.now() - _SETTLE, budget_s=_BUDGET_S, most=24)
        if done.waiting:
            log.info("rollups behind", written=done.written, waiting=done.waiting)

    async def retain(self, now: datetime) -> None:
        """Drops what has expired."""
        async with self._database.transaction("apply the retention") as connection:
            parts = await apply_retention(connection, now)
        for part in parts:
            log.info("retention", part=part.name, became=part.became, ends=part.ends.isoformat(), bytes=part.bytes)


def run_refresh(data: Path | None, config: Path | None, *, as_json: bool, console: Console) -> None:
    """Writes every rollup that is behind."""
    with administered(data, config) as dsn:
        done = asyncio.run(refresh_all(dsn, datetime.now(UTC)))
    if as_json:
        print(json.dumps(asdict(done)))
    else:
        rest = f"{done.waiting} marks still wait" if done.waiting else "nothing waits"
        console.print(f"{done.written:,} rows of rollups written in {done.steps} steps; {rest}", highlight=False)


async def refresh_all(dsn: str, at: datetime, *, budget_s: float = _BY_HAND_S) -> Refreshed:
    """The same for a program. What counts is the newest reading's time where it lies beyond ``at``, as in a demonstration."""
    with translated("refresh the rollups"):
        async with await AsyncConnection.connect(dsn, autocommit=True) as connection:
            if await on_timescale(connection):
                await refresh_aggregates(connection, at)
                return Refreshed(written=0, waiting=0, steps=1)
            newest = await newest_reading(connection)
    async with Database(dsn, size=1) as database:
        return await refresh(database, max(at, newest or at), budget_s=budget_s)


def run_retain(data: Path | None, config: Path | None, *, dry_run: bool, as_json: bool, console: Console) -> None:
    """Drops what has expired, or says what would go."""
    with administered(data, config) as dsn:
        parts = asyncio.run(retain_all(dsn, datetime.now(UTC), dry_run=dry_run))
    if as_json:
        print(json.dumps([asdict(part) for part in parts], default=_text))
        return
    for line in part_lines(parts):
        console.print(line, highlight=False)


async def retain_all(dsn: str, at: datetime, *, dry_run: bool) -> tuple[Part, ...]:
    """The same for a program. On TimescaleDB the aggregates are refreshed first, so that what expires is in them."""
    with translated("apply the retention"):
        async with await AsyncConnection.connect(dsn, autocommit=True) as connection:
            if not dry_run and await on_timescale(connection):
                await refresh_aggregates(connection, at)
            async with connection.transaction():
                return await apply_retention(connection, at, dry_run=dry_run)


def part_lines(parts: Sequence[Part]) -> list[str]:
    """Parts for people."""
    if not parts:
        return ["nothing is older than it is kept"]
    return [
        f"{part.became:<18} {part.class_:<8} {moment(part.starts)} to {moment(part.ends)}  {size(part.bytes):>9}  {part.name}"
        for part in parts
    ]


def _text(value: Any) -> str:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)
