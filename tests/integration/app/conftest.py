"""A migrated database, and a way to take in messages as the ingestor does, without a broker."""

from __future__ import annotations

import pytest

from tests.support.dead_letters import Town
from tests.support.postgres import FreshDatabase, database, database_server

__all__ = ["database", "database_server"]


@pytest.fixture
async def town(database: FreshDatabase) -> Town:
    found = Town(database)
    await found.adopt("meter-1")
    return found
