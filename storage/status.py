"""What is in the database as a whole: for people who look after it, and for comparing a restored backup with its origin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection, sql

from domain.errors import StorageError
from storage.life import Life, read_life
from storage.migrate import read_migrations, still_to_apply
from storage.sql import queries

_Q = queries("status")
COUNTED_UP_TO = 20_000_000
"""Believed rows beyond which they are not counted one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The database at one moment."""

    database: str
    server: str
    timescaledb: str | None
    """Version of the extension; None on plain PostgreSQL."""
    size_bytes: int
    schema: str
    """Newest migration applied; empty if there is none."""
    pending: tuple[str, ...]
    """Migrations this program knows and the database has not had."""
    rows: int | None
    """None before the first migration."""
    rows_exact: bool
    partitions: int
    """Partitions of a week, or chunks of a hypertable."""
    readings_bytes: int
    oldest: datetime | None
    newest: datetime | None
    streams: int
    committed: int
    stored: int
    repeated: int
    dead: int
    dropped: int
    """Numbers that gateways had to drop, with a gap record."""
    ledgers_wrong: int
    """Ledgers for which committed is not stored + repeated + dead + dropped."""
    dead_letters: Mapping[str, int]
    """Open letters by reason."""
    life: Life | None = None
    """Sizes by class, rollups and retention; None before migration 0008."""


async def read_status(connection: AsyncConnection, at: datetime) -> Status:
    """The status at ``at`` (now), as somebody who may read every table.

    Raises:
        StorageError: Migrations that this program does not know, or that were changed.
    """
    database, size, server, timescaledb = await _row(connection, "server")
    if not (await _row(connection, "migrated"))[0]:
        return _empty(database, size, server, timescaledb)
    applied: dict[str, str] = dict(await (await connection.execute(_Q["migrations"])).fetchall())
    pending = tuple(file.name for file in still_to_apply(read_migrations(), applied))
    partitions, readings_bytes, believed, never_analysed = await _row(connection, "partitions")
    exact = never_analysed or believed <= COUNTED_UP_TO
    rows = (await _row(connection, "count_rows"))[0] if exact else believed
    oldest, newest = await _row(connection, "span")
    streams, committed, stored, repeated, dead, wrong, dropped = await _row(connection, "ledger")
    letters: dict[str, int] = {}
    if not any(name.startswith("0006") for name in pending):
        letters = dict(await (await connection.execute(_Q["dead_letters"])).fetchall())
    return Status(
        database=database,
        server=server,
        timescaledb=timescaledb,
        size_bytes=size,
        schema=max(applied, default=""),
        pending=pending,
        rows=rows,
        rows_exact=exact,
        partitions=partitions,
        readings_bytes=readings_bytes,
        oldest=oldest,
        newest=newest,
        streams=streams,
        committed=committed,
        stored=stored,
        repeated=repeated,
        dead=dead,
        dropped=dropped,
        ledgers_wrong=wrong,
        dead_letters=letters,
        life=await read_life(connection, at),
    )


def _empty(database: str, size: int, server: str, timescaledb: str | None) -> Status:
    return Status(
        database=database,
        server=server,
        timescaledb=timescaledb,
        size_bytes=size,
        schema="",
        pending=tuple(file.name for file in read_migrations()),
        rows=None,
        rows_exact=True,
        partitions=0,
        readings_bytes=0,
        oldest=None,
        newest=None,
        streams=0,
        committed=0,
        stored=0,
        repeated=0,
        dead=0,
        dropped=0,
        ledgers_wrong=0,
        dead_letters={},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """Everything the database holds, told in numbers that two equal databases share."""

    migrations: Mapping[str, str]
    """Checksum by name."""
    tables: Mapping[str, tuple[int, str]]
    """Rows of each table, and a checksum over them that does not depend on their order."""
    ledger: Mapping[str, int]
    """Sums over all ledgers: committed, stored, repeated, dead, dropped, and how many do not add up."""


async def read_contents(connection: AsyncConnection) -> Contents:
    """Reads every row of every table, in the caller's transaction."""
    await connection.execute(_Q["one_form"])
    applied: dict[str, str] = dict(await (await connection.execute(_Q["migrations"])).fetchall())
    names = [name for (name,) in await (await connection.execute(_Q["tables"])).fetchall()]
    tables: dict[str, tuple[int, str]] = {}
    for name in names:
        # The sum of 64-bit hashes of the rows' text: a changed, lost or doubled row changes it.
        query = sql.SQL("SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text FROM {} t")
        row = await (await connection.execute(query.format(sql.Identifier(name)))).fetchone()
        tables[name] = (int(row[0]), str(row[1])) if row else (0, "0")
    _, committed, stored, repeated, dead, wrong, dropped = await _row(connection, "ledger")
    return Contents(
        migrations=applied,
        tables=tables,
        ledger={"committed": committed, "stored": stored, "repeated": repeated, "dead": dead, "dropped": dropped, "wrong": wrong},
    )


async def export_snapshot(connection: AsyncConnection) -> str:
    """A name under which ``pg_dump --snapshot`` sees exactly what this transaction (repeatable read) sees, while it lasts."""
    return str((await _row(connection, "snapshot"))[0])


async def extension_version(connection: AsyncConnection) -> tuple[str, str | None]:
    """Version of the server, and of TimescaleDB where it is there."""
    _, _, server, timescaledb = await _row(connection, "server")
    return str(server), timescaledb


async def _row(connection: AsyncConnection, name: str) -> tuple[Any, ...]:
    row = await (await connection.execute(_Q[name])).fetchone()
    if row is None:
        raise StorageError(f"{name}: the database gave no answer")
    return row
