"""Ending tasks for sure, for everything that speaks MQTT through aiomqtt."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

_CANCEL_AGAIN_S = 0.2


async def end_tasks(tasks: Collection[asyncio.Task[Any]]) -> None:
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
