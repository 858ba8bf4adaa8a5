"""The queue between the broker's client and the reader is bounded, in messages and in bytes."""

from __future__ import annotations

import asyncio

import aiomqtt
import pytest

from ingest.connection import bounded_queue


def message(size: int) -> aiomqtt.Message:
    return aiomqtt.Message("t", bytes(size), 0, False, 1, None)


async def test_a_queue_is_full_at_so_many_messages_or_bytes() -> None:
    told: list[int] = []
    queue = bounded_queue(100, lambda: told.append(1))(maxsize=3)
    queue.put_nowait(message(60))
    queue.put_nowait(message(60))
    with pytest.raises(asyncio.QueueFull):
        queue.put_nowait(message(1))
    assert told == [1]
    assert len((await queue.get()).payload) == 60
    for _ in range(2):
        queue.put_nowait(message(0))
    with pytest.raises(asyncio.QueueFull):
        queue.put_nowait(message(0))
    assert len(told) == 2
