"""The gateway's Sparkplug edge node over MQTT 5: births, blocks, receipts, commands in, results out.

    connect ─▶ subscribe NCMD DCMD STATE ─▶ NBIRTH, DBIRTHs ─▶ blocks, at most a window of them without receipt
       ▲                                                             │
       └──────────────── own back-off with jitter ◀── any fault ◀────┘

A PUBACK proves nothing and none is asked for: a block leaves the window by receipt alone. So a broker that denies our blocks says
nothing at all, and what tells of it is that receipts stay away.
"""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections import Counter
from dataclasses import dataclass, field

import aiomqtt
import structlog

from domain.delivery import Stream
from domain.errors import ConfigurationError, DecodeError
from domain.ports import Clock
from edge.database import DatabaseThread
from edge.inbound import CommandInbox, Inbound
from edge.publisher import PublishCounters, Publisher
from edge.session import LastValues, Message, Session
from edge.settings import BrokerSettings
from edge.spool import Spool
from edge.waiting import end_tasks, wait_for
from edge.window import Window
from protocols.mqtt import BrokerClient, Denied
from protocols.sparkplug.births import encode_ndeath
from protocols.sparkplug.topics import MessageType

log = structlog.get_logger()

_KEEPALIVE_S = 15
_MAX_INCOMING = 1000
_LONGEST_BACKOFF_S = 10.0
_NO_RECEIPT_S = 30.0
_LOOK_S = 30.0
_FILLING = 0.7
"""Share of the spool's limit from which on its log says that it is filling."""


@dataclass(slots=True, kw_only=True)
class UplinkCounters:
    """What the connection has seen since the process began."""

    connected: bool = False
    connects: int = 0
    receipts: int = 0
    undecodable: int = 0
    """Messages from the broker that were not what their topic said."""
    denied: Counter[str] = field(default_factory=Counter)
    """What the broker refused: certificate, connect, subscribe, publish."""


