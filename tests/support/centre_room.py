"""The centre without its clockwork over a database of a test, and somebody signed in at its console."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from app.centre import Centre
from app.settings import Settings
from console.app import create_app
from domain.inventory import Inventory
from domain.ports import User
from storage.database import Database
from storage.roles import Role
from storage.users import PostgresUsers
from tests.support.console_client import log_in
from tests.support.console_services import SteppedClock, password_hash
from tests.support.postgres import FreshDatabase


@dataclass(kw_only=True)
class CentreRoom:
    """What a test turns by hand."""

    centre: Centre
    clock: SteppedClock
    client: httpx.AsyncClient

    async def get(self, path: str) -> Any:
        """The API's answer, as the operator gets it."""
        answer = await self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()


@asynccontextmanager
async def centre_room(folder: Path, database: FreshDatabase, inventory: Inventory, at: datetime) -> AsyncIterator[CentreRoom]:
    """The centre as its command starts it, with the operator Omar at its console.

    Args:
        folder: Of the site; the centre's state goes below it.
        database: With whatever is in it; started upon again, it is a restart.
        inventory: Of the site.
        at: The moment at which the clock stands.
    """
    settings = Settings.model_validate(
        {
            "site": {"folder": folder},
            "database": {
                "dsn": database.dsn(Role.READ),
                "analytics_dsn": database.dsn(Role.ANALYTICS),
                "command_dsn": database.dsn(Role.COMMAND),
            },
            "centre": {"state_folder": folder / "state"},
        }
    )
    clock = SteppedClock(at=at)
    centre = Centre(settings, inventory, clock)
    analytics, command = centre.databases
    async with Database(database.dsn(Role.COMMAND), size=1) as pool:
        await PostgresUsers(pool).save_user(User(name="omar", role="operator", zones=frozenset(), language="en"), password_hash())
    async with analytics, command:
        transport = httpx.ASGITransport(app=create_app(centre.console()))
        async with httpx.AsyncClient(transport=transport, base_url="http://console.test", timeout=30) as client:
            assert (await log_in(client, "omar")).status_code == 303
            yield CentreRoom(centre=centre, clock=clock, client=client)
