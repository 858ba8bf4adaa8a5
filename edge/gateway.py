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
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from domain.errors import ConfigurationError
from domain.setpoints import METER_QUARANTINED, METER_RELEASED, Reason
from edge.collector import Collector
from edge.database import DatabaseThread, open_database
from edge.dlms_link import MeterKeys
from edge.dlms_quarantine import Quarantine
from edge.dlms_status import meters_status
from edge.dlms_store import MeterStore
from edge.executor import CommandCounters, Executor
from edge.failsafe import Failsafe
from edge.fleet import Fleet, Link
from edge.history import history_steps
from edge.journal import Journal
from edge.logs import configure_logging
from edge.memory import give_back
from edge.page import StatusPage
from edge.poller import PollCounters
from edge.reload import Reloader
from edge.settings import ClockKind, EdgeSettings
from edge.spool import Spool
from edge.status import status, write_status
from edge.supervision import supervise
from edge.timekeeper import Timekeeper
from edge.uplink import Uplink
from edge.waiting import end_tasks, wait_for
from edge.window import Window
from protocols.dlms.counter_file import FileCounterStore
from protocols.sparkplug.keys import load_public_key

log = structlog.get_logger()

_STATUS_S = 1.0
_PURGE_S = 60.0
_LAST_RECEIPTS_S = 3.0


async def run_gateway(
    settings: EdgeSettings, *, stop: asyncio.Event, on_ready: Callable[[], None] | None = None, source: Path | None = None
) -> None:
    """Runs a gateway until ``stop`` is set; calls ``on_ready`` once everything has been started.

    With ``source``, the file the settings came from, changes of it are taken while the gateway runs, at once on SIGHUP.

    Raises:
        ConfigurationError: A device model, an actuator's limits or a key is wrong, or the state folder is in use.
    """
    configure_logging()
    gateway = Gateway(settings, source=source)
    if source is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, gateway.reload)
    try:
        gateway.start()
        if on_ready is not None:
            on_ready()
        await stop.wait()
    finally:
        await gateway.close()


