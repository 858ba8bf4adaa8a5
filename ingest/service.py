"""The ingestor as a whole: one reader, a few writers, one sender, in one event loop. Several may run beside one another."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import structlog
from prometheus_client import CollectorRegistry

from domain.errors import StorageError
from domain.ports import Clock, IngestStore
from ingest.aliases import AliasBook
from ingest.backlog import Work
from ingest.channels import ChannelTable
from ingest.connection import Connection
from ingest.inbox import Received
from ingest.intake import Intake, Reception
from ingest.lanes import Lanes
from ingest.metrics import IngestMetrics
from ingest.outbox import Outbox
from ingest.settings import IngestSettings
from protocols.tasks import end_tasks

_DRAIN_S = 5.0
"""How long a stop waits for the database to take what was read; the rest is sent again."""
_SKEW_LOG_EVERY_S = 60.0
log = structlog.get_logger(__name__)


class IngestService:
    """Takes readings from the broker into the store.

    Args:
        store: Where they go.
        settings: See ``IngestSettings``.
        clock: Process time.
        registry: Where the counters are registered; one of its own if None.
    """

    def __init__(
        self, store: IngestStore, settings: IngestSettings, clock: Clock, *, registry: CollectorRegistry | None = None
    ) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self.metrics = IngestMetrics(CollectorRegistry() if registry is None else registry)
        self._outbox = Outbox()
        self._lanes = Lanes(store, outbox=self._outbox, metrics=self.metrics, settings=settings.batch)
        self._reception: Reception | None = None
        self._connection = Connection(settings, handle=self.take, outbox=self._outbox, metrics=self.metrics, clock=clock)
        self._skew_logged_s: dict[str, float] = {}

    @property
    def connected(self) -> asyncio.Event:
        """Set while the broker's messages reach us."""
        return self._connection.connected

    def snapshot(self) -> Mapping[str, object]:
        """The counters as plain numbers."""
        return self.metrics.snapshot()

    async def run(self, stop: asyncio.Event) -> None:
        """Works until ``stop`` is set; then writes what it has read, for a few seconds at most, and says good-bye."""
        loading = asyncio.create_task(self._load())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({loading, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not loading.done():
            loading.cancel()
            return
        self._reception = loading.result()
        writing = asyncio.create_task(self._lanes.run(), name="ingest-write")
        refreshing = asyncio.create_task(self._refresh(self._reception), name="ingest-channels")

        async def drain() -> None:
            await self._lanes.close()
            await asyncio.wait({writing}, timeout=_DRAIN_S)

        try:
            await self._connection.run(stop, drain=drain)
            await drain()
        finally:
            await end_tasks((writing, refreshing))
            log.info("stopped", **self.metrics.snapshot())

    async def _load(self) -> Reception:
        """What earlier births and the inventory say: waits for the database if it must."""
        bindings = await self._lanes.patiently(self._store.bindings)
        channels = ChannelTable(await self._lanes.patiently(self._store.channels))
        log.info("loaded", bindings=len(bindings), channels=len(channels))
        return Reception(self._settings, book=AliasBook(bindings), channels=channels)

    async def take(self, messages: Sequence[Received]) -> None:
        """Takes some messages; returns when they are in the backlog."""
        if self._reception is None:
            raise RuntimeError("take() before run() has loaded the channels")
        monotonic_s, now_ms = asyncio.get_running_loop().time(), int(self._clock.timestamp() * 1000)
        intakes = self._reception.handle_all(messages, now_ms=now_ms, monotonic_s=monotonic_s)
        self.metrics.taken(intakes, now_ms=now_ms)
        works: list[Work] = []
        for (topic, payload), intake in zip(messages, intakes, strict=True):
            if intake.rebirth is not None:
                self.metrics.rebirth_asked()
                self._outbox.rebirth(intake.rebirth)
            if intake.skewed:
                self._log_skew(topic, intake, monotonic_s)
            if intake.block is not None or intake.letters or intake.bindings or intake.gateway is not None:
                works.append(Work(intake=intake, topic=topic, payload=payload))
        await self._lanes.put(works)

    def _log_skew(self, topic: str, intake: Intake, monotonic_s: float) -> None:
        if monotonic_s - self._skew_logged_s.get(topic, -_SKEW_LOG_EVERY_S) >= _SKEW_LOG_EVERY_S:
            self._skew_logged_s[topic] = monotonic_s
            log.warning("clock_skew", topic=topic, readings=intake.skewed, ahead_s=round(intake.worst_skew_ms / 1000, 1))

    async def _refresh(self, reception: Reception) -> None:
        """Takes in changes of the inventory."""
        while True:
            await asyncio.sleep(self._settings.channels_every_s)
            try:
                reception.channels = ChannelTable(await self._store.channels())
            except StorageError as error:  # what we know stays in use until the database answers again
                log.warning("channels_not_read", error=str(error))
