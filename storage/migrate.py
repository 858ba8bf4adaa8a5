"""Brings a database to the newest schema: each file of ``migrations/`` once, in order, in a transaction of its own.

The same files serve PostgreSQL and TimescaleDB. Run it as a superuser or a managed database's administrator: the first file makes
the roles, the others work as ``khettara_migrate``, who then owns every object.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import AsyncConnection

from domain.errors import StorageError
from storage.database import translated

MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 0x6B686574
"""Any constant will do; two migrations of one database must not run at once."""

_CREATE = """
CREATE TABLE IF NOT EXISTS schema_migration (
    name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now()
)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One file."""

    name: str
    text: bytes

    @property
    def checksum(self) -> str:
        """SHA-256 of the file, hexadecimal."""
        return hashlib.sha256(self.text).hexdigest()


def read_migrations(folder: Path = MIGRATIONS) -> tuple[Migration, ...]:
    """The files in the order of their names."""
    return tuple(Migration(name=path.name, text=path.read_bytes()) for path in sorted(folder.glob("*.sql")))


def still_to_apply(files: tuple[Migration, ...], applied: dict[str, str]) -> tuple[Migration, ...]:
    """The files a database has not had yet.

    Args:
        files: Every migration of this version of the program.
        applied: Checksum by name, as the database remembers it.

    Raises:
        StorageError: A file was changed after it was applied, is unknown here, or would run before one already applied.
    """
    known = {file.name: file for file in files}
    unknown = sorted(applied.keys() - known.keys())
    if unknown:
        raise StorageError(f"the database has migration {unknown[0]}, which this version does not know: run a newer version")
    for name, checksum in applied.items():
        if known[name].checksum != checksum:
            raise StorageError(f"migration {name} was changed after it was applied: restore it and add a new file instead")
    waiting = tuple(file for file in files if file.name not in applied)
    newest = max(applied, default="")
    if waiting and waiting[0].name < newest:
        raise StorageError(f"migration {waiting[0].name} would run after {newest}: give it a higher number")
    return waiting


async def migrate(dsn: str, folder: Path = MIGRATIONS) -> list[str]:
    """Applies what is missing and returns the names of the files applied now.

    Raises:
        StorageError: See ``still_to_apply``; or SQL was refused.
        StorageUnavailable: The database is away.
    """
    files, done = read_migrations(folder), []
    with translated("migrate"):
        async with await AsyncConnection.connect(dsn, autocommit=True, prepare_threshold=None) as connection:
            await connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
            if await _lacks_bookkeeping(connection):
                await connection.execute(_CREATE)
            cursor = await connection.execute("SELECT name, checksum FROM schema_migration")
            for file in still_to_apply(files, dict(await cursor.fetchall())):
                try:
                    async with connection.transaction():
                        await connection.execute(file.text)
                        await connection.execute("RESET ROLE")
                        await connection.execute(
                            "INSERT INTO schema_migration (name, checksum) VALUES (%s, %s)", (file.name, file.checksum)
                        )
                except psycopg.DatabaseError as error:
                    error.add_note(f"in migration {file.name}")
                    raise
                done.append(file.name)
    return done


async def _lacks_bookkeeping(connection: AsyncConnection) -> bool:
    """Asked first, because IF NOT EXISTS still wants the right to create."""
    cursor = await connection.execute("SELECT to_regclass('schema_migration') IS NULL")
    row = await cursor.fetchone()
    return row is not None and bool(row[0])
