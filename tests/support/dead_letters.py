"""A database that takes in messages as the ingestor does, and whose inventory grows: for tests of replays."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from psycopg import AsyncConnection

from domain.inventory import build_inventory
from ingest.aliases import AliasBook
from ingest.channels import ChannelTable
from ingest.intake import Reception
from ingest.settings import IngestSettings
from storage.database import Database
from storage.ingest import PostgresIngestStore
from storage.inventory import save_inventory
from storage.roles import Role
from tests.support.postgres import FreshDatabase
from tests.support.stored_town import documents
from tests.support.uplink import GROUP, NODE, NOW_MS, dbirth, topic

POINTS = {"meter-1": {"flow_m3h": "upper.flow", "pressure_m": "upper.low"}, "meter-2": {"flow_m3h": "lower.flow"}}


class Town:
    """A gateway whose devices are adopted one by one."""

    def __init__(self, database: FreshDatabase) -> None:
        self.database = database
        self.devices: dict[str, dict[str, str]] = {}
        self.gateways = [{"node": NODE, "group": GROUP, "name": "North"}]
        self.of_gateway: dict[str, str] = {}
        self.settings = IngestSettings()

    async def adopt(self, device: str, *, gateway: str = NODE, **channels: str) -> None:
        """The inventory has this device from now on; channels as the tests' points unless given."""
        self.devices[device] = channels or POINTS[device]
        self.of_gateway[device] = gateway
        found = [
            {"key": key, "gateway": self.of_gateway[key], "model": "m", "channels": feeds} for key, feeds in self.devices.items()
        ]
        files = documents() | {"devices.toml": {"gateway": self.gateways, "device": found}}
        async with await AsyncConnection.connect(self.database.dsn()) as admin:
            await save_inventory(admin, build_inventory(files), at=datetime.fromtimestamp(NOW_MS / 1000, UTC))

    async def take(self, *messages: tuple[str, bytes], births: bool = True) -> None:
        """Takes messages in, in one transaction for all blocks, as the ingestor does."""
        async with Database(self.database.dsn(Role.INGEST), size=2) as pool:
            store = PostgresIngestStore(pool)
            book = AliasBook(await store.bindings())
            reception = Reception(self.settings, book=book, channels=ChannelTable(await store.channels()))
            first = [
                (topic("DBIRTH", "meter-1"), dbirth()),
                (topic("DBIRTH", "meter-2"), dbirth({"flow_m3h": 11, "spare_m3h": 12})),
            ]
            intakes = [
                reception.handle(where, payload, now_ms=NOW_MS, monotonic_s=0.0)
                for where, payload in ([*first, *messages] if births else messages)
            ]
            await store.save_bindings([b for i in intakes for b in i.bindings])
            await store.dead_letters([dead for i in intakes for dead in i.letters])
            await store.write([i.block for i in intakes if i.block is not None])

    async def fetch(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of a query, as the superuser sees them."""
        async with await AsyncConnection.connect(self.database.dsn()) as admin:
            return await (await admin.execute(query.encode())).fetchall()

    async def sums(self) -> tuple[int, int, int, int, int]:
        """Numbers committed, stored, repeated, dead of all ledgers, and numbers of all open letters that have any."""
        rows = await self.fetch(
            """SELECT coalesce(sum((SELECT sum(upper(r) - lower(r)) FROM unnest(committed) r)), 0)::int,
                      coalesce(sum(stored), 0)::int, coalesce(sum(repeated), 0)::int, coalesce(sum(dead), 0)::int,
                      (SELECT coalesce(sum(last - first + 1), 0)::int FROM dead_letter WHERE replayed_at IS NULL)
               FROM ledger"""
        )
        found: tuple[int, int, int, int, int] = rows[0]
        return found

    async def everything(self) -> list[list[tuple[Any, ...]]]:
        """All that a replay may change, to see that one changed nothing."""
        return [
            await self.fetch("SELECT * FROM reading ORDER BY point_id, time"),
            await self.fetch("SELECT * FROM ledger ORDER BY edge, epoch"),
            await self.fetch("SELECT * FROM dead_letter ORDER BY id"),
        ]
