from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from console.feed import Feed
from console.ports import ConsoleOptions
from console.snapshot import Snapshot
from domain.ports import ZoneNow
from tests.support.console_services import ConsoleWorld, console_world


async def feed_of(poll_s: float = 0.01, heartbeat_s: float = 15.0) -> tuple[Feed, ConsoleWorld]:
    world = await console_world()
    return Feed(replace(world.services, options=ConsoleOptions(poll_s=poll_s, heartbeat_s=heartbeat_s))), world


async def take(feed: Feed, count: int) -> list[Snapshot | None]:
    found: list[Snapshot | None] = []
    async with asyncio.timeout(30):
        async for snapshot in feed.watch():
            found.append(snapshot)
            if len(found) == count:
                break
    return found


async def test_snapshots_come_one_after_another() -> None:
    feed, _ = await feed_of()
    numbers = [s.number for s in await take(feed, 4) if s]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == 4
    await feed.close()


async def test_many_watchers_share_one_poller() -> None:
    feed, world = await feed_of()
    reads = 0
    real = world.town.zones_now

    async def counted() -> Sequence[ZoneNow]:
        nonlocal reads
        reads += 1
        return await real()

    world.town.zones_now = counted
    found = await asyncio.gather(*(take(feed, 3) for _ in range(20)))
    assert all(len(f) == 3 for f in found)
    assert reads < 20
    await feed.close()


async def test_it_rests_when_nobody_looks() -> None:
    feed, _ = await feed_of()
    await take(feed, 2)
    async with asyncio.timeout(30):
        while feed._task is not None and not feed._task.done():
            await asyncio.sleep(0.01)
    assert len(await take(feed, 2)) == 2, "and wakes up again"
    await feed.close()


async def test_a_source_that_fails_is_said_and_the_last_known_stays() -> None:
    feed, world = await feed_of()
    first = await feed.current()
    world.town.broken = True
    await asyncio.sleep(0.02)
    second = await feed.current()
    assert second.problem == "source"
    assert second.zones == first.zones
    assert second.number > first.number
    world.town.broken = False
    await asyncio.sleep(0.02)
    assert (await feed.current()).problem == ""


async def test_a_source_that_fails_at_once_gives_an_empty_page_not_an_error() -> None:
    feed, world = await feed_of()
    world.town.broken = True
    found = await feed.current()
    assert (found.problem, found.zones) == ("source", ())


async def test_a_heartbeat_when_nothing_comes() -> None:
    feed, _ = await feed_of(poll_s=30, heartbeat_s=0.02)
    assert (await take(feed, 3))[1:] == [None, None]
    await feed.close()


async def test_closing_ends_the_streams() -> None:
    feed, _ = await feed_of(poll_s=30)

    async def watch() -> int:
        return len([s async for s in feed.watch()])

    task = asyncio.create_task(watch())
    async with asyncio.timeout(30):
        while feed.watchers == 0:
            await asyncio.sleep(0.01)
    await feed.close()
    assert await asyncio.wait_for(task, 30) >= 1
    assert feed.watchers == 0
