"""One gateway from start to stop: puts the parts together, keeps them running, takes them down in the right order.

    pollers ─▶ collector ─▶ spool ─▶ uplink ⇄ broker
    executor, failsafe ─▶ actuators ─▶ bus ◀─ pollers

Stop: polling and commands end, what waits is committed, receipts get a moment, NDEATH is published, the last status written.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Awaitable, Callable
from functools import partial

import structlog

from domain.errors import ConfigurationError
from edge.actuators import ActuatorDriver
from edge.bus import BusActor
from edge.collector import Collector
from edge.database import DatabaseThread, open_database
from edge.device import DeviceLink, link_device
from edge.executor import CommandCounters, Executor
from edge.failsafe import Failsafe
from edge.history import history_steps
from edge.journal import Journal
from edge.logs import configure_logging
from edge.poller import PollCounters, Poller
from edge.settings import EdgeSettings
from edge.spool import Spool
from edge.status import status, write_status
from edge.uplink import Uplink
from edge.waiting import end_tasks, wait_for
from edge.window import Window
from protocols.sparkplug.keys import load_public_key

log = structlog.get_logger()

_STATUS_S = 1.0
_PURGE_S = 60.0
_RESTART_S = 1.0
_LAST_RECEIPTS_S = 3.0


async def run_gateway(settings: EdgeSettings, *, stop: asyncio.Event, on_ready: Callable[[], None] | None = None) -> None:
    """Runs a gateway until ``stop`` is set; calls ``on_ready`` once everything has been started.

    Raises:
        ConfigurationError: A device model, an actuator's limits or a key is wrong, or the state folder is in use.
    """
    configure_logging()
    gateway = Gateway(settings)
    try:
        gateway.start()
        if on_ready is not None:
            on_ready()
        await stop.wait()
    finally:
        await gateway.close()


async def serve(settings: EdgeSettings, on_ready: Callable[[], None] | None = None) -> None:
    """``run_gateway`` until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await run_gateway(settings, stop=stop, on_ready=on_ready)


