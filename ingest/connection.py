"""Our client of the broker: connects, says that the host is there, reads, sends, and connects again for ever.

Whatever the broker forgets or drops comes again from the gateways, so nothing here is kept across a connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import secrets
import socket
from collections.abc import Awaitable, Callable, Sequence

import aiomqtt
import structlog
from paho.mqtt.subscribeoptions import SubscribeOptions

from domain.errors import DecodeError
from domain.ports import Clock
from ingest.fast_reader import UplinkClient
from ingest.inbox import Inbox, Received
from ingest.metrics import IngestMetrics
from ingest.outbox import Outbox
from ingest.settings import IngestSettings
from protocols.mqtt import Denied, client_context
from protocols.sparkplug.births import decode_state, encode_state
from protocols.sparkplug.topics import NAMESPACE, state_topic
from protocols.tasks import end_tasks

Handler = Callable[[Sequence[Received]], Awaitable[None]]
_AT_ONCE_MESSAGES, _AT_ONCE_BYTES = 512, 131_072
"""Decoded in one go: some milliseconds, in which nothing else of this process moves."""
log = structlog.get_logger(__name__)

# The library warns once for each message it discards; we count those ourselves.
_library_log = logging.getLogger("khettara.ingest.mqtt")
_library_log.setLevel(logging.CRITICAL)


class Connection:
    """The MQTT 5 side of the ingestor."""

    def __init__(self, settings: IngestSettings, *, handle: Handler, outbox: Outbox, metrics: IngestMetrics, clock: Clock) -> None:
        self._settings = settings
        self._handle = handle
        self._outbox = outbox
        self._metrics = metrics
        self._clock = clock
        self._state = state_topic(settings.host_id)
        self._client_id = settings.broker.client_id or f"khettara-ingest-{secrets.token_hex(4)}"
        self.connected = asyncio.Event()
        """Set while subscribed and announced."""

    async def run(self, stop: asyncio.Event, *, drain: Callable[[], Awaitable[None]]) -> None:
        """Stays connected until ``stop``; then stops reading, awaits ``drain``, sends the last receipts and says good-bye."""
        broker = self._settings.broker
        pause_s = broker.reconnect_min_s
        while not stop.is_set():
            try:
                await self._session(stop, drain)
                break
            except Denied:
                pass  # counted and told where it was heard
            except (aiomqtt.MqttError, OSError) as error:
                log.warning("broker_away", host=broker.host, port=broker.port, error=str(error))
            except Exception:
                # Supervisor: whatever it was, a new connection starts clean and the gateways send again what was lost.
                log.exception("session_failed", host=broker.host, port=broker.port)
            pause_s = broker.reconnect_min_s if self.connected.is_set() else min(2 * pause_s, broker.reconnect_max_s)
            self.connected.clear()
            with contextlib.suppress(TimeoutError):  # the pause is over; only a stop ends it early
                await asyncio.wait_for(stop.wait(), pause_s * random.uniform(0.5, 1.5))
        self.connected.clear()

    async def _session(self, stop: asyncio.Event, drain: Callable[[], Awaitable[None]]) -> None:
        batch = self._settings.batch
        inbox = Inbox(
            max_messages=batch.queue_messages,
            max_bytes=batch.queue_bytes,
            on_full=lambda: self._metrics.dropped("queue_full"),
        )
        async with self._client(inbox) as client:
            await self._subscribe_uplink(client)
            await self._announce(client, online=True, at_ms=self._now_ms())
            await client.subscribe_to(self._state, qos=1)  # last, so that the retained word we hear is our own
            self.connected.set()
            log.info("connected", host=self._settings.broker.host, port=self._settings.broker.port, client=self._client_id)
            reading = asyncio.create_task(self._read(client, inbox), name="ingest-read")
            losing = asyncio.create_task(client.until_lost(), name="ingest-lost")
            sending = asyncio.create_task(self._send(client), name="ingest-send")
            stopping = asyncio.create_task(stop.wait(), name="ingest-stop")
            tasks = {reading, losing, sending, stopping}
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
                reading.cancel()
                await drain()
            except asyncio.CancelledError:
                await self._announce(client, online=False, at_ms=self._now_ms())  # a clean disconnect sends no will
                raise
            finally:
                await end_tasks(tasks)
            await self._send_waiting(client)
            await self._announce(client, online=False, at_ms=self._now_ms())

    def _client(self, inbox: Inbox) -> UplinkClient:
        broker = self._settings.broker
        return UplinkClient(
            broker.host,
            broker.port,
            inbox=inbox,
            tls=client_context(ca_file=broker.ca_file, certificate_file=broker.certificate_file, key_file=broker.key_file),
            on_denied=self._denied,
            username=broker.username,
            password=broker.password,
            identifier=self._client_id,
            keepalive=broker.keepalive_s,
            will=aiomqtt.Will(self._state, encode_state(False, self._now_ms()), qos=1, retain=True),
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
            logger=_library_log,
        )

    def _denied(self, denied: Denied) -> None:
        self._metrics.denied(denied.deed.value)
        log.error("broker_denies", client=self._client_id, deed=denied.deed.value, detail=denied.detail)

    async def _subscribe_uplink(self, client: UplinkClient) -> None:
        """Births and deaths plainly, so that every ingestor knows them; data once among the members of the share group."""
        group = self._settings.share_group
        share = f"$share/{group}/" if group else ""
        filters = [(f"{NAMESPACE}/+/{kind}/#", 1) for kind in ("NBIRTH", "DBIRTH", "NDEATH")]
        filters += [(f"{share}{NAMESPACE}/+/{kind}/#", 0) for kind in ("NDATA", "DDATA")]
        for topic, qos in filters:
            await client.subscribe_to(topic, qos=qos)
        for source in self._settings.foreign:
            await self._subscribe_foreign(client, f"{share}{source.topic.filter}", source.name)

    async def _subscribe_foreign(self, client: aiomqtt.Client, topic: str, source: str) -> None:
        """Without what the broker retains: a message without a time of its own would be stored anew at each connect.

        A broker that refuses costs this source alone.
        """
        options = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND)
        for code in await client.subscribe(topic, options=options):
            if (code if isinstance(code, int) else code.value) >= 128:
                log.error("foreign_subscription_refused", source=source, topic=topic, code=str(code))
                self._metrics.subscription_refused(source)

    async def _announce(self, client: aiomqtt.Client, *, online: bool, at_ms: int) -> None:
        await client.publish(self._state, encode_state(online, at_ms), qos=1, retain=True)

    async def _read(self, client: aiomqtt.Client, inbox: Inbox) -> None:
        while True:
            received = await inbox.take(messages=_AT_ONCE_MESSAGES, size=_AT_ONCE_BYTES)
            for topic, payload in received:
                if topic == self._state:
                    await self._contradict(client, payload)
            await self._handle([message for message in received if message[0] != self._state])
            await asyncio.sleep(0)  # everybody else's turn, however much waits

    async def _contradict(self, client: aiomqtt.Client, payload: bytes) -> None:
        """Another ingestor of this host id went; gateways must not take its last word for ours."""
        try:
            state = decode_state(payload)
        except DecodeError:
            return
        if not state.online:
            await self._announce(client, online=True, at_ms=max(self._now_ms(), state.timestamp_ms + 1))

    async def _send(self, client: aiomqtt.Client) -> None:
        while True:
            await self._outbox.wait()
            await self._send_waiting(client)

    async def _send_waiting(self, client: aiomqtt.Client) -> None:
        for topic, payload in self._outbox.take():
            await client.publish(topic, payload)

    def _now_ms(self) -> int:
        return int(self._clock.timestamp() * 1000)
