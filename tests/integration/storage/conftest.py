"""A migrated database with the town's inventory in it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from psycopg import AsyncConnection

from storage.database import Database
from storage.ingest import PostgresIngestStore
from storage.inventory import save_inventory
from storage.roles import Role
from tests.support.postgres import FreshDatabase, database, database_server
from tests.support.stored_town import START, town

__all__ = ["database", "database_server"]


@pytest.fixture
async def town_database(database: FreshDatabase) -> FreshDatabase:
    async with await AsyncConnection.connect(database.dsn()) as connection:
        await save_inventory(connection, town(), at=START)
    return database


@pytest.fixture
async def admin(town_database: FreshDatabase) -> AsyncIterator[AsyncConnection]:
    """A superuser's connection, for looking."""
    async with await AsyncConnection.connect(town_database.dsn(), autocommit=True) as connection:
        yield connection


@pytest.fixture
async def ingest(town_database: FreshDatabase) -> AsyncIterator[PostgresIngestStore]:
    async with Database(town_database.dsn(Role.INGEST), size=4) as pool:
        yield PostgresIngestStore(pool)
