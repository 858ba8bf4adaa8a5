"""``khettara db status``: what the database holds, for people who look after it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

from psycopg import AsyncConnection
from rich.console import Console

from app.demo.layout import Layout
from app.embedded.postgres import ADMIN
from app.local import LocalServices
from app.settings import load_settings
from domain.errors import ConfigurationError
from storage.database import translated
from storage.life import Life
from storage.status import Status, read_status

_UNITS = ("B", "kB", "MB", "GB", "TB")


@contextmanager
def administered(data: Path | None, config: Path | None) -> Iterator[str]:
    """Connection string of somebody who may read every table; nothing is migrated.

    Raises:
        ConfigurationError: The data folder holds no database.
    """
    if data is None:
        yield load_settings(config).database.admin
        return
    if not (data / "postgres").is_dir():
        raise ConfigurationError(file=str(data), key="--data", value="no database there", expected="the folder of a demo or replay")
    with LocalServices(layout=Layout(root=data)) as services:
        services.postgres.start()
        yield services.postgres.dsn(ADMIN)


def run_status(data: Path | None, config: Path | None, *, as_json: bool, console: Console) -> None:
    """Prints the status."""
    with administered(data, config) as dsn:
        status = asyncio.run(status_of(dsn))
    if as_json:
        print(json.dumps(asdict(status), indent=2, default=_plain))
        return
    for line in as_lines(status):
        console.print(line, highlight=False, markup=False)


async def status_of(dsn: str) -> Status:
    """The status of a database, in one transaction that writes nothing."""
    with translated("read the status"):
        async with await AsyncConnection.connect(dsn) as connection:
            await connection.set_read_only(True)
            return await read_status(connection, datetime.now(UTC))


def _plain(value: object) -> str:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)


def as_lines(status: Status) -> list[str]:
    """The status for people."""
    kind = f"TimescaleDB {status.timescaledb}" if status.timescaledb else "plain PostgreSQL"
    lines = [
        f"database      {status.database}, {size(status.size_bytes)}, PostgreSQL {status.server}, {kind}",
        f"schema        {status.schema or 'none'}",
        f"pending       {', '.join(status.pending) or 'none'}",
    ]
    if status.rows is None:
        return [*lines, "              not migrated yet: khettara db migrate"]
    parts = "chunks" if status.timescaledb else "partitions"
    about = "" if status.rows_exact else "about "
    adds_up = "exact" if not status.ledgers_wrong else f"WRONG in {status.ledgers_wrong} of them"
    lost = f" + {status.dropped:,} dropped by gateways" if status.dropped else ""
    lines += [
        f"readings      {about}{status.rows:,} rows in {status.partitions:,} {parts} of 7 days, {size(status.readings_bytes)}",
        f"              {moment(status.oldest)} to {moment(status.newest)}",
        f"ledgers       {status.streams:,} streams: {status.committed:,} committed",
        f"              = {status.stored:,} stored + {status.repeated:,} repeated + {status.dead:,} dead{lost} ({adds_up})",
    ]
    letters = [f"{reason} {count:,}" for reason, count in status.dead_letters.items()]
    lines.append(f"dead letters  {', '.join(letters) or 'none open'}")
    return lines if status.life is None else [*lines, *life_lines(status.life)]


def life_lines(life: Life) -> list[str]:
    """How values age, for people."""
    keep = life.retention
    kept = [f"{n} days" if n else "for ever" for n in (keep.raw_days, keep.quarter_hour_days, keep.hour_days, keep.day_days)]
    lines = [
        f"{'rollups' if place == 1 else '':<14}{part.name:<8} {size(part.bytes):>9} in {part.parts} parts, kept {days}"
        for place, (part, days) in enumerate(zip(life.classes, kept, strict=True))
        if place
    ]
    waits = (
        f"{life.lag.marks} spans not written yet, the oldest since {moment(life.lag.oldest)}" if life.lag.marks else "nothing waits"
    )
    lines.append(f"              {life.lag.behind / timedelta(hours=1):g} h behind the newest reading; {waits}")
    since = f"; dropped before {moment(life.raw_from)}" if life.raw_from else ""
    old = f"{len(life.expired)} parts are older, the first {life.expired[0].became}" if life.expired else "nothing is older"
    lines.append(f"retention     readings kept {kept[0]}{since}; {old}")
    for place, job in enumerate(life.jobs):
        when = f"every {job.every}, last done {moment(job.last_success)}, next {moment(job.next_start)}"
        lines.append(f"{'policies' if place == 0 else '':<14}{job.on}: {when}")
    return lines


def size(count: float) -> str:
    """Bytes in the unit that reads best."""
    for unit in _UNITS[:-1]:
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} {_UNITS[-1]}"


def moment(at: datetime | None) -> str:
    """A time in UTC, or a dash."""
    return "–" if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
