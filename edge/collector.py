"""Readings on their way from the pollers into the spool: a short wait in memory, then one commit for many."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from domain.ports import Clock
from edge.database import DatabaseThread
from edge.readings import SpoolReading
from edge.session import LastValue
from edge.waiting import wait_for

log = structlog.get_logger()

_COMMIT_AT = 500
_MOST_WAITING = 5000
_RETRY_S = 1.0


class Keeps(Protocol):
    """Where readings become durable: the spool, or the timekeeper before it."""

    def append(self, readings: Sequence[SpoolReading], *, now_ms: int) -> object:
        """Commits them in one transaction."""


class Collector:
    """Group commit: at the latest ``flush_s`` wall seconds after the first reading, or as soon as 500 wait."""

    def __init__(
        self, *, spool: Keeps, database: DatabaseThread, clock: Clock, flush_s: float, on_commit: Callable[[], None]
    ) -> None:
        self._spool = spool
        self._database = database
        self._clock = clock
        self._flush_s = flush_s
        self._on_commit = on_commit
        self._waiting: list[SpoolReading] = []
        self._last: dict[tuple[str, str], LastValue] = {}
        self._some = asyncio.Event()
        self._many = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._one_at_a_time = asyncio.Lock()

    def last(self, device: str, metric: str) -> LastValue | None:
        """The newest spooled value of a metric since the process began."""
        return self._last.get((device, metric))

    async def put(self, readings: Sequence[SpoolReading]) -> None:
        """Takes readings; waits while the disk is behind, so that polls are skipped and memory stays bounded."""
        await self._room.wait()
        self._waiting.extend(readings)
        if self._waiting:
            self._some.set()
        if len(self._waiting) >= _COMMIT_AT:
            self._many.set()
        if len(self._waiting) >= _MOST_WAITING:
            self._room.clear()

    async def run(self) -> None:
        """Commits again and again until cancelled. A disk that refuses is tried again; what it refused stays in memory."""
        while True:
            await self._some.wait()
            await wait_for(self._many, self._flush_s)
            try:
                await self.flush()
            except sqlite3.Error:
                log.exception("spool_write_failed", waiting=len(self._waiting))
                await asyncio.sleep(_RETRY_S)

    async def flush(self) -> None:
        """Commits what waits, now.

        Raises:
            sqlite3.Error: The disk refused; the readings still wait.
        """
        async with self._one_at_a_time:
            # Taken out first: if this task is cancelled now, the commit goes on in its thread and must not be made again.
            batch, self._waiting = self._waiting, []
            try:
                if batch:
                    await self._database.run(self._spool.append, batch, now_ms=int(self._clock.timestamp() * 1000))
            except sqlite3.Error:
                self._waiting = batch + self._waiting
                raise
            for reading in batch:
                self._last[reading.device, reading.metric] = LastValue(value=reading.value, time_ms=reading.time_ms)
            self._many.clear()
            if not self._waiting:
                self._some.clear()
            self._room.set()
        if batch:
            self._on_commit()
