"""What came from the broker and waits to be decoded: bounded in messages and bytes, handed out in batches of (topic, payload)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

Received = tuple[str, bytes]


class Inbox:
    """A queue with one reader. What does not fit is dropped and told: gateways send it again."""

    def __init__(self, *, max_messages: int, max_bytes: int, on_full: Callable[[], None]) -> None:
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._on_full = on_full
        self._waiting: deque[Received] = deque()
        self._bytes = 0
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, topic: str, payload: bytes) -> None:
        """Takes a message in, if there is room."""
        if len(self._waiting) >= self._max_messages or self._bytes >= self._max_bytes:
            self._on_full()
            return
        self._waiting.append((topic, payload))
        self._bytes += len(payload)
        self._filled.set()

    async def take(self, *, messages: int, size: int) -> list[Received]:
        """What waits, in its order: at least one message, at most so many, and no more once ``size`` bytes are reached."""
        await self._filled.wait()
        taken: list[Received] = []
        while self._waiting and len(taken) < messages and size > 0:
            found = self._waiting.popleft()
            taken.append(found)
            self._bytes -= len(found[1])
            size -= len(found[1])
        if not self._waiting:
            self._filled.clear()
        return taken