async def serve(settings: EdgeSettings, on_ready: Callable[[], None] | None = None, *, source: Path | None = None) -> None:
    """``run_gateway`` until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await run_gateway(settings, stop=stop, on_ready=on_ready, source=source)


class Gateway:
    """The parts of one gateway."""

    def __init__(self, settings: EdgeSettings, *, source: Path | None = None) -> None:
        """Checks everything that can be checked before anything runs."""
        self._settings = settings
        self._clock = settings.clock.build()
        keys = {key_id: load_public_key(path) for key_id, path in settings.command_keys}
        self._connection = open_database(settings.state_dir)
        self._database = DatabaseThread()
        spool = settings.spool
        self._spool = Spool(self._connection, block_readings=spool.block_readings, max_bytes=spool.max_mb << 20)
        self._journal = Journal(self._connection, node=settings.node)
        self._polls, self._commands = PollCounters(), CommandCounters()
        self._timekeeper = self._keeper_of_time()
        self._collector = Collector(
            spool=self._spool if self._timekeeper is None else self._timekeeper,
            database=self._database,
            clock=self._clock,
            flush_s=spool.flush_ms / 1000,
            on_commit=self._on_commit,
        )
        self._fleet = Fleet(
            clock=self._clock,
            collector=self._collector,
            counters=self._polls,
            on_reached=self._on_reached,
            on_quarantine=self._on_quarantine,
            keys=MeterKeys(counters=FileCounterStore(settings.state_dir / "dlms-counters"), kek_file=settings.kek_file),
            store=MeterStore(spool=self._spool, database=self._database, clock=self._clock, on_commit=self._on_commit),
        )
        self._fleet.take(self._fleet.build(settings.devices))
        _open_channels(self._spool, self._fleet.links.values())
        self._executor = Executor(
            edge=settings.edge,
            keys=keys,
            drivers=self._fleet.drivers,
            journal=self._journal,
            database=self._database,
            clock=self._clock,
            on_result=self._on_result,
            counters=self._commands,
        )
        drivers = self._fleet.drivers.values()
        self._failsafe = Failsafe(
            drivers=drivers, journal=self._journal, database=self._database, clock=self._clock, counters=self._commands
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
        self._reloader = (
            None
            if source is None
            else Reloader(path=source, settings=settings, fleet=self._fleet, prepare=self._prepare, on_removed=self._on_removed)
        )
        self._document: dict[str, Any] = {}
        self._page = None if settings.status_port is None else StatusPage(settings.status_port, lambda: self._document)
        self._field_tasks: list[asyncio.Task[None]] = []
        self._service_tasks: list[asyncio.Task[None]] = []
        self._uplink_stop = asyncio.Event()
        self._uplink_task: asyncio.Task[None] | None = None

    def _keeper_of_time(self) -> Timekeeper | None:
        """None where time is simulated: it has no time service."""
        clock = self._settings.clock
        if clock.kind is not ClockKind.WALL:
            return None
        return Timekeeper(self._connection, self._spool, policy=clock.unsynchronised, hold_s=clock.hold_s)

    async def _prepare(self, links: Iterable[Link]) -> None:
        await self._database.run(_open_channels, self._spool, tuple(links))

    def _on_removed(self, device: str) -> None:
        self._uplink.device_reached(device, reached=False)

    def reload(self) -> None:
        """Reads the configuration's file again, if the gateway was given one."""
        if self._reloader is not None:
            self._reloader.ask()

    def _on_commit(self) -> None:
        self._uplink.notify()

    def _on_result(self) -> None:
        self._uplink.results_ready()

    def _on_quarantine(self, meter: str, quarantine: Quarantine, begins: bool) -> None:
        """One alarm when it begins, one when it ends; the moment it ends at tells one quarantine of a meter from the next."""
        reason = Reason(
            code=METER_QUARANTINED if begins else METER_RELEASED, text=f"{quarantine.reason}: {quarantine.detail}"[:300]
        )
        self._executor.alarm(meter, f"{meter}@{quarantine.until:%Y%m%dT%H%M%SZ}", reason)

    def _on_reached(self, device: str, reached: bool) -> None:
        self._uplink.device_reached(device, reached=reached)

    def start(self) -> None:
        """Starts every part; none of them waits for the network."""
        services = [("collector", self._collector.run), ("status", self._keep_status), ("purge", self._keep_room)]
        if self._timekeeper is not None:
            services.append(("clock", self._watch_clock))
        field = [("executor", self._executor.run), ("failsafe", self._failsafe.run), ("history", self._import_history)]
        if self._reloader is not None:
            field.append(("reload", self._reloader.run))
        if self._page is not None:
            services.append(("status page", self._page.run))
        self._service_tasks = [asyncio.create_task(supervise(name, run)) for name, run in services]
        self._field_tasks = [asyncio.create_task(supervise(name, run)) for name, run in field]
        self._fleet.start()
        uplink = supervise("uplink", lambda: self._uplink.run(self._uplink_stop))
        self._uplink_task = asyncio.create_task(uplink)
        give_back()
        stats = self._spool.stats()
        log.info(
            "gateway_started",
            edge=self._settings.edge,
            epoch=stats.epoch,
            depth=stats.depth_readings,
            devices=len(self._fleet.links),
        )

    async def close(self) -> None:
        """Takes everything down; what was read is committed, what has no receipt stays in the spool."""
        await end_tasks(self._field_tasks)
        await self._fleet.stop_polling()
        await self._collector.flush()
        if self._uplink_task is not None:
            await self._last_receipts()
            self._uplink_stop.set()
            await self._uplink_task
        await self._fleet.stop()
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
                log.error("history_refused", error=str(error))  # noqa: TRY400  (the message says it all)
            else:
                log.info("history_imported", file=path.name, readings=total)

    async def _keep_room(self) -> None:
        while True:
            await asyncio.sleep(_PURGE_S)
            now = self._clock.now()
            keep_ms = int(self._settings.spool.keep_acked_hours * 3_600_000)
            dropped = await self._database.run(self._spool.purge, now_ms=int(now.timestamp() * 1000), keep_acked_ms=keep_ms)
            await self._database.run(self._journal.purge, now)
            await asyncio.to_thread(give_back)
            if dropped:
                log.error("spool_full", edge=self._settings.edge, dropped=dropped, max_mb=self._settings.spool.max_mb)

    async def _watch_clock(self) -> None:
        while self._timekeeper is not None:
            if await self._database.run(self._timekeeper.tick, now_ms=int(self._clock.timestamp() * 1000)):
                self._uplink.notify()
            await asyncio.sleep(_STATUS_S)

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
            devices={key: poller.breaker for key, poller in self._fleet.pollers.items()},
            absent={key: poller.absent for key, poller in self._fleet.pollers.items() if poller.absent},
            reload=None if self._reloader is None else self._reloader.status,
            meters=meters_status(self._fleet.pollers),
            clock=None if self._timekeeper is None else self._timekeeper.status,
        )
        self._document = document
        with contextlib.suppress(OSError):  # a full disk must not stop the gateway; the spool tells of it itself
            await asyncio.to_thread(write_status, self._settings.state_dir / "status.json", document)


def _open_channels(spool: Spool, links: Iterable[Link]) -> None:
    """A channel for each field that is read, so that every birth names them all."""
    for link in links:
        for metric in link.metrics:
            spool.channel(link.key, metric)