class Uplink:
    """Publishes what the spool holds until receipts say that it has arrived."""

    def __init__(
        self,
        *,
        group: str,
        node: str,
        host_id: str,
        broker: BrokerSettings,
        clock: Clock,
        spool: Spool,
        database: DatabaseThread,
        window: Window,
        live_horizon_s: float,
        last_values: LastValues = lambda _device, _metric: None,
        inbox: CommandInbox | None = None,
    ) -> None:
        self._edge = f"{group}/{node}"
        broker.tls()  # a wrong file is an error now, not at the first connection
        self._broker = broker
        self._clock = clock
        self._spool = spool
        self._database = database
        self._window = window
        self._session = Session(group=group, node=node, epoch=spool.epoch)
        self._inbound = Inbound(edge=self._edge, host_id=host_id, session=self._session, inbox=inbox)
        self._publisher = Publisher(
            stream=Stream(edge=self._edge, epoch=spool.epoch),
            clock=clock,
            spool=spool,
            database=database,
            session=self._session,
            window=window,
            inbound=self._inbound,
            live_horizon_s=live_horizon_s,
            last_values=last_values,
        )
        self._wake = asyncio.Event()
        self._receipt_came = asyncio.Event()
        self.drained = asyncio.Event()
        """Set when a receipt has left nothing to send, until there is something new."""
        self.counters = UplinkCounters()

    # ── what others tell it ─────────────────────────────────────────────────────────────────────────────────────────────────

    def notify(self) -> None:
        """There is something new to send."""
        self.drained.clear()
        self._wake.set()

    def results_ready(self) -> None:
        """A command has ended: its result goes out now."""
        self._publisher.results_ready()
        self._wake.set()

    def device_reached(self, device: str, *, reached: bool) -> None:
        """Births or deaths of devices follow what the poller finds."""
        self._publisher.device_reached(device, reached=reached)
        self._wake.set()

    @property
    def host_online(self) -> bool:
        """What the host's STATE last said; True if it never spoke."""
        return self._session.host_online

    @property
    def published(self) -> PublishCounters:
        """What was published since the process began."""
        return self._publisher.counters

    @property
    def receipt_lag_s(self) -> float:
        """How long the oldest block on its way has been waiting for a receipt [wall s]; 0 with none on its way."""
        return self._window.oldest_wait(time.monotonic())

    # ── connection ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self, stop: asyncio.Event) -> None:
        """Keeps a session up until ``stop``; ends it with NDEATH. Faults of the connection never leave this function."""
        failures = 0
        while not stop.is_set():
            before = self.counters.connects
            try:
                await self._connection(stop)
            except Denied:
                pass  # counted and told where it was heard
            except (aiomqtt.MqttError, OSError, ConfigurationError) as error:
                broker = f"{self._broker.host}:{self._broker.port}"
                log.warning("uplink_down", edge=self._edge, broker=broker, error=str(error), failures=failures)
            finally:
                self.counters.connected = False
            failures = 0 if self.counters.connects > before else failures + 1
            pause = random.uniform(0.5, 1.0) * min(_LONGEST_BACKOFF_S, 0.2 * 2.0 ** min(failures, 10))
            await wait_for(stop, pause)

    async def _connection(self, stop: asyncio.Event) -> None:
        bd_seq = await self._database.run(self._spool.next_bd_seq)
        self._session.begin(bd_seq)
        death = Message(topic=self._session.topic(MessageType.NDEATH), payload=encode_ndeath(bd_seq))
        async with BrokerClient(
            self._broker.host,
            self._broker.port,
            tls=self._broker.tls(),
            on_denied=self._denied,
            username=self._broker.username,
            password=self._broker.password(),
            identifier=self._edge.replace("/", "-"),
            will=aiomqtt.Will(death.topic, death.payload, qos=1),
            keepalive=_KEEPALIVE_S,
            max_queued_incoming_messages=_MAX_INCOMING,
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        ) as client:
            for topic, qos in self._inbound.subscriptions():
                await client.subscribe_to(topic, qos=qos)
            self.counters.connected = True
            self.counters.connects += 1
            log.info("uplink_up", edge=self._edge, bd_seq=bd_seq)
            await self._until_stopped(client, stop)
            await client.publish(death.topic, death.payload, qos=1)
            log.info("uplink_closed", edge=self._edge, bd_seq=bd_seq)

    def _denied(self, denied: Denied) -> None:
        self.counters.denied[denied.deed] += 1
        log.error("broker_denies", edge=self._edge, deed=denied.deed.value, detail=denied.detail)

    async def _until_stopped(self, client: aiomqtt.Client, stop: asyncio.Event) -> None:
        """Runs receiver, receipt keeper and sender until one of them fails or ``stop`` is set."""
        workers = [
            asyncio.create_task(w) for w in (self._receive(client), self._keep_receipts(), self._send(client), self._watch())
        ]
        stopped = asyncio.create_task(_until(stop))
        try:
            done, _ = await asyncio.wait([*workers, stopped], return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end_tasks([*workers, stopped])
        for task in done:
            if task is not stopped:
                task.result()

    async def _receive(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            try:
                self._inbound.take(str(message.topic), message.payload)
            except (DecodeError, UnicodeDecodeError) as error:
                self.counters.undecodable += 1
                log.warning("uplink_undecodable", edge=self._edge, error=str(error)[:300])
            if self._inbound.receipts:
                self._receipt_came.set()
            else:
                self._wake.set()

    async def _keep_receipts(self) -> None:
        """Brings receipts into the spool and takes their blocks out of the window."""
        while True:
            await self._receipt_came.wait()
            self._receipt_came.clear()
            while self._inbound.receipts:
                receipt = self._inbound.receipts.popleft()
                applied = await self._database.run(self._spool.apply, receipt, now_ms=int(self._clock.timestamp() * 1000))
                self.counters.receipts += 1
                self._window.acked(applied.acked, time.monotonic())
                if self._spool.depth == 0:
                    self.drained.set()
                if applied.reopened_blocks or applied.lost:
                    log.warning(
                        "spool_rewound",
                        edge=self._edge,
                        committed=receipt.committed,
                        blocks=applied.reopened_blocks,
                        readings=applied.reopened_readings,
                        lost=applied.lost,
                    )
            self._wake.set()

    async def _watch(self) -> None:
        """Says when the spool fills, when readings were lost, and when blocks leave and no receipt comes.

        The last is the one sign of a publication that the broker silently denies.
        """
        while True:
            stats = await self._database.run(self._spool.stats)
            if stats.bytes > _FILLING * stats.max_bytes and stats.depth_readings:
                log.error("spool_filling", edge=self._edge, used=stats.bytes, limit=stats.max_bytes, unsent=stats.depth_readings)
            if stats.gaps_untold:
                log.error("gap_records", edge=self._edge, untold=stats.gaps_untold, readings_lost=stats.dropped)
            await asyncio.sleep(_LOOK_S)
            lag = self.receipt_lag_s
            if lag >= _NO_RECEIPT_S and self.host_online:
                log.error("no_receipts", edge=self._edge, since_s=round(lag), blocks=len(self._window))

    async def _send(self, client: aiomqtt.Client) -> None:
        async def send(message: Message) -> None:
            await client.publish(message.topic, message.payload, qos=0)

        await self._publisher.begin(send)
        while True:
            self._wake.clear()
            pause = await self._publisher.publish_due(send)
            await wait_for(self._wake, pause)


async def _until(event: asyncio.Event) -> None:
    await event.wait()
