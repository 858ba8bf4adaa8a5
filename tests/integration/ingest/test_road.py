"""The gateway's spool and uplink against the ingestor: losses are told, a restored database is filled again, fresh goes first."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType

import numpy as np
import pytest

from domain.clock import WallClock
from domain.ports import IngestStore
from edge import room
from edge.database import DatabaseThread, open_database
from edge.readings import READING, Lane, Rows
from edge.settings import BrokerSettings
from edge.spool import Spool
from edge.uplink import Uplink
from edge.waiting import wait_for
from edge.window import Window
from ingest.service import IngestService
from ingest.settings import IngestSettings
from tests.integration.ingest.conftest import Stored
from tests.support.brokers import Broker, running
from tests.support.ingest_store import MemoryStore, channel
from tests.support.uplink import DEVICE, EDGE, GROUP, NODE

PATIENCE_S = 120.0
CLOCK = WallClock(wall=time.time)
WINDOW = 16
HOUR_MS = 3_600_000


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    async with running("mosquitto", tmp_path) as found:
        yield found


def now_ms() -> int:
    return int(time.time() * 1000)


@asynccontextmanager
async def ingesting(store: IngestStore, broker: Broker) -> AsyncIterator[IngestService]:
    settings = IngestSettings.model_validate({"broker": {"port": broker.port}, "batch": {"wait_s": 0.02}})
    service = IngestService(store, settings, CLOCK)
    stop = asyncio.Event()
    task = asyncio.create_task(service.run(stop))
    async with asyncio.timeout(PATIENCE_S):
        await service.connected.wait()
        yield service
        stop.set()
        await task


class Gateway:
    """A spool and its uplink, without devices."""

    def __init__(self, folder: Path, broker: Broker) -> None:
        self.db: sqlite3.Connection = open_database(folder)
        self.thread = DatabaseThread()
        self.spool = Spool(self.db, block_readings=20)
        self._value = self.spool.stats().spooled
        self.uplink = Uplink(
            group=GROUP,
            node=NODE,
            host_id="khettara",
            broker=BrokerSettings(host="127.0.0.1", port=broker.port),
            clock=CLOCK,
            spool=self.spool,
            database=self.thread,
            window=Window(size=WINDOW, resend_s=0.5),
            live_horizon_s=900.0,
        )
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Gateway:
        self._task = asyncio.create_task(self.uplink.run(self._stop))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        assert self._task is not None
        await self._task
        self.thread.close()
        self.db.close()

    async def append(self, count: int, *, historical: bool = False) -> None:
        """So many readings, each with a time and a value of its own, in one commit."""
        alias = self.spool.channel(DEVICE, "flow_m3h").alias
        serial = self._value + np.arange(count)
        self._value += count
        rows: Rows = np.zeros(count, dtype=READING)
        rows["channel"] = alias
        rows["time_ms"] = now_ms() - 48 * HOUR_MS + serial * 1000
        rows["value"] = serial % 400
        await self.thread.run(self.spool.append_rows, [(DEVICE, rows)], now_ms=now_ms(), historical=historical)
        self.uplink.notify()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                await asyncio.sleep(0.02)

    async def drained(self) -> None:
        """Every block and every gap record has its receipt."""
        await self.until(lambda: self.spool.depth == 0 and self.spool.gaps_untold == 0)


LEDGER = "SELECT committed::text, stored, repeated, dead, dropped FROM ledger ORDER BY updated_at"
GAPS = "SELECT first, last, reason, devices FROM v_gap ORDER BY first"


async def test_what_the_gateway_had_to_drop_is_told_and_the_rest_arrives(stored: Stored, broker: Broker, tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    gateway = Gateway(folder, broker)
    for _ in range(10):
        await gateway.append(20)
    await gateway.thread.run(drop, gateway, [21, 41], "spool_full")
    await gateway.thread.run(gateway.db.execute, "UPDATE payload SET readings = zeroblob(440) WHERE first = 101")
    gateway.thread.close()
    gateway.db.close()
    async with ingesting(stored.store, broker) as service, Gateway(folder, broker) as gateway:
        await gateway.drained()
        stats = gateway.spool.stats()
        assert (stats.spooled, stats.acked, stats.dropped, stats.gaps_untold) == (200, 140, 60, 0)
        assert service.snapshot()["lost"] == 60
        assert service.snapshot()["dead"] == 0
    assert await stored.fetch(LEDGER) == [("{[1,201)}", 140, 0, 0, 60)]
    assert await stored.fetch(GAPS) == [(21, 60, "spool_full", DEVICE), (101, 120, "damaged", DEVICE)]
    assert await stored.fetch("SELECT count(*) FROM reading") == [(140,)]


def drop(gateway: Gateway, firsts: list[int], reason: str) -> None:
    """The gateway's own way of dropping, for blocks of choice."""
    heads = [head for first in firsts if (head := room.head_of(gateway.db, first)) is not None]
    room.drop(gateway.db, heads, reason=reason, now_ms=now_ms())


