"""What waits is bounded in messages and bytes."""

from __future__ import annotations

import asyncio

import aiomqtt

from ingest.fast_reader import InboxQueue
from ingest.inbox import Inbox


def inbox(told: list[int], *, messages: int = 3, size: int = 100) -> Inbox:
    return Inbox(max_messages=messages, max_bytes=size, on_full=lambda: told.append(1))


async def test_it_is_full_at_so_many_messages_or_bytes() -> None:
    told: list[int] = []
    box = inbox(told)
    box.add("t", bytes(60))
    box.add("t", bytes(60))
    box.add("t", b"1")
    assert told == [1], "the bytes are used up"
    assert [len(p) for _, p in await box.take(messages=1, size=1000)] == [60]
    box.add("t", b"")
    box.add("t", b"")
    box.add("t", b"")
    assert told == [1, 1], "so are the places"


async def test_it_hands_out_in_order_and_in_pieces() -> None:
    box = inbox([], messages=100, size=1000)
    for number in range(5):
        box.add(str(number), bytes(10))
    assert [t for t, _ in await box.take(messages=2, size=1000)] == ["0", "1"]
    assert [t for t, _ in await box.take(messages=9, size=11)] == ["2", "3"], "no more once the size is reached"
    assert [t for t, _ in await box.take(messages=9, size=1000)] == ["4"]
    waiting = asyncio.create_task(box.take(messages=1, size=1))
    await asyncio.sleep(0)
    assert not waiting.done()
    InboxQueue(box).put_nowait(aiomqtt.Message("late", b"x", 1, False, 1, None))
    assert await waiting == [("late", b"x")]
