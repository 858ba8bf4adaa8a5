"""A migrated database with the desk's small site in it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from psycopg import AsyncConnection

from storage.commands import PostgresCommands
from storage.database import Database
from storage.inventory import save_inventory
from storage.roles import Role
from storage.two_people import PostgresTwoPeople
from tests.support.desk import START, small_site
from tests.support.postgres import FreshDatabase, database, database_server

__all__ = ["database", "database_server"]


@pytest.fixture
async def command_pool(database: FreshDatabase) -> AsyncIterator[Database]:
    async with await AsyncConnection.connect(database.dsn()) as connection:
        await save_inventory(connection, small_site(), at=START)
    async with Database(database.dsn(Role.COMMAND), size=4) as pool:
        yield pool


@pytest.fixture
def stored_commands(command_pool: Database) -> PostgresCommands:
    return PostgresCommands(command_pool)


@pytest.fixture
def stored_two_people(command_pool: Database) -> PostgresTwoPeople:
    return PostgresTwoPeople(command_pool)
