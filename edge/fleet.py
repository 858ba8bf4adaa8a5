"""The devices of a gateway at work: their buses, their pollers, their actuators, and how one set is swapped for another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack

from domain.ports import Clock
from edge.actuators import ActuatorDriver
from edge.bus import BusActor, bus_for
from edge.collector import Collector
from edge.device import DeviceLink, link_device
from edge.device_settings import BusSettings, DeviceSettings
from edge.dlms_link import MeterKeys, MeterLink, link_meter
from edge.dlms_poller import MeterPoller
from edge.dlms_quarantine import Quarantine
from edge.dlms_store import MeterStore
from edge.dlms_supply import SupplyDriver
from edge.poller import PollCounters, Poller
from edge.supervision import supervise
from edge.waiting import end_tasks

BusKey = tuple[str, int, BusSettings | None]
Link = DeviceLink | MeterLink


class Fleet:
    """Every device of one gateway. ``drivers`` keeps its identity: executor and failsafe look into it again and again."""

    def __init__(
        self,
        *,
        clock: Clock,
        collector: Collector,
        counters: PollCounters,
        on_reached: Callable[[str, bool], None],
        keys: MeterKeys | None = None,
        store: MeterStore | None = None,
        on_quarantine: Callable[[str, Quarantine, bool], None] = lambda _meter, _quarantine, _begins: None,
    ) -> None:
        """``keys`` and ``store`` are what DLMS meters need, without them there are none; ``on_quarantine`` is ``MeterPoller``'s."""
        self._on_quarantine = on_quarantine
        self._keys = keys
        self._store = store
        self._clock = clock
        self._collector = collector
        self._counters = counters
        self._on_reached = on_reached
        self._buses: dict[BusKey, BusActor] = {}
        self._bus_tasks: dict[BusKey, asyncio.Task[None]] = {}
        self._poll_tasks: dict[str, asyncio.Task[None]] = {}
        self._running = False
        self.links: dict[str, Link] = {}
        self.pollers: dict[str, Poller | MeterPoller] = {}
        self.drivers: dict[str, ActuatorDriver] = {}

    def build(self, devices: Iterable[DeviceSettings]) -> dict[str, Link]:
        """The devices, checked and ready to be taken; those that are as before stay the same objects.

        Raises:
            ConfigurationError: A model, a field or a limit is wrong. Nothing has changed then.
        """
        fresh: dict[BusKey, BusActor] = {}
        links: dict[str, Link] = {}
        for device in devices:
            old = self.links.get(device.key)
            if old is not None and old.settings == device:
                links[device.key] = old
                continue
            key = (device.host, device.port, device.bus)
            bus = self._buses.get(key) or fresh.get(key)
            if bus is None:
                bus = fresh[key] = bus_for(*key)
            links[device.key] = (
                link_device(device, bus) if device.dlms is None or self._keys is None else link_meter(device, bus, self._keys)
            )
        self._buses |= fresh
        return links

    def changes(self, links: Mapping[str, Link]) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
        """(added, changed, removed) device keys, against those at work."""
        added = frozenset(links) - frozenset(self.links)
        removed = frozenset(self.links) - frozenset(links)
        return added, frozenset(k for k in links if k in self.links and links[k] is not self.links[k]), removed

    def take(self, links: Mapping[str, Link]) -> None:
        """Takes the first set of devices; ``start`` sets them to work."""
        self.links = dict(links)
        for link in links.values():
            self._take_one(link)

    def start(self) -> None:
        """Buses and pollers begin."""
        self._running = True
        self._start_buses()
        for key in self.pollers:
            self._start_poller(key)

    async def swap(self, links: Mapping[str, Link]) -> None:
        """Sets other devices to work in place of those that changed; the rest is not touched. No move of a valve is cut in two."""
        _, changed, removed = self.changes(links)
        leaving = [driver for driver in self.drivers.values() if driver.settings.device in changed | removed]
        async with AsyncExitStack() as held:
            for driver in leaving:
                await held.enter_async_context(driver.lock)
            for driver in leaving:
                del self.drivers[driver.settings.key]
            await self._stop_pollers(changed | removed)
            old, self.links = self.links, dict(links)
            self._start_buses()
            locks = {driver.settings.key: driver.lock for driver in leaving}
            for key, link in links.items():
                if old.get(key) is not link:
                    self._take_one(link, locks)
                    self._start_poller(key)
        for key in changed | removed:
            await old[key].forget()

    async def stop_polling(self) -> None:
        """Pollers end; actuators can still be driven."""
        self._running = False
        await end_tasks(list(self._poll_tasks.values()))

    async def stop(self) -> None:
        """Buses end too."""
        await self.stop_polling()
        await end_tasks(list(self._bus_tasks.values()))
        for link in self.links.values():
            if isinstance(link, MeterLink):
                link.abort()

    def _take_one(self, link: Link, locks: Mapping[str, asyncio.Lock] | None = None) -> None:
        if isinstance(link, MeterLink):
            self._take_meter(link, locks or {})
            return
        self.pollers[link.key] = Poller(
            link=link, clock=self._clock, collector=self._collector, counters=self._counters, on_reached=self._on_reached
        )
        for actuator in link.settings.actuators:
            lock = (locks or {}).get(actuator.key) or asyncio.Lock()
            self.drivers[actuator.key] = ActuatorDriver(settings=actuator, link=link, lock=lock)

    def _take_meter(self, link: MeterLink, locks: Mapping[str, asyncio.Lock]) -> None:
        assert self._store is not None  # noqa: S101  (whoever gives keys gives a store)
        self.pollers[link.key] = MeterPoller(
            link=link,
            clock=self._clock,
            collector=self._collector,
            store=self._store,
            counters=self._counters,
            on_reached=self._on_reached,
            on_quarantine=self._on_quarantine,
        )
        for actuator in link.settings.actuators:
            lock = locks.get(actuator.key) or asyncio.Lock()
            self.drivers[actuator.key] = SupplyDriver(settings=actuator, link=link, lock=lock)

    def _start_buses(self) -> None:
        for key, bus in self._buses.items():
            if key not in self._bus_tasks:
                host, port, line = key
                name = f"bus {line.key}" if line else f"bus {host}:{port}"
                self._bus_tasks[key] = asyncio.create_task(supervise(name, bus.run))

    def _start_poller(self, key: str) -> None:
        if self._running:
            self._poll_tasks[key] = asyncio.create_task(supervise(f"poller {key}", self.pollers[key].run))

    async def _stop_pollers(self, keys: Iterable[str]) -> None:
        gone = list(keys)
        await end_tasks([self._poll_tasks.pop(key) for key in gone if key in self._poll_tasks])
        for key in gone:
            self.pollers.pop(key, None)
