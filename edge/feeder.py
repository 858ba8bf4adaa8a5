"""A gateway without devices: it spools arrays and delivers them by the same road as a live one, until every receipt is there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from domain.ports import Clock
from edge.database import DatabaseThread, open_database
from edge.history import Columns, history_steps, spool_columns
from edge.settings import BrokerSettings
from edge.spool import Spool, SpoolStats
from edge.uplink import Uplink
from edge.waiting import wait_for
from edge.window import Window

_REPORT_S = 0.5


class Feeder:
    """Replays: ``append`` arrays or files, then ``drain``.

    async with Feeder(group="replay", node="csv", state_dir=folder, broker=broker, clock=clock) as feeder:
        await feeder.append("series", {"flow_m3h": (time_ms, value)}, key="file.csv")
        stats = await feeder.drain(progress)
    """

    def __init__(
        self,
        *,
        group: str,
        node: str,
        state_dir: Path,
        broker: BrokerSettings,
        clock: Clock,
        host_id: str = "khettara",
        window_blocks: int = 256,
        block_readings: int = 200,
        resend_s: float = 1.5,
        max_mb: int = 4096,
    ) -> None:
        self._clock = clock
        self._connection = open_database(state_dir)
        self._database = DatabaseThread()
        self._spool = Spool(self._connection, block_readings=block_readings, max_bytes=max_mb << 20)
        self._uplink = Uplink(
            group=group,
            node=node,
            host_id=host_id,
            broker=broker,
            clock=clock,
            spool=self._spool,
            database=self._database,
            window=Window(size=window_blocks, resend_s=resend_s, live_share=0.0),
            live_horizon_s=900.0,
        )
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Feeder:
        """Starts the connection."""
        self._task = asyncio.create_task(self._uplink.run(self._stop))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Publishes NDEATH and closes the spool; what has no receipt yet stays in it."""
        self._stop.set()
        if self._task is not None:
            await self._task
        self._database.close()
        self._connection.close()

    async def append(self, device: str, data: Columns, *, key: str) -> int:
        """Spools metric → (time_ms, value) of one device as history; returns how many readings it added.

        ``key`` names the import within the spool: the same key again adds nothing, an interrupted one goes on.
        """
        steps = spool_columns(self._spool, f"feed:{device}:{key}", lambda _: data, [device], self._now_ms())
        return await self._take(lambda: next(steps, 0))

    async def append_file(self, path: Path) -> int:
        """Spools a history file (see ``edge.history``); returns how many readings it added."""
        steps = history_steps(self._spool, path, now_ms=self._now_ms())
        return await self._take(lambda: next(steps, 0))

    async def drain(self, progress: Callable[[SpoolStats], None] | None = None) -> SpoolStats:
        """Waits until the database has every reading; calls ``progress`` about twice a second and at the end.

        Waits as long as it takes: put your own time limit around it.
        """
        while True:
            stats = await self._database.run(self._spool.stats)
            if progress is not None:
                progress(stats)
            if stats.depth_readings == 0:
                return stats
            await wait_for(self._uplink.drained, _REPORT_S)

    async def _take(self, step: Callable[[], int]) -> int:
        total = 0
        while count := await self._database.run(step):
            total += count
            self._uplink.notify()
        return total

    def _now_ms(self) -> int:
        return int(self._clock.timestamp() * 1000)
