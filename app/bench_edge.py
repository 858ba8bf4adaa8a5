"""``khettara bench edge``: what one core of a gateway carries, against Modbus servers in a process of their own.

Two figures. *Throughput*: 50 connections ask for 10 registers (five floats) as fast as they can, each answer is decoded and its
readings go through the collector into the spool on disk. *Schedule*: 400 devices at 1 s, each on time or not. CPU is this
process's own, so a busy machine slows the wall clock and not the figure per core.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import resource
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from domain.clock import WallClock
from edge.bus import BusActor
from edge.collector import Collector
from edge.database import DatabaseThread, open_database
from edge.device import DeviceLink
from edge.device_settings import DeviceSettings
from edge.poller import PollCounters, Poller
from edge.scheduler import next_due, phase_of
from edge.spool import Spool
from edge.waiting import end_tasks, sleep_until
from protocols.modbus.profile import DeviceModel, parse_model, plan
from protocols.modbus.server import RegisterBank, RegisterServer

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_FIELDS = [
    {"name": f"power_{i}_kw", "function": "holding", "address": 2 * i, "type": "float32", "order": "CDAB", "unit": "W",
     "quantity": "power", "resolution": "0.001"}
    for i in range(5)
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput:
    """Polls as fast as they go."""

    connections: int
    seconds: float
    polls: int
    readings_spooled: int
    polls_per_s: float
    polls_per_cpu_s: float
    """Per second of CPU of this process, its database thread included: what a core of its own would do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Polls at their time. The error is from when a poll was due to when it was asked for."""

    devices: int
    period_s: float
    seconds: float
    polls: int
    failed: int
    skipped: int
    error_p50_ms: float
    error_p99_ms: float
    cpu_share: float
    rss_mb: float
    rss_growth_mb: float
    """From a third of the run to its end."""


def run_bench(*, seconds: float, connections: int, devices: int, out: Path | None) -> str:
    """Runs both and returns them as text; writes JSON to ``out``."""
    with servers(min(devices, 400)) as ports:
        schedule = asyncio.run(_schedule([ports[i % len(ports)] for i in range(devices)], seconds))
    with servers(connections) as ports:
        throughput = asyncio.run(_throughput(ports, seconds))
    found = {"throughput": asdict(throughput), "schedule": asdict(schedule)}
    if out is not None:
        out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return "\n".join(f"{part}.{key}: {value:,.2f}" for part, rows in found.items() for key, value in rows.items())


async def _throughput(ports: list[int], seconds: float) -> Throughput:
    polls = 0

    async def go(link: DeviceLink, site: _Site, until: float) -> None:
        nonlocal polls
        poller = site.poller(link)
        while time.monotonic() < until:
            await poller.poll()
            polls += 1

    with TemporaryDirectory() as folder:
        async with _Site(Path(folder)) as site:
            links = [site.link(f"d{i}", port, 1.0) for i, port in enumerate(ports)]
            await asyncio.gather(*(go(link, site, time.monotonic() + 0.5) for link in links))  # connections and caches are warm
            polls, began, cpu = 0, time.monotonic(), time.process_time()
            await asyncio.gather(*(go(link, site, began + seconds) for link in links))
            await site.collector.flush()
            took, used = time.monotonic() - began, time.process_time() - cpu
            spooled = site.spool.stats().spooled
    return Throughput(
        connections=len(ports),
        seconds=took,
        polls=polls,
        readings_spooled=spooled,
        polls_per_s=polls / took,
        polls_per_cpu_s=polls / used,
    )


async def _schedule(ports: list[int], seconds: float, period_s: float = 1.0) -> Schedule:
    errors: list[float] = []
    sizes: list[float] = []

    async def go(link: DeviceLink, site: _Site) -> None:
        poller, phase = site.poller(link), phase_of(link.key, period_s)
        due = next_due(site.clock.now(), period_s, phase)
        while True:
            await sleep_until(site.clock, due)
            errors.append((site.clock.now() - due).total_seconds() * 1000)
            await poller.poll()
            due = next_due(max(site.clock.now(), due), period_s, phase)

    with TemporaryDirectory() as folder:
        async with _Site(Path(folder)) as site:
            tasks = [asyncio.create_task(go(site.link(f"d{i}", port, period_s), site)) for i, port in enumerate(ports)]
            await asyncio.sleep(2 * period_s)  # everybody has connected
            errors.clear()
            began, cpu, polls = time.monotonic(), time.process_time(), site.counters.polls
            for _ in range(3):
                await asyncio.sleep(seconds / 3)
                sizes.append(rss_mb())
            took, used = time.monotonic() - began, time.process_time() - cpu
            await end_tasks(tasks)
            polls = site.counters.polls - polls
            failed = site.counters.failed
    cuts = statistics.quantiles(errors, n=100) if len(errors) > 1 else [0.0] * 99
    return Schedule(
        devices=len(ports),
        period_s=period_s,
        seconds=took,
        polls=polls,
        failed=failed,
        skipped=max(0, round(len(ports) * took / period_s) - polls),
        error_p50_ms=cuts[49],
        error_p99_ms=cuts[98],
        cpu_share=used / took,
        rss_mb=sizes[-1],
        rss_growth_mb=sizes[-1] - sizes[0],
    )


def ten_registers() -> DeviceModel:
    """A device of five floats in a row."""
    return parse_model({"name": "ten_registers", "field": _FIELDS}, "ten_registers.toml")


def rss_mb() -> float:
    """Resident memory of this process now [MB]; where the machine does not tell, its peak."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError, ValueError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return pages * resource.getpagesize() / 1e6


class _Site:
    """The parts of a gateway between the wire and the disk."""

    def __init__(self, folder: Path) -> None:
        self.clock = WallClock(wall=time.time)
        self.counters = PollCounters()
        self._model = ten_registers()
        self._connection = open_database(folder)
        self._database = DatabaseThread()
        self.spool = Spool(self._connection)
        self.collector = Collector(
            spool=self.spool, database=self._database, clock=self.clock, flush_s=0.25, on_commit=lambda: None
        )
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> _Site:
        self._tasks.append(asyncio.create_task(self.collector.run()))
        return self

    async def __aexit__(self, *_: object) -> None:
        await end_tasks(self._tasks)
        await self.collector.flush()
        self._database.close()
        self._connection.close()

    def link(self, key: str, port: int, period_s: float) -> DeviceLink:
        """A device with ten registers, and its bus at work."""
        bus = BusActor("127.0.0.1", port)
        self._tasks.append(asyncio.create_task(bus.run()))
        settings = DeviceSettings(
            key=key, model="ten_registers", host="127.0.0.1", port=port, unit_id=1, period_s=period_s, timeout_s=10.0
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
            bank = RegisterBank(ten_registers())
            for i in range(len(_FIELDS)):
                bank.set(f"power_{i}_kw", 45.678 * (i + 1))
            server = RegisterServer({1: bank})
            await server.start()
            running.append(server)
        pipe.send([server.port for server in running])
        await asyncio.to_thread(pipe.recv)
        for server in running:
            await server.stop()

    asyncio.run(run())
