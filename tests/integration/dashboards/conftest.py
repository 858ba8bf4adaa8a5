"""The demonstration's inventory with a month of made-up values behind every view."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from psycopg import AsyncConnection

from app.site import load_site
from storage.inventory import save_inventory
from tests.support.postgres import FreshDatabase, database, database_server

__all__ = ["database", "database_server"]

END = datetime(2026, 5, 31, 12, 0, tzinfo=UTC)
SITE = Path(__file__).parents[3] / "sites" / "demo"


@pytest.fixture
async def month(database: FreshDatabase) -> FreshDatabase:
    """31 days of readings, and one of everything else in the last hours."""
    async with await AsyncConnection.connect(database.dsn()) as connection:
        await save_inventory(connection, load_site(SITE), at=END)
    seed = (Path(__file__).parent / "seed.sql").read_text(encoding="utf-8")
    with psycopg.connect(database.dsn(), autocommit=True) as connection:
        for statement in seed.split(";\n"):
            connection.execute(statement.encode())
    return database
