"""The answering side of Modbus TCP, for the simulated town: one port, one or many devices behind it.

Our own, not pymodbus' server: that one calls its simulator interface experimental, answers a third as many requests a second, and
would make both ends of every test the same code. Framing is simple (MBAP: transaction, protocol 0, length, unit), and pymodbus'
client in turn is the independent peer that proves it.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Mapping
from types import TracebackType
from typing import Self, cast

from protocols.modbus.bank import RegisterBank
from protocols.modbus.pdu import TARGET_NOT_RESPONDING, answer, exception

__all__ = ["RegisterBank", "RegisterServer"]

_HEADER = struct.Struct(">HHHB")
_MAX_PDU = 253


class RegisterServer:
    """Serves devices by unit id on one TCP port. ``devices`` is looked at with every request and may change."""

    def __init__(self, devices: Mapping[int, RegisterBank], host: str = "127.0.0.1", port: int = 0) -> None:
        self.devices = devices
        self._host = host
        self._port = port
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Transport] = set()

    @property
    def port(self) -> int:
        """The port in use; the one asked for (0 for any free one) while not started."""
        if self._server is None:
            return self._port
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Listens. A server that was stopped listens on the same port again.

        Raises:
            OSError: The port is taken.
        """
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self.devices, self._connections), self._host, self._port)
        self._port = self.port

    async def stop(self) -> None:
        """Closes the port and every connection."""
        if self._server is None:
            return
        self._server.close()
        for transport in list(self._connections):
            transport.abort()
        await self._server.wait_closed()
        await asyncio.sleep(0)  # an aborted connection lets go of its socket one turn of the loop later
        self._server = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.stop()


class _Connection(asyncio.Protocol):
    """One client: cuts the byte stream into frames and answers each."""

    def __init__(self, devices: Mapping[int, RegisterBank], open_connections: set[asyncio.Transport]) -> None:
        self._devices = devices
        self._open_connections = open_connections
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._open_connections.add(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (the base class's own signature)
        self._open_connections.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= _HEADER.size:
            transaction, protocol, length, unit = _HEADER.unpack_from(self._buffer)
            if protocol != 0 or not 2 <= length <= _MAX_PDU + 1:
                self._transport.abort()  # not Modbus, or out of step: nothing after this can be trusted
                return
            end = 6 + length
            if len(self._buffer) < end:
                return
            request, self._buffer = self._buffer[_HEADER.size : end], self._buffer[end:]
            self._respond(transaction, unit, request)

    def _respond(self, transaction: int, unit: int, request: bytes) -> None:
        device = self._devices.get(unit)
        if device is None:
            reply = exception(request, TARGET_NOT_RESPONDING)
        elif device.silent:
            return
        elif device.exception is not None:
            reply = exception(request, device.exception)
        else:
            reply = answer(device, request)
        frame = _HEADER.pack(transaction, 0, len(reply) + 1, unit) + reply
        if device is not None and device.delay_s > 0:
            asyncio.get_running_loop().call_later(device.delay_s, self._send, frame)
        else:
            self._send(frame)

    def _send(self, frame: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(frame)
