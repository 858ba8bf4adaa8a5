"""The little of MQTT 5 that a load generator needs: QoS 0, finished packets. A full client would itself be the bottleneck."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import cast

from domain.errors import KhettaraError

_FLAGS = 0xC2
"""User name, password, clean start."""
_KEEPALIVE_S = 3600
"""Longer than any round; the embedded broker does not answer a client that asks for none."""
_CONNECT, _CONNACK, _PUBLISH, _SUBSCRIBE, _SUBACK = 0x10, 0x20, 0x30, 0x82, 0x90


class BrokerRefused(KhettaraError):
    """The broker did not take the load generator's connection or subscription."""


def publish_packet(topic: str, payload: bytes) -> bytes:
    """A PUBLISH at QoS 0 without properties (MQTT 5, 3.3)."""
    return _packet(_PUBLISH, _text(topic) + b"\x00" + payload)


class Connection(asyncio.Protocol):
    """One client; ``on_message`` gets the payloads of what it is subscribed to."""

    def __init__(self, on_message: Callable[[bytes], None]) -> None:
        self._on_message = on_message
        self._rest = b""
        self._answers: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue()
        self._transport: asyncio.Transport | None = None
        self.lost = asyncio.Event()
        """Set when the connection is gone."""

    @classmethod
    async def open(
        cls, host: str, port: int, *, client_id: str, username: str, password: str, topic: str, on_message: Callable[[bytes], None]
    ) -> Connection:
        """A connected client that is subscribed to one topic.

        Raises:
            BrokerRefused: With the packet that said so.
        """
        _, self = await asyncio.get_running_loop().create_connection(lambda: cls(on_message), host, port)
        head = bytes([5, _FLAGS, *_KEEPALIVE_S.to_bytes(2, "big"), 0])
        who = _text(client_id) + _text(username) + _text(password)
        await self._ask(_packet(_CONNECT, _text("MQTT") + head + who), _CONNACK, code_at=1)
        await self._ask(_packet(_SUBSCRIBE, b"\x00\x01\x00" + _text(topic) + b"\x00"), _SUBACK, code_at=-1)
        return self

    def write(self, packets: bytes) -> None:
        """Sends finished packets."""
        if self._transport is not None and not self.lost.is_set():
            self._transport.write(packets)

    def close(self) -> None:
        """Leaves without a word; there is no will."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  (the protocol's signature)
        """Called by the loop."""
        self.lost.set()

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        data = self._rest + data
        at = 0
        while (found := _head(data, at)) is not None:
            body, end = found
            if end > len(data):
                break
            if data[at] & 0xF0 == _PUBLISH:
                self._on_message(_payload(data[body:end]))
            else:
                self._answers.put_nowait((data[at] & 0xF0, data[body:end]))
            at = end
        self._rest = data[at:]

    async def _ask(self, packet: bytes, kind: int, *, code_at: int) -> None:
        self.write(packet)
        async with asyncio.timeout(20):
            answer, body = await self._answers.get()
        if answer != kind or body[code_at] >= 0x80:
            raise BrokerRefused(f"expected packet {kind:#x}, got {answer:#x} {body.hex()}")


def _packet(kind: int, body: bytes) -> bytes:
    length, head = len(body), bytearray([kind])
    while True:
        length, low = length >> 7, length & 0x7F
        head.append(low | (0x80 if length else 0))
        if not length:
            return bytes(head) + body


def _text(text: str) -> bytes:
    raw = text.encode()
    return len(raw).to_bytes(2, "big") + raw


def _head(data: bytes, at: int) -> tuple[int, int] | None:
    """Where the body of the packet at ``at`` begins and ends; None where its head is not here yet."""
    found = _varint(data, at + 1)
    return None if found is None else (found[1], found[1] + found[0])


def _varint(data: bytes, at: int) -> tuple[int, int] | None:
    value = 0
    for place in range(4):
        if at + place >= len(data):
            return None
        byte = data[at + place]
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at + place + 1
    return value, at + 4


def _payload(body: bytes) -> bytes:
    """Of a PUBLISH at QoS 0."""
    properties = 2 + int.from_bytes(body[:2], "big")
    length, after = _varint(body, properties) or (0, properties + 1)
    return body[after + length :]
