"""Parts that must go on: what one of them throws is logged, and it starts again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

log = structlog.get_logger()

_RESTART_S = 1.0


async def supervise(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Runs a part until it returns by itself or is cancelled."""
    while True:
        try:
            await run()
        except Exception:  # a supervisor: what failed is logged and starts again
            log.exception("part_failed", part=name)
            await asyncio.sleep(_RESTART_S)
        else:
            return