async def test_many_gaps_do_not_stop_the_receipts(stored: Stored, broker: Broker, tmp_path: Path) -> None:
    """A receipt names 64 ranges at most: without their numbers in the ledger, gaps would hide all that lies beyond."""
    folder = tmp_path / "spool"
    gateway = Gateway(folder, broker)
    for _ in range(180):
        await gateway.append(2)
    await gateway.thread.run(drop, gateway, list(range(1, 360, 4)), "spool_full")
    gateway.thread.close()
    gateway.db.close()
    async with ingesting(stored.store, broker), Gateway(folder, broker) as gateway:
        await gateway.drained()
    assert await stored.fetch(LEDGER) == [("{[1,361)}", 180, 0, 0, 180)]
    assert await stored.fetch("SELECT count(*), sum(readings)::int FROM v_gap") == [(90, 180)]


BACKED_UP = ("reading", "ledger", "dead_letter", "gap_record")


async def test_a_database_restored_from_a_backup_is_filled_again(stored: Stored, broker: Broker, tmp_path: Path) -> None:
    """What the gateway saw acknowledged within 72 h comes back, what it let go since is a gap record: nothing is unexplained."""
    folder = tmp_path / "spool"
    async with Gateway(folder, broker) as gateway:
        async with ingesting(stored.store, broker):
            await gateway.append(200)
            await gateway.drained()
            for table in BACKED_UP:
                await stored.looking.execute(f"CREATE TABLE backup_{table} AS TABLE {table}".encode())
            await gateway.append(200)
            await gateway.drained()
            # Two of its blocks are older than 72 h by now, and go.
            await gateway.thread.run(
                gateway.db.execute, "UPDATE block SET acked_at = acked_at - ? WHERE first IN (201, 221)", (73 * HOUR_MS,)
            )
            assert await gateway.thread.run(gateway.spool.purge, now_ms=now_ms(), keep_acked_ms=72 * HOUR_MS) == 0
            await gateway.append(600)
            await gateway.drained()
        assert await stored.fetch("SELECT count(*) FROM reading") == [(1000,)]
        for table in BACKED_UP:
            await stored.looking.execute(f"DELETE FROM {table}".encode())
            columns = "OVERRIDING SYSTEM VALUE " if table == "dead_letter" else ""
            await stored.looking.execute(f"INSERT INTO {table} {columns}SELECT * FROM backup_{table}".encode())
        assert await stored.fetch(LEDGER) == [("{[1,201)}", 200, 0, 0, 0)]
        async with ingesting(stored.store, broker):
            async with asyncio.timeout(PATIENCE_S):
                while await stored.fetch("SELECT count(*) FROM gap_record") == [(0,)]:
                    await gateway.append(1)  # life goes on; receipts for it tell the gateway what is gone
                    await wait_for(gateway.uplink.drained, 0.2)
            await gateway.drained()
            spooled = gateway.spool.stats().spooled
    assert await stored.fetch(LEDGER) == [(f"{{[1,{spooled + 1})}}", spooled - 40, 0, 0, 40)]
    assert await stored.fetch(GAPS) == [(201, 240, "purged", None)]
    assert await stored.fetch("SELECT count(*) FROM reading") == [(spooled - 40,)]


async def test_a_new_disk_is_a_new_epoch_and_says_that_the_old_one_is_gone(stored: Stored, broker: Broker, tmp_path: Path) -> None:
    async with ingesting(stored.store, broker):
        async with Gateway(tmp_path / "old", broker) as gateway:
            await gateway.append(60)
            await gateway.drained()
            first = gateway.spool.epoch
        async with Gateway(tmp_path / "new", broker) as gateway:
            gateway._value = 1000
            await gateway.append(40)
            await gateway.drained()
            assert gateway.spool.epoch != first
    assert await stored.fetch(LEDGER) == [("{[1,61)}", 60, 0, 0, 0), ("{[1,41)}", 40, 0, 0, 0)]
    assert await stored.fetch("SELECT epoch, first, last, reason FROM v_gap") == [(first, 61, None, "new_spool")]


async def test_a_day_of_history_does_not_delay_what_is_read_now(broker: Broker, tmp_path: Path) -> None:
    """While a fresh block waits for its receipt, no more of the backlog passes than the window holds a few times over."""
    store = MemoryStore([channel(EDGE, DEVICE, "flow_m3h", 41)])
    async with Gateway(tmp_path / "spool", broker) as gateway:
        for _ in range(9):
            await gateway.append(9600, historical=True)  # 86,400: a reading a second
        backlog = gateway.spool.depth
        passed: list[int] = []
        async with ingesting(store, broker):
            await gateway.until(lambda: gateway.spool.depth < backlog)  # it flows
            while gateway.spool.depth > backlog // 4 and len(passed) < 60:
                before = gateway.spool.depth
                await gateway.append(5)
                await gateway.until(lambda: not gateway.spool.unacked(Lane.LIVE, limit=1, fresh_ms=now_ms() - 900_000))
                passed.append(before - gateway.spool.depth)
                await asyncio.sleep(0.01)
    assert len(passed) > 10, "the backlog lasted while fresh blocks came"
    assert sorted(passed)[len(passed) // 2] <= 2 * WINDOW, passed
    assert max(passed) <= 20 * WINDOW < backlog // 4, passed
