"""A migrated database for the outbox, and a place that notices go to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from storage.database import Database
from storage.roles import Role
from tests.support.notice_sink import Sink, running_sink
from tests.support.postgres import FreshDatabase, database, database_server

__all__ = ["database", "database_server"]


@pytest.fixture
def sink() -> Iterator[Sink]:
    with running_sink() as found:
        yield found


@pytest.fixture
async def pool(database: FreshDatabase) -> AsyncIterator[Database]:
    async with Database(database.dsn(Role.COMMAND), size=3) as found:
        yield found
