"""One request at a time, commands first, and a caller's fault is the caller's."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial

import pytest

from domain.errors import DeviceTimeout
from edge.bus import BusActor, Priority
from protocols.tasks import end_tasks


@contextlib.asynccontextmanager
async def running(bus: BusActor) -> AsyncIterator[None]:
    task = asyncio.create_task(bus.run())
    try:
        yield
    finally:
        await end_tasks([task])


async def test_a_command_waits_for_the_request_under_way_and_nothing_else() -> None:
    bus, order, gate = BusActor("127.0.0.1", 1), [], asyncio.Event()
    active = 0

    async def job(name: str) -> str:
        nonlocal active
        active += 1
        assert active == 1
        order.append(name)
        if name == "poll 0":
            await gate.wait()
        await asyncio.sleep(0)
        active -= 1
        return name

    async with running(bus):
        first = asyncio.create_task(bus.submit(Priority.POLL, lambda: job("poll 0")))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        rest = [
            asyncio.create_task(bus.submit(p, partial(job, n)))
            for p, n in [
                (Priority.POLL, "poll 1"),
                (Priority.POLL, "poll 2"),
                (Priority.READ_BACK, "back"),
                (Priority.COMMAND, "command"),
            ]
        ]
        await asyncio.sleep(0)
        gate.set()
        assert await asyncio.gather(first, *rest) == ["poll 0", "poll 1", "poll 2", "back", "command"]
    assert order == ["poll 0", "command", "back", "poll 1", "poll 2"]


async def test_a_fault_reaches_its_caller_and_the_queue_goes_on() -> None:
    bus = BusActor("127.0.0.1", 1)

    async def bad() -> None:
        raise DeviceTimeout("no answer")

    async def good() -> int:
        return 7

    async with running(bus):
        with pytest.raises(DeviceTimeout):
            await bus.submit(Priority.POLL, bad)
        assert await bus.submit(Priority.POLL, good) == 7


async def test_what_nobody_waits_for_any_more_is_not_done() -> None:
    bus, done, gate = BusActor("127.0.0.1", 1), [], asyncio.Event()

    async def job(name: str) -> None:
        done.append(name)
        await gate.wait()

    async with running(bus):
        first = asyncio.create_task(bus.submit(Priority.POLL, lambda: job("first")))
        gone = asyncio.create_task(bus.submit(Priority.COMMAND, lambda: job("gone")))
        while not done:
            await asyncio.sleep(0)
        other = first if done == ["gone"] else gone
        other.cancel()
        await asyncio.sleep(0)
        gate.set()
        await asyncio.gather(first, gone, return_exceptions=True)
        await bus.submit(Priority.POLL, lambda: job("last"))
    assert len(done) == 2
