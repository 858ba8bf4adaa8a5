"""The ingestor's store on a real PostgreSQL, with one gateway and one device in the inventory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from psycopg import AsyncConnection

from domain.inventory import build_inventory
from storage.database import Database
from storage.ingest import PostgresIngestStore
from storage.inventory import save_inventory
from storage.roles import Role
from tests.support.postgres import FreshDatabase, database, database_server
from tests.support.stored_town import documents
from tests.support.uplink import DEVICE, GROUP, NODE

__all__ = ["database", "database_server"]

DEVICES = {
    "gateway": [{"node": NODE, "group": GROUP, "name": "North"}],
    "device": [
        {"key": DEVICE, "gateway": NODE, "model": "m", "channels": {"flow_m3h": "upper.flow", "pressure_m": "upper.low"}},
    ],
}


@dataclass(frozen=True, slots=True)
class Stored:
    """A migrated database: the ingestor's store, and a connection for looking."""

    store: PostgresIngestStore
    looking: AsyncConnection

    async def fetch(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of a query, as the superuser sees them."""
        return await (await self.looking.execute(query.encode())).fetchall()


@pytest.fixture
async def stored(database: FreshDatabase) -> AsyncIterator[Stored]:
    async with await AsyncConnection.connect(database.dsn(), autocommit=True) as admin:
        await save_inventory(admin, build_inventory(documents() | {"devices.toml": DEVICES}), at=datetime(2026, 1, 1, tzinfo=UTC))
        async with Database(database.dsn(Role.INGEST), size=4) as pool:
            yield Stored(PostgresIngestStore(pool), admin)
