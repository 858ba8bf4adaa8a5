"""Gateways that read devices now: the product's own collector, spool, window and uplink; only the device is left out."""

from __future__ import annotations

import asyncio
import math
import time
from pathlib import Path

from app.bench.stand import Stand
from app.bench.traffic import GROUP, Fleet, device_name, metric_name
from domain.clock import WallClock
from edge.collector import Collector
from edge.database import DatabaseThread, open_database
from edge.readings import SpoolReading
from edge.settings import BrokerSettings, SpoolSettings
from edge.spool import Spool
from edge.uplink import Uplink
from edge.waiting import end_tasks, wait_for
from edge.window import Window

_GATEWAYS, _METRICS = 5, 25


def live_fleet(rate: int) -> Fleet:
    """A fleet that makes about so many readings a second when each device is read once a second."""
    return Fleet(gateways=_GATEWAYS, devices=max(1, math.ceil(rate / (_GATEWAYS * _METRICS))), metrics=_METRICS)


class LiveGateway:
    """One gateway; reads each of its devices once in ``period_s``, one after the other."""

    def __init__(self, stand: Stand, number: int, folder: Path, *, period_s: float) -> None:
        self._fleet, self._number, self._period_s = stand.fleet, number, period_s
        self._connection = open_database(folder / f"gw-{number}")
        self._database = DatabaseThread()
        settings, clock = SpoolSettings(), WallClock(wall=time.time)
        spool = Spool(self._connection, block_readings=settings.block_readings)
        broker = stand.services.broker
        self._uplink = Uplink(
            group=GROUP,
            node=f"gw-{number}",
            host_id="khettara",
            broker=BrokerSettings(host=broker.host, port=broker.port, username=broker.username, password_file=broker.password_file),
            clock=clock,
            spool=spool,
            database=self._database,
            window=Window(size=settings.window_blocks, resend_s=settings.resend_s),
            live_horizon_s=settings.live_horizon_s,
        )
        self._collector = Collector(
            spool=spool,
            database=self._database,
            clock=clock,
            flush_s=settings.flush_ms / 1000,
            on_commit=self._uplink.notify,
        )
        self.spooled = asyncio.Event()
        """Set when no more is read and everything read is in the spool."""
        self.read_ms: list[tuple[int, int]] = []
        """(device, when it was read [ms since 1970 UTC]) of every block, in order."""

    async def run(self, reading: asyncio.Event, stop: asyncio.Event) -> None:
        """Reads until ``reading`` is set, delivers until ``stop`` is."""
        uplink, collector = asyncio.create_task(self._uplink.run(stop)), asyncio.create_task(self._collector.run())
        started, turn = time.monotonic(), 0
        while not reading.is_set():
            due = started + turn * self._period_s / self._fleet.devices
            await wait_for(reading, max(0.0, due - time.monotonic()))
            await self._read(turn % self._fleet.devices)
            turn += 1
        await end_tasks((collector,))
        await self._collector.flush()
        self.spooled.set()
        await stop.wait()
        await uplink
        self._database.close()
        self._connection.close()

    async def unacknowledged(self, before_ms: int) -> tuple[int, int]:
        """Blocks and readings spooled before a moment that have no receipt yet."""
        return await self._database.run(self._count, before_ms)

    async def _read(self, device: int) -> None:
        now_ms, name = int(time.time() * 1000), device_name(self._number, device)
        await self._collector.put(
            [
                SpoolReading(device=name, metric=metric_name(k), time_ms=now_ms, value=(k + now_ms % 40_000) / 100)
                for k in range(self._fleet.metrics)
            ]
        )
        self.read_ms.append((device, now_ms))

    def _count(self, before_ms: int) -> tuple[int, int]:
        query = "SELECT count(*), coalesce(sum(last - first + 1), 0) FROM block WHERE acked_at IS NULL AND created_ms < ?"
        blocks, readings = self._connection.execute(query, (before_ms,)).fetchone()
        return int(blocks), int(readings)


class LiveFleet:
    """All gateways of a stand."""

    def __init__(self, stand: Stand, *, rate: int) -> None:
        fleet = stand.fleet
        self.rate = rate
        self._fleet = fleet
        folder = stand.services.layout.root / "edge"
        self.gateways = [LiveGateway(stand, n, folder, period_s=fleet.points / rate) for n in range(fleet.gateways)]
        self._reading, self._stop = asyncio.Event(), asyncio.Event()
        self._tasks = [asyncio.create_task(gateway.run(self._reading, self._stop)) for gateway in self.gateways]

    async def unacknowledged(self, before_ms: int) -> tuple[int, int]:
        """See ``LiveGateway.unacknowledged``, of all."""
        counts = [await gateway.unacknowledged(before_ms) for gateway in self.gateways]
        return sum(blocks for blocks, _ in counts), sum(readings for _, readings in counts)

    def read(self) -> dict[tuple[int, int], None]:
        """(number of the first point of the device within the fleet, when it was read) of every block."""
        return {
            ((number * self._fleet.devices + device) * self._fleet.metrics, at): None
            for number, gateway in enumerate(self.gateways)
            for device, at in gateway.read_ms
        }

    async def finish(self, *, timeout_s: float) -> int:
        """Reads no more, waits for the last receipt, stops; returns how many blocks stayed without one."""
        self._reading.set()
        await asyncio.gather(*(gateway.spooled.wait() for gateway in self.gateways))
        deadline = time.monotonic() + timeout_s
        while (left := (await self.unacknowledged(2**62))[0]) and time.monotonic() < deadline:  # noqa: ASYNC110  (spools tell nobody)
            await asyncio.sleep(0.05)
        self._stop.set()
        await asyncio.gather(*self._tasks)
        return left
