"""Several transactions at a time: each gateway has its lane, so that lanes never meet in the ledger.

    works ──by gateway──▶ lane: backlog ─▶ writer ─▶ store
                     └──▶ lane: backlog ─▶ writer ─▶ store

While one lane waits for its COMMIT, the database works on another. Within a lane everything keeps its order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar
from zlib import crc32

from domain.ports import IngestStore
from ingest.backlog import Backlog, Work
from ingest.intake import Intake
from ingest.metrics import IngestMetrics
from ingest.outbox import Outbox
from ingest.settings import BatchSettings
from ingest.writer import Writer

T = TypeVar("T")


class Lanes:
    """Backlogs and their writers; together they hold no more than one would."""

    def __init__(self, store: IngestStore, *, outbox: Outbox, metrics: IngestMetrics, settings: BatchSettings) -> None:
        self._metrics = metrics
        self._backlogs = [Backlog(max_rows=max(1, settings.backlog_rows // settings.lanes)) for _ in range(settings.lanes)]
        self._writers = [
            Writer(store, backlog=backlog, outbox=outbox, metrics=metrics, settings=settings) for backlog in self._backlogs
        ]

    async def run(self) -> None:
        """Writes until closed and empty."""
        async with asyncio.TaskGroup() as group:
            for writer in self._writers:
                group.create_task(writer.run(), name="ingest-write")

    async def put(self, works: Sequence[Work]) -> None:
        """Adds work; waits while a lane that it belongs to is full."""
        parts: list[list[Work]] = [[] for _ in self._backlogs]
        for work in works:
            parts[crc32(edge_of(work.intake).encode(errors="replace")) % len(parts)].append(work)
        for backlog, part in zip(self._backlogs, parts, strict=True):
            if part:
                await backlog.put(part)
        self._metrics.backlog(sum(backlog.rows for backlog in self._backlogs))

    async def close(self) -> None:
        """Says that nothing more will come."""
        for backlog in self._backlogs:
            await backlog.close()

    async def patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """See ``Writer.patiently``."""
        return await self._writers[0].patiently(call)


def edge_of(intake: Intake) -> str:
    """The gateway that an intake is about; empty where it is about none."""
    if intake.block is not None:
        return intake.block.stream.edge if intake.block.stream is not None else intake.block.edge
    if intake.gateway is not None:
        return intake.gateway.edge
    if intake.bindings:
        return intake.bindings[0].stream.edge
    return intake.letters[0].edge if intake.letters else ""
