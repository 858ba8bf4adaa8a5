"""Work that comes back by the clock, and goes on when one turn of it fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from domain.clock import next_tick
from domain.errors import KhettaraError
from domain.ports import Clock

log = structlog.get_logger(__name__)
Work = Callable[[datetime], Awaitable[object]]


async def every(name: str, clock: Clock, stop: asyncio.Event, work: Work, *, period_s: float, phase_s: float = 0.0) -> None:
    """Calls ``work(now)`` at whole multiples of ``period_s`` process seconds plus ``phase_s``, until ``stop``.

    A turn that overruns makes the next ones skipped, never queued. A turn that fails is logged, and the next one comes.
    """
    while not stop.is_set():
        due = next_tick(clock.now(), timedelta(seconds=period_s), timedelta(seconds=phase_s))
        if await stopped_within(stop, clock.wall_delay(due)):
            return
        await _turn(name, work, clock.now())


async def every_wall(name: str, stop: asyncio.Event, work: Callable[[], Awaitable[object]], *, period_s: float) -> None:
    """Calls ``work()`` every ``period_s`` wall seconds until ``stop``."""
    while not await stopped_within(stop, period_s):
        await _turn(name, lambda _now: work(), None)


async def stopped_within(stop: asyncio.Event, seconds: float) -> bool:
    """Waits up to so many wall seconds; True if ``stop`` was set."""
    try:
        await asyncio.wait_for(stop.wait(), timeout=seconds)
    except TimeoutError:
        return False
    return True


async def _turn(name: str, work: Callable[..., Awaitable[object]], now: datetime | None) -> None:
    try:
        await work(now)
    except KhettaraError as error:
        log.warning("turn failed", loop=name, error=str(error), retryable=error.retryable)
    except Exception:  # a supervisor: one failed round is logged, the next one runs
        log.exception("turn failed", loop=name)
