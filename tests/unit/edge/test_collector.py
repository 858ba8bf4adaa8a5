"""Readings wait a little, are committed together, and are neither lost nor doubled when the disk or the task fails."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from edge.collector import Collector
from edge.database import DatabaseThread, open_database
from edge.readings import SpoolReading
from edge.spool import Spool
from protocols.tasks import end_tasks
from tests.support.prv_site import HandClock


class Parts:
    """A collector over a real spool whose disk can be full."""

    def __init__(self, folder: Path) -> None:
        self.connection = open_database(folder)
        self.database = DatabaseThread()
        self.spool = Spool(self.connection)
        self.full = False
        self.commits = 0
        append = self.spool.append

        def maybe(readings: Sequence[SpoolReading], **rest: Any) -> Any:
            if self.full:
                raise sqlite3.OperationalError("database or disk is full")
            self.commits += 1
            return append(readings, **rest)

        self.spool.append = maybe
        self.collector = Collector(
            spool=self.spool, database=self.database, clock=HandClock(), flush_s=0.02, on_commit=lambda: None
        )


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    made = Parts(tmp_path)
    yield made
    made.database.close()
    made.connection.close()


def readings(n: int, start: int = 0) -> list[SpoolReading]:
    return [SpoolReading(device="m", metric="x", time_ms=start + i, value=float(i)) for i in range(n)]


async def test_many_puts_share_a_commit(parts: Parts) -> None:
    task = asyncio.create_task(parts.collector.run())
    for i in range(20):
        await parts.collector.put(readings(5, i * 5))
    async with asyncio.timeout(60):
        while (last := parts.collector.last("m", "x")) is None or last.time_ms < 99:  # known once it is spooled
            await asyncio.sleep(0.01)
    assert parts.spool.stats().spooled == 100
    assert parts.commits < 5
    assert (last.value, last.time_ms) == (4.0, 99)
    task.cancel()


async def test_a_full_disk_loses_nothing_and_holds_the_pollers(parts: Parts) -> None:
    parts.full = True
    await parts.collector.put(readings(5000))
    with pytest.raises(sqlite3.OperationalError):
        await parts.collector.flush()
    waiting = asyncio.create_task(parts.collector.put(readings(1)))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    assert parts.collector.last("m", "x") is None
    parts.full = False
    await parts.collector.flush()
    await waiting
    await parts.collector.flush()
    assert parts.spool.stats().spooled == 5001


async def test_a_flush_that_is_cancelled_is_not_made_again(parts: Parts) -> None:
    await parts.collector.put(readings(10))
    task = asyncio.create_task(parts.collector.flush())
    await asyncio.sleep(0)
    await end_tasks([task])
    await parts.collector.flush()
    await parts.database.run(lambda: None)
    assert parts.spool.stats().spooled == 10
