"""What the gateway's benchmarks share: servers in a process of their own, and a gateway's parts between the wire and the disk."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from domain.clock import WallClock
from edge.bus import BusActor
from edge.collector import Collector
from edge.database import DatabaseThread, open_database
from edge.device import DeviceLink
from edge.device_settings import DeviceSettings
from edge.poller import PollCounters, Poller
from edge.spool import Spool
from edge.waiting import end_tasks
from protocols.modbus.profile import DeviceModel, load_model, parse_model, plan
from protocols.modbus.server import RegisterBank, RegisterServer

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

PRV_MODEL = "generic_prv_controller"
SETPOINT_M = 40.0
_FIELDS = [
    {"name": f"power_{i}_kw", "function": "holding", "address": 2 * i, "type": "float32", "order": "CDAB", "unit": "W",
     "quantity": "power", "resolution": "0.001"}
    for i in range(5)
]  # fmt: skip


def ten_registers() -> DeviceModel:
    """A device of five floats in a row."""
    return parse_model({"name": "ten_registers", "field": _FIELDS}, "ten_registers.toml")


class BenchSite:
    """The parts of a gateway between the wire and the disk."""

    def __init__(self, folder: Path) -> None:
        self.clock = WallClock(wall=time.time)
        self.counters = PollCounters()
        self._model = ten_registers()
        self.connection = open_database(folder)
        self.database = DatabaseThread()
        self.spool = Spool(self.connection)
        self.collector = Collector(spool=self.spool, database=self.database, clock=self.clock, flush_s=0.25, on_commit=lambda: None)
        self.tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> BenchSite:
        self.tasks.append(asyncio.create_task(self.collector.run()))
        return self

    async def __aexit__(self, *_: object) -> None:
        await end_tasks(self.tasks)
        await self.collector.flush()
        self.database.close()
        self.connection.close()

    def link(self, key: str, port: int, period_s: float, *, bus: BusActor | None = None, timeout_s: float = 10.0) -> DeviceLink:
        """A device with ten registers, on a bus of its own unless one is given."""
        if bus is None:
            bus = BusActor("127.0.0.1", port)
            self.tasks.append(asyncio.create_task(bus.run()))
        settings = DeviceSettings(
            key=key, model="ten_registers", host="127.0.0.1", port=port, unit_id=1, period_s=period_s, timeout_s=timeout_s
        )
        return DeviceLink(settings=settings, model=self._model, requests=plan(self._model), bus=bus)

    def poller(self, link: DeviceLink) -> Poller:
        """Polls the device into the spool."""
        return Poller(
            link=link, clock=self.clock, collector=self.collector, counters=self.counters, on_reached=lambda _device, _reached: None
        )


@contextmanager
def servers(count: int) -> Iterator[list[int]]:
    """Ports of so many Modbus servers, all in one other process."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, count), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send(None)
        process.join(10)
        if process.is_alive():
            process.terminate()
            process.join()


def _serve(pipe: Connection, count: int) -> None:
    async def run() -> None:
        running = []
        for _ in range(count):
            bank, valve = RegisterBank(ten_registers()), RegisterBank(load_model(PRV_MODEL))
            for i in range(len(_FIELDS)):
                bank.set(f"power_{i}_kw", 45.678 * (i + 1))
            valve.set("setpoint_m", SETPOINT_M)
            server = RegisterServer({1: bank, 2: valve})
            await server.start()
            running.append(server)
        pipe.send([server.port for server in running])
        await asyncio.to_thread(pipe.recv)
        for server in running:
            await server.stop()

    asyncio.run(run())
