"""What is dead does not take the living with it: the complaints of other gateways' users, measured.

thingsboard-gateway #932, #799, #164 (one dead device: the others hours late); telegraf #11782 (one slave off: the whole bus lost).
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import time
from typing import Any

import pytest

from domain.clock import WallClock
from edge.bus import BusActor, bus_for
from edge.collector import Collector
from edge.database import DatabaseThread, open_database
from edge.device import DeviceLink, link_device
from edge.health import Breaker
from edge.poller import PollCounters, Poller
from edge.readings import SpoolReading
from edge.settings import BusSettings, DeviceSettings
from edge.spool import Spool
from protocols.modbus.profile import load_model
from protocols.modbus.server import RegisterBank, RegisterServer
from protocols.tasks import end_tasks
from tests.support.rtu_peer import RtuPeer, of_banks

MODEL = "generic_tank_level"


class Watched(Collector):
    """Notes when each device's readings came."""

    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        self.seen: Counter[str] = Counter()

    async def put(self, readings: Sequence[SpoolReading]) -> None:
        self.seen.update({r.device for r in readings})
        await super().put(readings)


@dataclass
class Plant:
    collector: Watched
    clock: WallClock
    counters: PollCounters = field(default_factory=PollCounters)
    reached: dict[str, bool] = field(default_factory=dict)

    def poller(self, link: DeviceLink) -> Poller:
        return Poller(
            link=link,
            clock=self.clock,
            collector=self.collector,
            counters=self.counters,
            on_reached=lambda device, reached: self.reached.update({device: reached}),
        )


@pytest.fixture
async def plant(tmp_path: Path) -> AsyncIterator[Plant]:
    connection, database, clock = open_database(tmp_path), DatabaseThread(), WallClock(wall=time)
    collector = Watched(spool=Spool(connection), database=database, clock=clock, flush_s=0.05, on_commit=lambda: None)
    task = asyncio.create_task(collector.run())
    yield Plant(collector, clock)
    await end_tasks([task])
    database.close()
    connection.close()


def device(key: str, **settings: Any) -> DeviceSettings:
    usual: dict[str, Any] = {"key": key, "model": MODEL, "unit_id": 1, "period_s": 0.5, "timeout_s": 0.5}
    return DeviceSettings(**usual | settings)


@contextlib.asynccontextmanager
async def at_work(*tasks: Callable[[], Coroutine[Any, Any, object]]) -> AsyncIterator[None]:
    running = [asyncio.create_task(task()) for task in tasks]
    try:
        yield
    finally:
        await end_tasks(running)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(90):
        while not condition():
            await asyncio.sleep(0.01)


async def test_one_dead_of_ten_on_tcp_leaves_the_others_as_fast(plant: Plant) -> None:
    """Latency of the nine others, each poll from asking to spool: p99 with the tenth dead, against the tenth alive, in turns."""
    banks = [RegisterBank(load_model(MODEL)) for _ in range(10)]
    async with contextlib.AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(RegisterServer({1: bank})) for bank in banks]
        links = []
        for i, server in enumerate(servers):
            bus = BusActor("127.0.0.1", server.port)
            await stack.enter_async_context(at_work(bus.run))
            links.append(link_device(device(f"d{i}", host="127.0.0.1", port=server.port, timeout_s=1.0), bus))
        pollers = [plant.poller(link) for link in links]
        loop = asyncio.get_running_loop()
        times: dict[bool, list[float]] = {True: [], False: []}

        async def keep_asking(poller: Poller) -> None:
            while True:
                await poller.poll()
                await asyncio.sleep(0.005)

        async def timed(poller: Poller, into: list[float]) -> None:
            for _ in range(60):
                began = loop.time()
                await poller.poll()
                into.append((loop.time() - began) * 1000)
                await asyncio.sleep(0.002)

        async with at_work(lambda: keep_asking(pollers[9])):
            for _ in range(5):
                for dead in (False, True):
                    banks[9].silent = dead
                    await asyncio.gather(*(timed(poller, times[dead]) for poller in pollers[:9]))
        p99 = {dead: statistics.quantiles(found, n=100)[98] for dead, found in times.items()}
    # A tenth of a second is the timeout's tenth: a dead device that held the others up would cost a second each. The sharp limit
    # of the goal is +10 ms; the machine's own noise is allowed for by the measured p99 itself.
    assert p99[True] <= p99[False] + max(10.0, p99[False]), p99


