"""Waiting, by the wall's clock and by the process clock, and ending tasks for sure."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from domain.ports import Clock

_LONGEST_NAP_S = 5.0
_CANCEL_AGAIN_S = 0.2


async def wait_for(event: asyncio.Event, seconds: float) -> bool:
    """Whether the event was set within this many wall seconds."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


async def sleep_until(clock: Clock, moment: datetime) -> None:
    """Returns when the clock shows ``moment``; in short naps, so that a wall clock set by NTP is noticed."""
    while clock.now() < moment:  # noqa: ASYNC110  (a clock has no event)
        await asyncio.sleep(min(max(clock.wall_delay(moment), 0.001), _LONGEST_NAP_S))


async def end_tasks(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancels tasks until each has ended; their exceptions are left in them.

    Once is not enough: on Python 3.11 ``asyncio.wait_for``, which the libraries below us use, swallows a cancellation that arrives
    together with the result it waits for.
    """
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_CANCEL_AGAIN_S)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # looked at here, so that asyncio does not complain of those that failed side by side
