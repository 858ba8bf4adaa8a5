"""One actor per address or line: whatever speaks to it goes through one queue, one request outstanding.

command > read back > billing > fast > slow: a command waits for the request under way and for nothing else.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import IntEnum
from random import Random
from typing import Any, TypeVar

from edge.device_settings import BusSettings
from edge.health import DeadTime
from protocols.modbus.client import ModbusClient
from protocols.modbus.fieldbus import FieldClient
from protocols.modbus.rtu_client import RtuClient
from protocols.modbus.rtu_line import RtuLine
from protocols.modbus.rtu_wires import SerialWire, TcpWire

T = TypeVar("T")

MakeClient = Callable[[int, float], FieldClient]
"""(unit id, timeout [s]) → the way to that unit."""


class Priority(IntEnum):
    """What goes first."""

    COMMAND = 0
    READ_BACK = 1
    BILLING = 2
    POLL = 3
    """A poll that comes often."""
    SLOW = 4
    """A poll that can wait."""


@dataclass(order=True, slots=True)
class _Job:
    priority: Priority
    number: int
    call: Callable[[], Awaitable[Any]] = field(compare=False)
    answer: asyncio.Future[Any] = field(compare=False)


class BusActor:
    """The queue of one address. It is as long as the number of its callers, for each waits for its answer."""

    def __init__(self, host: str = "", port: int = 0, *, make_client: MakeClient | None = None) -> None:
        """Modbus TCP at ``host`` and ``port``, unless ``make_client`` knows another way."""
        self._make_client = make_client or (lambda unit, timeout: ModbusClient(host, port, unit_id=unit, timeout_s=timeout))
        self._clients: dict[tuple[int, float], FieldClient] = {}
        self._jobs: asyncio.PriorityQueue[_Job] = asyncio.PriorityQueue()
        self._numbers = itertools.count()
        self.dead_time = DeadTime()
        """What may be spent on units that are not reached."""

    def client(self, unit_id: int, timeout_s: float) -> FieldClient:
        """The connection to one unit; use it only inside a job."""
        found = self._clients.get((unit_id, timeout_s))
        if found is None:
            found = self._clients[unit_id, timeout_s] = self._make_client(unit_id, timeout_s)
        return found

    async def forget(self, unit_id: int) -> None:
        """Closes and forgets the connections to a unit, when their turn comes; the next question opens a new one."""
        for key in [key for key in self._clients if key[0] == unit_id]:
            await self.submit(Priority.SLOW, self._clients.pop(key).close)

    @property
    def shared(self) -> bool:
        """Whether more than one unit hangs on it."""
        return len({unit for unit, _ in self._clients}) > 1

    async def spare_time(self, random: Random) -> None:
        """Returns when a unit that is not reached may be asked once without the others paying for it."""
        loop = asyncio.get_running_loop()
        while self.shared and not self.dead_time.allowed(loop.time()):  # noqa: ASYNC110  (time is what it waits for)
            await asyncio.sleep(self.dead_time.wait_s(loop.time()) * random.uniform(1.0, 1.5))

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


def bus_for(host: str, port: int, settings: BusSettings | None) -> BusActor:
    """The actor of an RTU line, or of a Modbus TCP address where there is none."""
    if settings is None:
        return BusActor(host, port)
    wire = (
        TcpWire(settings.host, settings.port, baud=settings.baud)
        if settings.serial is None
        else SerialWire(settings.serial, baud=settings.baud, parity=settings.parity, stop_bits=settings.stop_bits)
    )
    line = RtuLine(wire, quiet_s=settings.quiet_s)
    return BusActor(make_client=lambda unit, timeout: RtuClient(line, unit_id=unit, timeout_s=timeout))