async def test_three_dead_of_ten_on_one_rtu_bus_leave_the_others_their_samples(plant: Plant) -> None:
    """Ten units at 0.5 s on one line, each question 10 ms of air: after the breakers have opened, the seven miss nothing."""
    banks = {unit: RegisterBank(load_model(MODEL)) for unit in range(1, 11)}
    dead = {8, 9, 10}
    for unit in dead:
        banks[unit].silent = True
    async with RtuPeer(of_banks(banks)) as peer:
        peer.air_s = 0.01
        settings = BusSettings(key="rs485", host="127.0.0.1", port=peer.port, quiet_s=0.5)
        bus = bus_for("", 0, settings)
        links = [link_device(device(f"u{u}", bus=settings, unit_id=u, period_s=1.0, timeout_s=0.3), bus) for u in banks]
        pollers = [plant.poller(link) for link in links]
        async with at_work(bus.run, *(p.run for p in pollers)):
            await until(lambda: all(p.breaker is not Breaker.CLOSED for p in pollers[7:]))
            await until(lambda: all(p.answers for p in pollers[:7]))
            before, began = Counter(plant.collector.seen), asyncio.get_running_loop().time()
            asked = len(peer.asked_of)
            await asyncio.sleep(15)
            took = asyncio.get_running_loop().time() - began
            got = {u: plant.collector.seen[f"u{u}"] - before[f"u{u}"] for u in banks if u not in dead}
            probes = sum(unit in dead for unit in peer.asked_of[asked:])
        assert all(n >= 0.9 * (took - 1) for n in got.values()), got
        assert probes * 0.3 <= 0.1 * took + 0.1 + 0.3, probes  # a tenth of the time, what was saved up, and one owed for
        assert plant.reached == {f"u{u}": False for u in dead}


async def test_a_dead_unit_comes_back_by_itself(plant: Plant) -> None:
    banks = {unit: RegisterBank(load_model(MODEL)) for unit in (1, 2)}
    banks[2].silent = True
    async with RtuPeer(of_banks(banks)) as peer:
        settings = BusSettings(key="rs485", host="127.0.0.1", port=peer.port, quiet_s=0.05, baud=115200)
        bus = bus_for("", 0, settings)
        links = [link_device(device(f"u{u}", bus=settings, unit_id=u, period_s=0.1, timeout_s=0.1), bus) for u in banks]
        pollers = [plant.poller(link) for link in links]
        async with at_work(bus.run, *(p.run for p in pollers)):
            await until(lambda: pollers[1].breaker is Breaker.OPEN and pollers[0].answers > 3)
            banks[2].silent = False
            await until(lambda: pollers[1].reached and pollers[1].answers > 0)
        assert plant.reached == {"u2": True}
        assert plant.counters.probes >= 1


async def test_a_commands_turn_comes_before_the_polls_of_a_busy_bus(plant: Plant) -> None:
    """thingsboard-gateway #1841: calls and polls overlapped on one device, and answers were lost."""
    model = load_model("khettara_prv_plc")
    bank = RegisterBank(model)
    bank.set("setpoint_m", 40)
    async with RtuPeer(of_banks({1: bank})) as peer:
        peer.air_s = 0.005
        settings = BusSettings(key="rs485", host="127.0.0.1", port=peer.port, baud=115200)
        bus = bus_for("", 0, settings)
        link = link_device(device("prv", model="khettara_prv_plc", bus=settings, timeout_s=20.0), bus)

        async def keep_asking() -> None:
            poller = plant.poller(link)
            while True:
                await poller.poll()

        from protocols.modbus.profile import encode_write

        async with at_work(bus.run, *([keep_asking] * 8)):
            for value in (35.0, 36.0, 37.0):
                assert await link.write(encode_write(model, "setpoint_m", value), allowed=lambda: True)
                assert await link.read_field("setpoint_m") == value
        assert plant.counters.failed == 0
