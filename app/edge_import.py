"""A gateway's history files through its own spool: spooled, sent, acknowledged, and only then done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from app.files import write_json
from app.logs import configure_logs
from domain.errors import KhettaraError
from edge.feeder import Feeder
from edge.settings import EdgeSettings
from edge.spool import SpoolStats


class ImportInterrupted(KhettaraError):
    """The import was asked to stop before everything was acknowledged; the spool keeps what is left."""


async def import_history_files(settings: EdgeSettings, stop: asyncio.Event) -> None:
    """Spools every file of ``[history]`` and waits until the database has every reading.

    Progress goes to ``import.json`` in the gateway's state folder: ``spooled`` and ``waiting`` readings.
    """
    configure_logs(f"import {settings.node}")

    def tell(stats: SpoolStats) -> None:
        write_json(settings.state_dir / "import.json", {"spooled": stats.spooled, "waiting": stats.depth_readings})

    feeder = Feeder(
        group=settings.group,
        node=settings.node,
        state_dir=settings.state_dir,
        broker=settings.broker,
        clock=settings.clock.build(),
        host_id=settings.host_id,
    )
    async with feeder:
        work = asyncio.create_task(_deliver(feeder, settings, tell))
        asking = asyncio.create_task(stop.wait())
        await asyncio.wait({work, asking}, return_when=asyncio.FIRST_COMPLETED)
        asking.cancel()
        if not work.done():
            work.cancel()
            raise ImportInterrupted("stopped before every reading was acknowledged; the next start goes on from here")
        work.result()


async def _deliver(feeder: Feeder, settings: EdgeSettings, tell: Callable[[SpoolStats], None]) -> None:
    for file in settings.history:
        await feeder.append_file(file)
    await feeder.drain(tell)
