"""Running a service of ours in a process of its own."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable

Service = Callable[[asyncio.Event], Awaitable[None]]
"""Runs until the event is set."""


def serve(service: Service) -> None:
    """Runs a service until SIGINT or SIGTERM asks it to stop."""

    async def run() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for sig in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(sig, stop.set)
        await service(stop)

    asyncio.run(run())
