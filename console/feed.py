"""The live feed: one poller for everybody, started by the first who looks and idle when nobody does.

ports ──every poll_s──▶ Snapshot ──▶ Condition ──▶ event streams (each sends what changed since its last, skips what it missed)

A large site takes its time to read: the poller then rests twice as long as it read, so that the database has other things to do.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from console.alarm_rows import of_desk
from console.leak_marks import LeakMarks
from console.ports import ConsoleServices
from console.snapshot import PLACES, Snapshot, build_snapshot
from console.wire import Document, change, document, line
from domain.findings import Finding

_log = structlog.get_logger(__name__)
_REST = 2.0
_LONGEST_REST_S = 3.0
"""Well below the silence after which a page greys."""


class Feed:
    """Keeps the newest snapshot."""

    def __init__(self, services: ConsoleServices) -> None:
        self._services = services
        self._local = services.inventory.site.calendar.zone
        self._changed = asyncio.Condition()
        self._reading = asyncio.Lock()
        self._snapshot: Snapshot | None = None
        self._taken_s = float("-inf")
        self._watchers = 0
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self._read_s = 0.0
        self._places = tuple(p.key for p in services.inventory.points.values() if p.role in PLACES)
        self._leaks = LeakMarks(services.geometry, services.inventory)
        self._documents: dict[int, Document] = {}
        self._events: dict[tuple[int, int], str] = {}

    async def current(self) -> Snapshot:
        """A snapshot no older than one poll period; read now if there is none.

        When the sources cannot be read, the last snapshot comes back with ``problem`` set, or an empty one.
        """
        async with self._reading:
            if self._services.monotonic() - self._taken_s >= self._services.options.poll_s or self._snapshot is None:
                await self._take()
            assert self._snapshot is not None  # noqa: S101  (set by _take)
            return self._snapshot

    async def watch(self) -> AsyncIterator[Snapshot | None]:
        """Snapshots as they come, the present one first; None when nothing came for a heartbeat. Ends when the feed closes."""
        self._watchers += 1
        self._start()
        try:
            snapshot = await self.current()
            while not self._closed:
                yield snapshot
                seen = snapshot.number
                while not self._closed:
                    newer = await self._newer(seen)
                    if newer is not None:
                        snapshot = newer
                        break
                    yield None
        finally:
            self._watchers -= 1

    async def close(self) -> None:
        """Ends every stream and the poller."""
        self._closed = True
        async with self._changed:
            self._changed.notify_all()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):  # the cancellation of the line above
                await self._task
            self._task = None

    def event(self, held: Document | None, snapshot: Snapshot) -> tuple[Document, str]:
        """What a stream that has sent ``held`` sends next, and what it holds then. Made once for all who hold the same."""
        new = self._document(snapshot)
        before = -1 if held is None else int(held["number"])
        key = (before, snapshot.number)
        if key not in self._events:
            self._events = {k: text for k, text in self._events.items() if k[1] == snapshot.number}
            part = None if held is None else change(held, new)
            name, values = ("snapshot", new) if part is None else ("change", part)
            self._events[key] = f"id: {snapshot.number}\nevent: {name}\ndata: {line(values)}\n\n"
        return new, self._events[key]

    def _document(self, snapshot: Snapshot) -> Document:
        if snapshot.number not in self._documents:
            self._documents = {snapshot.number: document(snapshot)}
        return self._documents[snapshot.number]

    @property
    def watchers(self) -> int:
        """How many event streams are open."""
        return self._watchers

    def _start(self) -> None:
        if not self._closed and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._poll(), name="console-feed")

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(max(self._services.options.poll_s, min(_LONGEST_REST_S, _REST * self._read_s)))
            if self._closed or not self._watchers:
                return
            async with self._reading:
                await self._take()
            async with self._changed:
                self._changed.notify_all()

    async def _newer(self, seen: int) -> Snapshot | None:
        def ready() -> bool:
            return self._closed or (self._snapshot is not None and self._snapshot.number != seen)

        try:
            async with asyncio.timeout(self._services.options.heartbeat_s), self._changed:
                await self._changed.wait_for(ready)
        except TimeoutError:
            return None
        return None if self._closed else self._snapshot

    async def _take(self) -> None:
        number = 1 if self._snapshot is None else self._snapshot.number + 1
        began_s = self._services.monotonic()
        try:
            snapshot = await self._read(number)
        except Exception as error:  # noqa: BLE001  the control room must say that it cannot see, whatever the cause
            _log.warning("console_sources_unreadable", error=repr(error))
            snapshot = self._blind(number)
        self._snapshot = snapshot
        self._taken_s = self._services.monotonic()
        self._read_s = self._taken_s - began_s

    async def _read(self, number: int) -> Snapshot:
        services = self._services
        now = services.clock.now()
        zones, alerts, gateways, commands, states, readings = await asyncio.gather(
            services.zones.zones_now(),
            services.alerts.alerts(),
            services.fleet.gateways_now(),
            services.commands.commands(limit=20),
            services.view.states(tuple(services.inventory.actuators)),
            services.series.latest(self._places),
        )
        return build_snapshot(
            number=number,
            now=now,
            local=self._local,
            inventory=services.inventory,
            zones=zones,
            states=states,
            alerts=of_desk(alerts),
            gateways=gateways,
            commands=commands,
            stale_after_s=services.options.stale_after_s,
            readings=readings,
            leaks=self._leaks.of(await self._findings(now)),
        )

    async def _findings(self, now: datetime) -> Sequence[Finding]:
        """Those that are open."""
        reader = self._services.findings
        return () if reader is None else await reader.findings(since=now)

    def _blind(self, number: int) -> Snapshot:
        last = self._snapshot
        if last is not None:
            return replace(last, number=number, problem="source")
        empty = build_snapshot(
            number=number, now=self._services.clock.now(), local=self._local, inventory=self._services.inventory,
            zones=(), states={}, alerts=(), gateways=(), commands=(), stale_after_s=self._services.options.stale_after_s,
        )  # fmt: skip
        return replace(empty, problem="source")
