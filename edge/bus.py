"""One actor per address: whatever speaks to ``host:port`` goes through one queue, one request outstanding.

command > read back > poll: a command waits for the request under way and for nothing else.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, TypeVar

from protocols.modbus.client import ModbusClient

T = TypeVar("T")


class Priority(IntEnum):
    """What goes first."""

    COMMAND = 0
    READ_BACK = 1
    POLL = 2


@dataclass(order=True, slots=True)
class _Job:
    priority: Priority
    number: int
    call: Callable[[], Awaitable[Any]] = field(compare=False)
    answer: asyncio.Future[Any] = field(compare=False)


class BusActor:
    """The queue of one address. It is as long as the number of its callers, for each waits for its answer."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._clients: dict[int, ModbusClient] = {}
        self._jobs: asyncio.PriorityQueue[_Job] = asyncio.PriorityQueue()
        self._numbers = itertools.count()

    def client(self, unit_id: int, timeout_s: float) -> ModbusClient:
        """The connection to one unit; use it only inside a job."""
        if unit_id not in self._clients:
            self._clients[unit_id] = ModbusClient(self._host, self._port, unit_id=unit_id, timeout_s=timeout_s)
        return self._clients[unit_id]

    async def submit(self, priority: Priority, call: Callable[[], Awaitable[T]]) -> T:
        """The result of ``call``, run when its turn comes. A caller that gives up before leaves it undone; begun, it ends."""
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.put_nowait(_Job(priority, next(self._numbers), call, answer))
        return await answer

    async def run(self) -> None:
        """Works through the queue until cancelled; then those who still wait are cancelled too."""
        job: _Job | None = None
        try:
            while True:
                job = await self._jobs.get()
                if not job.answer.done():
                    await self._work(job)
        finally:
            waiting = [job] if job is not None else []
            while not self._jobs.empty():
                waiting.append(self._jobs.get_nowait())
            for left in waiting:
                left.answer.cancel()
            for client in self._clients.values():
                await client.close()

    async def _work(self, job: _Job) -> None:
        try:
            result = await job.call()
        except Exception as error:  # noqa: BLE001  (the caller's own fault is the caller's to handle; the queue goes on)
            if not job.answer.done():
                job.answer.set_exception(error)
        else:
            if not job.answer.done():
                job.answer.set_result(result)
