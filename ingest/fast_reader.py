"""The broker's client with a fast way into the inbox: reads the socket in large pieces and cuts out the messages at QoS 0 itself.

The library reads byte by byte and makes an object, a task and a turn of the event loop for each message: a tenth of a millisecond
that a message with one reading cannot afford. Data comes at QoS 0 and needs none of it; every other packet goes to the library
whole.

There is no public way to do so. What is used of the library's inside is as of paho-mqtt 2.1, and tested on real brokers.
"""
# ruff: noqa: SLF001

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import aiomqtt
from paho.mqtt.client import Client as PahoClient
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.exception import MalformedPacket

from ingest.inbox import Inbox
from protocols.mqtt import BrokerClient

_READ_BYTES = 262_144
_READS_A_TURN = 4
"""Then the event loop gets its turn: a flood of messages must not keep receipts from leaving."""
_PUBLISH_QOS0 = (0x30, 0x31)
"""Without and with the flag RETAIN."""


class InboxQueue(asyncio.Queue[aiomqtt.Message]):
    """The library's queue: hands every message on to the inbox."""

    def __init__(self, inbox: Inbox) -> None:
        super().__init__()
        self._inbox = inbox

    def put_nowait(self, item: aiomqtt.Message) -> None:
        """Called by the library for each message that it has read."""
        self._inbox.add(item.topic.value, bytes(item.payload) if isinstance(item.payload, bytes | bytearray) else b"")


class UplinkClient(BrokerClient):
    """A client whose messages go into an inbox."""

    def __init__(self, host: str, port: int, *, inbox: Inbox, **options: Any) -> None:
        super().__init__(host, port, queue_type=lambda maxsize: InboxQueue(inbox), **options)  # noqa: ARG005  (the library's call)
        self._client.loop_read = FastReader(self._client, inbox.add).read  # type: ignore[method-assign]  # this is how paho is made fast

    async def __aenter__(self) -> UplinkClient:
        """Connects; see ``BrokerClient``."""
        await super().__aenter__()
        return self

    async def until_lost(self) -> None:
        """Returns never.

        Raises:
            aiomqtt.MqttError: When the connection is gone.
        """
        await asyncio.wait({self._disconnected})
        raise aiomqtt.MqttError("the connection is gone") from self._disconnected.exception()


class FastReader:
    """Stands in for the library's way of reading its socket: cuts out the messages at QoS 0, hands it all other packets whole."""

    def __init__(self, client: PahoClient, deliver: Callable[[str, bytes], None]) -> None:
        self._client: Any = client
        self._deliver = deliver
        self._rest = b""

    def read(self, max_packets: int = 1) -> MQTTErrorCode:  # noqa: ARG002  (the library's signature)
        """Reads what the socket has; called by the library's client when there is something."""
        for _ in range(_READS_A_TURN):
            if self._client._sock is None:
                return MQTTErrorCode.MQTT_ERR_NO_CONN
            try:
                data = self._client._sock_recv(_READ_BYTES)
            except BlockingIOError:
                break
            except OSError:
                return self._lost(MQTTErrorCode.MQTT_ERR_CONN_LOST)
            if not data:
                return self._lost(MQTTErrorCode.MQTT_ERR_CONN_LOST)
            self._client._last_bytes_received = time.monotonic()
            code = self._packets(self._rest + data)
            if code > 0:
                return self._lost(code)
            if len(data) < _READ_BYTES and not self._pending():
                break
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _pending(self) -> bool:
        """TLS may hold bytes of which the socket knows nothing."""
        pending = getattr(self._client._sock, "pending", None)
        return bool(pending and pending())

    def _lost(self, code: MQTTErrorCode) -> MQTTErrorCode:
        self._rest = b""
        answer: MQTTErrorCode = self._client._loop_rc_handle(code)
        return answer

    def _packets(self, data: bytes) -> MQTTErrorCode:
        """Every whole packet; what is left of one stays for the next read."""
        at, end = 0, len(data)
        while at + 2 <= end:
            length, body = data[at + 1], at + 2
            if length >= 0x80:
                found = _length(data, at + 1)
                if found is None:
                    break
                length, body = found
                if length < 0:
                    return MQTTErrorCode.MQTT_ERR_PROTOCOL
            if body + length > end:
                break
            packet = data[body : body + length]
            if data[at] not in _PUBLISH_QOS0 or not self._publish(packet):
                code = self._hand_over(data[at], packet)
                if code > 0 or self._client._sock is None:
                    return code
            at = body + length
        self._rest = data[at:]
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _publish(self, packet: bytes) -> bool:
        """Delivers a PUBLISH at QoS 0 (MQTT 5, 3.3): topic, properties, payload. False where it is for the library to judge."""
        topic_end = 2 + int.from_bytes(packet[:2], "big")
        if topic_end == 2 or topic_end >= len(packet):
            return False
        found = (packet[topic_end], topic_end + 1) if packet[topic_end] < 0x80 else _length(packet, topic_end)
        if found is None or found[0] < 0 or found[0] + found[1] > len(packet):
            return False
        try:
            topic = packet[2:topic_end].decode()
        except UnicodeDecodeError:
            return False
        self._deliver(topic, packet[found[1] + found[0] :])
        return True

    def _hand_over(self, command: int, packet: bytes) -> MQTTErrorCode:
        """Lets the library handle one whole packet, as after a read of its own."""
        client = self._client
        client._in_packet = _in_packet(command, packet)
        try:
            code: MQTTErrorCode = client._packet_handle()
        except MalformedPacket:
            code = MQTTErrorCode.MQTT_ERR_PROTOCOL
        client._in_packet = _in_packet(0, b"")
        return code


def _in_packet(command: int, packet: bytes) -> dict[str, Any]:
    """The library's state of reading: nothing yet for command 0, else a packet that is complete."""
    return {
        "command": command,
        "have_remaining": int(command != 0),
        "remaining_count": [],
        "remaining_mult": 1,
        "remaining_length": len(packet),
        "packet": bytearray(packet),
        "to_process": 0,
        "pos": 0,
    }


def _length(data: bytes, at: int) -> tuple[int, int] | None:
    """A variable byte integer (MQTT 5, 1.5.5) and where it ends; None where it does not yet; -1 where it is none."""
    value = 0
    for i in range(4):
        if at + i >= len(data):
            return None
        byte = data[at + i]
        value |= (byte & 0x7F) << 7 * i
        if byte < 0x80:
            return value, at + i + 1
    return -1, at + 4