class Gateway:
    """The parts of one gateway."""

    def __init__(self, settings: EdgeSettings) -> None:
        """Checks everything that can be checked before anything runs."""
        self._settings = settings
        self._clock = settings.clock.build()
        self._buses: dict[tuple[str, int], BusActor] = {}
        self._links = [self._link(i) for i in range(len(settings.devices))]
        keys = {key_id: load_public_key(path) for key_id, path in settings.command_keys}
        self._connection = open_database(settings.state_dir)
        self._database = DatabaseThread()
        spool = settings.spool
        self._spool = Spool(self._connection, block_readings=spool.block_readings, max_bytes=spool.max_mb << 20)
        for link in self._links:
            for request in link.requests:
                for field in request.fields:
                    self._spool.channel(link.key, field)
        self._journal = Journal(self._connection, node=settings.node)
        self._polls, self._commands = PollCounters(), CommandCounters()
        drivers = {
            actuator.key: ActuatorDriver(settings=actuator, link=link)
            for link in self._links
            for actuator in link.settings.actuators
        }
        self._executor = Executor(
            edge=settings.edge,
            keys=keys,
            drivers=drivers,
            journal=self._journal,
            database=self._database,
            clock=self._clock,
            on_result=self._on_result,
            counters=self._commands,
        )
        self._failsafe = Failsafe(
            drivers=drivers.values(), journal=self._journal, database=self._database, clock=self._clock, counters=self._commands
        )
        self._collector = Collector(
            spool=self._spool,
            database=self._database,
            clock=self._clock,
            flush_s=spool.flush_ms / 1000,
            on_commit=self._on_commit,
        )
        self._uplink = Uplink(
            group=settings.group,
            node=settings.node,
            host_id=settings.host_id,
            broker=settings.broker,
            clock=self._clock,
            spool=self._spool,
            database=self._database,
            window=Window(size=spool.window_blocks, resend_s=spool.resend_s),
            live_horizon_s=spool.live_horizon_s,
            last_values=self._collector.last,
            inbox=self._executor,
        )
        self._pollers = {
            link.key: Poller(
                link=link,
                clock=self._clock,
                collector=self._collector,
                counters=self._polls,
                on_reached=self._on_reached,
            )
            for link in self._links
        }
        self._field_tasks: list[asyncio.Task[None]] = []
        self._service_tasks: list[asyncio.Task[None]] = []
        self._uplink_stop = asyncio.Event()
        self._uplink_task: asyncio.Task[None] | None = None

    def _link(self, index: int) -> DeviceLink:
        device = self._settings.devices[index]
        address = (device.host, device.port)
        return link_device(device, self._buses.setdefault(address, BusActor(*address)))

    def _on_commit(self) -> None:
        self._uplink.notify()

    def _on_result(self) -> None:
        self._uplink.results_ready()

    def _on_reached(self, device: str, reached: bool) -> None:
        self._uplink.device_reached(device, reached=reached)

    def start(self) -> None:
        """Starts every part; none of them waits for the network."""
        services = [("collector", self._collector.run), ("status", self._keep_status), ("purge", self._keep_room)]
        services += [(f"bus {host}:{port}", bus.run) for (host, port), bus in self._buses.items()]
        field = [("executor", self._executor.run), ("failsafe", self._failsafe.run), ("history", self._import_history)]
        field += [(f"poller {key}", poller.run) for key, poller in self._pollers.items()]
        self._service_tasks = [asyncio.create_task(_supervise(name, run)) for name, run in services]
        self._field_tasks = [asyncio.create_task(_supervise(name, run)) for name, run in field]
        uplink = _supervise("uplink", lambda: self._uplink.run(self._uplink_stop))
        self._uplink_task = asyncio.create_task(uplink)
        stats = self._spool.stats()
        log.info(
            "gateway_started", edge=self._settings.edge, epoch=stats.epoch, depth=stats.depth_readings, devices=len(self._links)
        )

    async def close(self) -> None:
        """Takes everything down; what was read is committed, what has no receipt stays in the spool."""
        await end_tasks(self._field_tasks)
        await self._collector.flush()
        if self._uplink_task is not None:
            await self._last_receipts()
            self._uplink_stop.set()
            await self._uplink_task
        await end_tasks(self._service_tasks)
        await self._write_status(final=True)
        log.info("gateway_stopped", edge=self._settings.edge, depth=self._spool.stats().depth_readings)
        self._database.close()
        self._connection.close()

    async def _last_receipts(self) -> None:
        """Leaves the last readings a moment to arrive, while somebody listens."""
        until = time.monotonic() + _LAST_RECEIPTS_S
        self._uplink.notify()
        while self._spool.depth and self._uplink.counters.connected and self._uplink.host_online and time.monotonic() < until:
            await wait_for(self._uplink.drained, 0.1)

    # ── services ────────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _import_history(self) -> None:
        for path in self._settings.history:
            steps, total = history_steps(self._spool, path, now_ms=int(self._clock.timestamp() * 1000)), 0
            step = partial(next, steps, 0)
            try:
                while count := await self._database.run(step):
                    total += count
                    self._uplink.notify()
            except ConfigurationError as error:  # a wrong file of the past is no reason to stop the present
                log.error("history_refused", error=str(error))  # noqa: TRY400
            else:
                log.info("history_imported", file=path.name, readings=total)

    async def _keep_room(self) -> None:
        while True:
            await asyncio.sleep(_PURGE_S)
            now = self._clock.now()
            keep_ms = int(self._settings.spool.keep_acked_hours * 3_600_000)
            dropped = await self._database.run(self._spool.purge, now_ms=int(now.timestamp() * 1000), keep_acked_ms=keep_ms)
            await self._database.run(self._journal.purge, now)
            if dropped:
                log.error("spool_full", edge=self._settings.edge, dropped=dropped, max_mb=self._settings.spool.max_mb)

    async def _keep_status(self) -> None:
        while True:
            await self._write_status(final=False)
            await asyncio.sleep(_STATUS_S)

    async def _write_status(self, *, final: bool) -> None:
        document = status(
            edge=self._settings.edge,
            at=self._clock.now().isoformat(timespec="milliseconds"),
            final=final,
            spool=await self._database.run(self._spool.stats),
            uplink=self._uplink.counters,
            host_online=self._uplink.host_online,
            receipt_lag_s=self._uplink.receipt_lag_s,
            published=self._uplink.published,
            polls=self._polls,
            commands=self._commands,
            devices={key: poller.reached for key, poller in self._pollers.items()},
        )
        with contextlib.suppress(OSError):  # a full disk must not stop the gateway; the spool tells of it itself
            await asyncio.to_thread(write_status, self._settings.state_dir / "status.json", document)


async def _supervise(name: str, run: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await run()
        except Exception:
            log.exception("part_failed", part=name)
            await asyncio.sleep(_RESTART_S)
        else:
            return
