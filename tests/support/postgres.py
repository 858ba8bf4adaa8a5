"""One PostgreSQL server a test run, and a fresh, migrated database a test.

In a ``conftest.py``: ``from tests.support.postgres import database, database_server`` and use the fixture ``database``.
However many conftests import it, there is one server.
"""

from __future__ import annotations

import asyncio
import atexit
import itertools
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from app.embedded.postgres import ADMIN, EmbeddedPostgres
from storage.migrate import migrate

_TEMPLATE = "khettara_template"
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class FreshDatabase:
    """One database of the server."""

    server: EmbeddedPostgres
    name: str

    def dsn(self, role: str = ADMIN) -> str:
        """Connection string of a role (``storage.roles.Role``), or of the superuser."""
        return self.server.dsn(role, self.name)


@cache
def shared_server() -> EmbeddedPostgres:
    """The running server with its migrated template; ends with the test run."""
    folder = Path(tempfile.mkdtemp(prefix="khettara-postgres-"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder / "data", durable=False)
    server.start()
    atexit.register(_end, server, folder)
    with psycopg.connect(server.dsn(ADMIN, "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_TEMPLATE)))
    asyncio.run(migrate(server.dsn(ADMIN, _TEMPLATE)))
    return server


def _end(server: EmbeddedPostgres, folder: Path) -> None:
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def database_server() -> EmbeddedPostgres:
    """The test run's server."""
    return shared_server()


@contextmanager
def fresh_database() -> Iterator[FreshDatabase]:
    """A fresh database with the newest schema, while it is needed."""
    server, name = shared_server(), f"test_{next(_numbers)}"
    with psycopg.connect(server.dsn(ADMIN, "postgres"), autocommit=True) as connection:
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        connection.execute(create.format(sql.Identifier(name), sql.Identifier(_TEMPLATE)))
        yield FreshDatabase(server, name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def database(database_server: EmbeddedPostgres) -> Iterator[FreshDatabase]:
    """A fresh database with the newest schema, while a test runs."""
    with fresh_database() as fresh:
        yield fresh
