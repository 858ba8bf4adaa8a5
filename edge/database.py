"""The gateway's one SQLite file and the one thread that speaks to it.

A commit is an fsync and may take long: it runs in a thread of its own so that the event loop never waits for a disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

from domain.errors import ConfigurationError

P = ParamSpec("P")
T = TypeVar("T")
_SCHEMA = Path(__file__).with_name("spool.sql")
_LATER = {
    "block": {"amounts": "INTEGER NOT NULL DEFAULT 1"},
    "gap": {"from_ms": "INTEGER", "to_ms": "INTEGER", "points": "TEXT NOT NULL DEFAULT '[]'", "acked_at": "INTEGER"},
}
_INDEXES = """
CREATE INDEX IF NOT EXISTS block_telemetry ON block (first) WHERE acked_at IS NULL AND amounts = 0;
CREATE INDEX IF NOT EXISTS gap_untold ON gap (first) WHERE acked_at IS NULL;
CREATE INDEX IF NOT EXISTS gap_last ON gap (last);
"""
"""On those columns, so only after them."""


def open_database(state_dir: Path) -> sqlite3.Connection:
    """Opens or makes ``state_dir/spool.db``: WAL, synchronous FULL, held by this process alone.

    Raises:
        ConfigurationError: Another process holds the file, or it is damaged. A damaged file is never thrown away here: it also
            holds the command counters, so a person decides.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    path = state_dir / "spool.db"
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=2.0)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA cache_size = -4000")
        connection.executescript(_SCHEMA.read_text(encoding="utf-8"))
        _add_columns(connection)
        connection.executescript(_INDEXES)
    except sqlite3.DatabaseError as error:
        connection.close()
        locked = "locked" in str(error)
        expected = "a folder no other gateway uses" if locked else "an intact spool.db; move it away to start with a new one"
        raise ConfigurationError(file=str(path), key="gateway.state_dir", value=str(error), expected=expected) from error
    return connection


def _add_columns(connection: sqlite3.Connection) -> None:
    """Columns that a file of an earlier version does not have yet."""
    for table, columns in _LATER.items():
        present = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        for name, kind in columns.items():
            if name not in present:
                connection.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
    """Everything inside becomes durable together, or nothing of it.

    Not ``durable``, it becomes so with the next transaction that is, and no disk is waited for: for what is harmless to forget in
    a power cut. The order of transactions is kept, and a killed process loses none.
    """
    if not durable:
        connection.execute("PRAGMA synchronous = NORMAL")
    try:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:  # whatever it was, nothing of the transaction may stay
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    finally:
        if not durable:
            connection.execute("PRAGMA synchronous = FULL")


class DatabaseThread:
    """Runs calls on the database one after another in a thread of their own."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spool")

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of ``call``. Once asked for it is done, even if the waiting task is cancelled."""
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._pool, lambda: call(*args, **kwargs)))

    def close(self) -> None:
        """Waits for what is under way."""
        self._pool.shutdown(wait=True)
