"""One durable database server for all scenarios: it is what dies most."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.faults.parts import DatabasePart
from tests.support.faults.rig import database_server


@pytest.fixture(scope="session")
def server() -> Iterator[DatabasePart]:
    """A server that may be killed; it runs again when the next scenario begins."""
    with database_server() as database:
        yield database
