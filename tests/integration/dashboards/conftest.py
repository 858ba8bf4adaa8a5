"""The demonstration's inventory with a month of made-up values behind every view."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import AsyncConnection

from app.embedded.postgres import ADMIN, EmbeddedPostgres
from app.site import load_site
from storage.database import Database
from storage.inventory import save_inventory
from storage.migrate import migrate
from storage.rollups import refresh
from tests.support.postgres import FreshDatabase, database, database_server

__all__ = ["database", "database_server"]

END = datetime(2026, 5, 31, 12, 0, tzinfo=UTC)
SITE = Path(__file__).parents[3] / "sites" / "demo"


async def fill(dsn: str) -> None:
    """31 days of readings, and one of everything else in the last hours, into a migrated database."""
    async with await AsyncConnection.connect(dsn) as connection:
        await save_inventory(connection, load_site(SITE), at=END)
    seed = (Path(__file__).parent / "seed.sql").read_text(encoding="utf-8")
    async with await AsyncConnection.connect(dsn, autocommit=True) as connection:
        for statement in seed.split(";\n"):
            await connection.execute(statement.encode())
    async with Database(dsn, size=1) as pool:
        # Not the last two days: what is not refreshed yet is drawn as well.
        done = await refresh(pool, END - timedelta(days=2), budget_s=300)
        assert done.waiting == 0


@pytest.fixture(scope="session")
def month(database_server: EmbeddedPostgres) -> Iterator[FreshDatabase]:
    """A database with that month, for all tests of this folder: they only read."""
    made = FreshDatabase(database_server, "dashboards_month")
    with psycopg.connect(database_server.dsn(ADMIN, "postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE dashboards_month")
        asyncio.run(migrate(made.dsn()))
        asyncio.run(fill(made.dsn()))
        yield made
        connection.execute("DROP DATABASE dashboards_month WITH (FORCE)")
