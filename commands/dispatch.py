"""Between the desk and the gateways: signed commands out, results in, over MQTT 5.

Publishing is at QoS 0, as Sparkplug demands, so a command is repeated until its result comes or its time is up: the edge answers a
repeat from its journal and never acts twice. A result is acknowledged only after the desk has kept it; until then the edge repeats.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections import Counter
from collections.abc import Awaitable, Callable

import aiomqtt
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from commands.outbox import Outbox
from commands.settings import BrokerSettings
from domain.errors import DecodeError
from domain.inventory import Inventory
from domain.ports import Clock
from domain.setpoints import Command, Outcome, outcome_word
from protocols.mqtt import BrokerClient, Denied
from protocols.sparkplug.commands import canonical_document, decode_result, encode_command, encode_result_ack
from protocols.sparkplug.names import COMMAND_RESULT
from protocols.sparkplug.payload import decode
from protocols.sparkplug.topics import NAMESPACE, MessageType, Topic, build, parse_topic
from protocols.tasks import end_tasks

OutcomeListener = Callable[[Outcome, str], Awaitable[None]]
"""Takes an outcome and the ``group/node`` it came from; returns once it is kept."""

MAX_INCOMING = 10_000
LONGEST_WAIT_S = 0.5
"""Even with nothing new, the outbox is looked at this often [wall s]."""

log = structlog.get_logger(__name__)


class CommandDispatch:
    """The ``CommandSender`` of the desk.

    Args:
        broker: Where the broker is.
        private_key: Signs the commands; their ``key_id`` must name it.
        inventory: The site, for the Sparkplug groups.
        clock: Process time, for expiry.
        on_outcome: Who takes the outcomes; may be given later by ``listen``.
    """

    def __init__(
        self,
        *,
        broker: BrokerSettings,
        private_key: Ed25519PrivateKey,
        inventory: Inventory,
        clock: Clock,
        on_outcome: OutcomeListener | None = None,
    ) -> None:
        self._broker = broker
        self._private_key = private_key
        self._groups = sorted({g.group for g in inventory.gateways.values()})
        self._clock = clock
        self._on_outcome = on_outcome
        self._outbox = Outbox(republish_s=broker.republish_s)
        self._wake = asyncio.Event()
        self.connected = asyncio.Event()
        """Set while subscribed and able to publish."""
        self.denied: Counter[str] = Counter()
        """What the broker refused: certificate, connect, subscribe, publish."""

    def listen(self, on_outcome: OutcomeListener) -> None:
        """Says who takes the outcomes: the desk, which itself needs this sender."""
        self._on_outcome = on_outcome

    async def send(self, command: Command) -> None:
        """Takes a command; it leaves at once, or when the broker is back, or never once it has expired.

        Raises:
            ValueError: The command has no form on the wire: a text is empty, a number not finite.
        """
        canonical_document(command)
        self._outbox.add(command)
        self._wake.set()

    async def run(self) -> None:
        """Keeps a connection until cancelled."""
        wait_s = self._broker.reconnect_s
        while True:
            try:
                async with self._client() as client:
                    await self._serve(client)
            except* Denied:
                pass  # counted and told where it was heard
            except* aiomqtt.MqttError as group:
                log.warning("command road lost its broker", host=self._broker.host, port=self._broker.port, error=_words(group))
            if self.connected.is_set():
                wait_s = self._broker.reconnect_s
            self.connected.clear()
            await asyncio.sleep(wait_s * (0.5 + random.random()))  # so that a returning broker is not met by all at once
            wait_s = min(wait_s * 2, self._broker.reconnect_max_s)

    def _client(self) -> BrokerClient:
        return BrokerClient(
            self._broker.host,
            self._broker.port,
            tls=self._broker.tls,
            on_denied=self._on_denied,
            username=self._broker.username,
            password=self._broker.password,
            identifier=self._broker.identifier,
            keepalive=self._broker.keepalive_s,
            timeout=self._broker.timeout_s,
            max_queued_incoming_messages=MAX_INCOMING,
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        )

    def _on_denied(self, denied: Denied) -> None:
        self.denied[denied.deed] += 1
        log.error("the broker denies the command desk", deed=denied.deed.value, detail=denied.detail)

    async def _serve(self, client: BrokerClient) -> None:
        for group in self._groups:
            await client.subscribe_to(f"{NAMESPACE}/{group}/{MessageType.DDATA}/+/+", qos=0)
        self._outbox.publish_again()
        self.connected.set()
        tasks = [asyncio.create_task(self._publish_due(client)), asyncio.create_task(self._take_results(client))]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await end_tasks(tasks)  # a task group would cancel each but once

    async def _publish_due(self, client: aiomqtt.Client) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            for command in self._outbox.due(self._clock.now(), loop.time()):
                await client.publish(_topic(command), encode_command(command, self._private_key), qos=0)
            with contextlib.suppress(TimeoutError):  # time to look again what is due; a new command wakes us early
                await asyncio.wait_for(self._wake.wait(), min(LONGEST_WAIT_S, self._broker.republish_s))

    async def _take_results(self, client: aiomqtt.Client) -> None:
        marker = COMMAND_RESULT.encode()
        async for message in client.messages:
            payload = message.payload
            # Every reading of the site passes here: only what can be a result is decoded.
            if isinstance(payload, bytes) and marker in payload:
                await self._take_result(client, str(message.topic), payload)

    async def _take_result(self, client: aiomqtt.Client, topic_text: str, payload: bytes) -> None:
        try:
            topic, outcome = parse_topic(topic_text), decode_result(decode(payload))
        except DecodeError as error:
            log.warning("result not understood", topic=topic_text, reason=error.reason, detail=error.detail)
            return
        if outcome is None or self._on_outcome is None:
            return
        try:
            await self._on_outcome(outcome, topic.edge)
        except Exception:  # supervisor: whatever the desk's memory suffers, the result comes again, because it is not acknowledged
            log.exception("outcome not kept", command=outcome.command_id, outcome=outcome_word(outcome))
            return
        if self._outbox.gateway_of(outcome.command_id) not in (None, topic.edge):
            return  # answered by a gateway that was not asked: the desk has noted it, the right one is still awaited
        self._outbox.drop(outcome.command_id)
        self._wake.set()
        ack = Topic(group=topic.group, message_type=MessageType.DCMD, node=topic.node, device=topic.device)
        await client.publish(build(ack), encode_result_ack(outcome.command_id), qos=0)


def _topic(command: Command) -> str:
    group, node = command.gateway.split("/", 1)
    return build(Topic(group=group, message_type=MessageType.DCMD, node=node, device=command.device))


def _words(group: BaseExceptionGroup[BaseException]) -> str:
    return "; ".join(str(e) or type(e).__name__ for e in group.exceptions)
