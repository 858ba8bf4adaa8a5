"""Connections to the database, and the database's errors in the house's words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import TracebackType
from typing import Self

import psycopg
from psycopg import AsyncConnection, sql
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from domain.errors import StorageError, StorageUnavailable

# Trouble of the connection or of the moment, not of what was asked. The timeouts and the read-only refusal (a failover) are not
# OperationalErrors in psycopg.
_RETRYABLE = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.InvalidTransactionState,
    psycopg.errors.IdleInTransactionSessionTimeout,
    psycopg.errors.ReadOnlySqlTransaction,
    PoolTimeout,
    PoolClosed,
    TooManyRequests,
)


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Raises ``StorageUnavailable`` for trouble that may pass, ``StorageError`` for any other refusal by the database.

    Args:
        doing: What was being done, for the message.
    """
    try:
        yield
    except _RETRYABLE as error:
        raise StorageUnavailable(f"{doing}: the database is away or busy: {_first_line(error)}") from error
    except psycopg.Error as error:
        notes = " ".join(getattr(error, "__notes__", ()))
        raise StorageError(f"{doing}: the database refused: {_first_line(error)} {notes}".rstrip()) from error


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0]


class Database:
    """A pool of connections of one role. Opens lazily after ``open``; a database that is away is no error until asked.

    Args:
        dsn: Connection string.
        role: Role to take on after login, where one login serves all; None keeps the login's own.
        size: Most connections at a time.
        wait_s: How long a caller waits for a connection before ``StorageUnavailable`` [s of wall time].
        reconnect_s: How long a lost connection is sought before the next caller has to ask for it anew [s of wall time]. The
            pauses between tries double, so that after a long absence a patient search is a slow one.
        check: Asks each connection for a sign of life before it is used; without, a server that went is found out by the caller.
    """

    def __init__(
        self,
        dsn: str,
        *,
        role: str | None = None,
        size: int = 4,
        wait_s: float = 10.0,
        reconnect_s: float = 300.0,
        check: bool = True,
    ) -> None:
        self._role = role
        self._pool = AsyncConnectionPool(
            dsn,
            min_size=1,
            max_size=size,
            open=False,
            timeout=wait_s,
            reconnect_timeout=reconnect_s,
            configure=self._configure,
            check=AsyncConnectionPool.check_connection if check else None,
            kwargs={"application_name": f"khettara {role or ''}".strip()},
        )

    async def open(self) -> None:
        """Starts the pool; does not wait for the database."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Closes every connection."""
        await self._pool.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    @asynccontextmanager
    async def transaction(self, doing: str) -> AsyncIterator[AsyncConnection]:
        """A connection inside one transaction: committed on leaving, rolled back on an exception.

        Raises:
            StorageUnavailable: The database is away or busy; nothing was committed unless COMMIT itself lost its answer.
            StorageError: The database refused what was asked.
        """
        with translated(doing):
            async with self._pool.connection() as connection:
                yield connection

    async def _configure(self, connection: AsyncConnection) -> None:
        if self._role is not None:
            await connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(self._role)))
            await connection.commit()
