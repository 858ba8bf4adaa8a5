"""Ending tasks, and waiting by a clock."""

from __future__ import annotations

import asyncio

from edge.waiting import end_tasks, sleep_until, wait_for
from tests.support.prv_site import START, HandClock


async def test_a_task_that_swallows_a_cancellation_ends_all_the_same() -> None:
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                swallowed += 1
                if swallowed == 3:
                    raise

    async def faulty() -> None:
        raise ValueError("seen, not raised")

    tasks = [asyncio.create_task(stubborn()), asyncio.create_task(faulty())]
    await asyncio.sleep(0)
    await end_tasks(tasks)
    assert swallowed == 3
    assert all(t.done() for t in tasks)


async def test_wait_for_tells_whether_it_came() -> None:
    event = asyncio.Event()
    assert not await wait_for(event, 0.0)
    event.set()
    assert await wait_for(event, 60.0)


async def test_sleep_until_follows_the_clock_and_not_its_own_count() -> None:
    clock = HandClock()
    task = asyncio.create_task(sleep_until(clock, START.replace(hour=3)))
    await asyncio.sleep(0.05)
    assert not task.done()
    clock.advance(3600)
    async with asyncio.timeout(60):
        await task


async def test_sleep_until_returns_when_the_clock_is_set_back() -> None:
    """Or a gateway would be silent for as long as its clock was ahead."""
    clock = HandClock()
    task = asyncio.create_task(sleep_until(clock, START.replace(hour=3)))
    await asyncio.sleep(0.05)
    assert not task.done()
    clock.advance(-7200)
    async with asyncio.timeout(60):
        await task
