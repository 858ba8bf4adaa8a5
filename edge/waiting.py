"""Waiting, by the wall's clock and by the process clock, and ending tasks for sure."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from domain.ports import Clock
from protocols.tasks import end_tasks

__all__ = ["end_tasks", "sleep_until", "wait_for"]

_LONGEST_NAP_S = 5.0
_SET_BACK = timedelta(seconds=1)


async def wait_for(event: asyncio.Event, seconds: float) -> bool:
    """Whether the event was set within this many wall seconds."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


async def sleep_until(clock: Clock, moment: datetime) -> None:
    """Returns when the clock shows ``moment``, or was set back: in short naps, so that a wall clock set by NTP is noticed."""
    before = clock.now()
    while before - _SET_BACK <= (now := clock.now()) < moment:
        before = now
        await asyncio.sleep(min(max(clock.wall_delay(moment), 0.001), _LONGEST_NAP_S))
