"""Simulated meters on a TCP or UDP port, over the wrapper: the asyncio shell around ``server``.

Meters share a port as logical devices of a concentrator do: the wrapper's destination port says which one is meant.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from typing import cast

from domain.errors import DecodeError
from protocols.dlms.data import Data
from protocols.dlms.server import MeterSession
from protocols.dlms.server_meter import Meter
from protocols.dlms.wrapper import encode_frame, take_frames


class MeterListener:
    """Serves meters by their wrapper port (1 for the only one)."""

    def __init__(
        self,
        meters: Mapping[int, Meter],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        """``port`` 0 takes a free one; ``random`` makes the challenges."""
        self._meters = dict(meters)
        self._host = host
        self._port = port
        self._random = random
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Transport] = set()
        self._peers: set[_Peer] = set()
        self.silent: frozenset[int] = frozenset()
        """Meters that give no answer for now, by wrapper port."""
        self.cut: frozenset[int] = frozenset()
        """Meters whose line is cut: a connection that asks for one is closed."""

    @property
    def port(self) -> int:
        """The port listened on."""
        if self._server is None:
            raise RuntimeError("the listener is not started")
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Listens."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Peer(self, self._meters, self._random, self._open), self._host, self._port)

    def attach(self, peer: _Peer) -> None:
        """A connection stands."""
        self._peers.add(peer)

    def detach(self, peer: _Peer) -> None:
        """A connection is gone."""
        self._peers.discard(peer)

    def push(self, device: int, body: Data) -> int:
        """Sends a data-notification to every client that is associated with a meter now; to how many."""
        return sum(peer.push(device, body) for peer in self._peers)

    async def stop(self) -> None:
        """Closes the port and every connection."""
        if self._server is not None:
            self._server.close()
            for transport in list(self._open):
                transport.abort()
            await self._server.wait_closed()
            self._server = None
        await asyncio.sleep(0)


class _Peer(asyncio.Protocol):
    """One connection; a client that breaks the framing is closed."""

    def __init__(
        self,
        listener: MeterListener,
        meters: Mapping[int, Meter],
        random: Callable[[int], bytes],
        connections: set[asyncio.Transport],
    ) -> None:
        self._listener = listener
        self._meters = meters
        self._random = random
        self._connections = connections
        self._buffer = bytearray()
        self._sessions: dict[tuple[int, int], MeterSession] = {}
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  (create_server gives no other)
        self._transport = transport
        self._connections.add(transport)
        self._listener.attach(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  (the name is asyncio's)
        if self._transport is not None:
            self._connections.discard(self._transport)
        self._listener.detach(self)

    def push(self, device: int, body: Data) -> int:
        sent = 0
        for (client, meter), session in self._sessions.items():
            apdu = session.push(body) if meter == device else None
            if apdu is not None and self._transport is not None:
                self._transport.write(encode_frame(device, client, apdu))
                sent += 1
        return sent

    def data_received(self, data: bytes) -> None:
        if self._transport is None:
            return
        self._buffer += data
        try:
            frames = take_frames(self._buffer)
        except DecodeError:
            self._transport.close()
            return
        for client, device, apdu in frames:
            meter = self._meters.get(device)
            if device in self._listener.cut:
                self._transport.abort()
                return
            if meter is None or device in self._listener.silent:
                continue  # nobody of that address is here, so nobody answers
            session = self._sessions.get((client, device))
            if session is None:
                session = self._sessions[client, device] = MeterSession(meter, client, random=self._random)
            self._transport.write(encode_frame(device, client, session.receive(apdu)))


class DatagramListener(asyncio.DatagramProtocol):
    """The same meters over UDP, without a connection: an association belongs to the address that asked for it."""

    def __init__(self, meters: Mapping[int, Meter], *, random: Callable[[int], bytes] = os.urandom) -> None:
        """``random`` makes the challenges."""
        self._meters = dict(meters)
        self._random = random
        self._sessions: dict[tuple[object, int, int], MeterSession] = {}
        self._transport: asyncio.DatagramTransport | None = None
        self.lose: Callable[[bytes], bool] = lambda _: False
        """Which datagrams never arrive."""

    @property
    def port(self) -> int:
        """The port listened on."""
        if self._transport is None:
            raise RuntimeError("the listener is not started")
        return int(self._transport.get_extra_info("sockname")[1])

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listens; ``port`` 0 takes a free one."""
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, local_addr=(host, port))

    async def stop(self) -> None:
        """Closes the port."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None
        await asyncio.sleep(0)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The port is open."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[object, ...]) -> None:
        """A request; what is none is left unanswered."""
        if self._transport is None or self.lose(data):
            return
        try:
            frames = take_frames(bytearray(data))
        except DecodeError:
            return
        for client, device, apdu in frames:
            meter = self._meters.get(device)
            if meter is not None:
                key = (addr, client, device)
                session = self._sessions.setdefault(key, MeterSession(meter, client, random=self._random))
                self._transport.sendto(encode_frame(device, client, session.receive(apdu)), addr)
