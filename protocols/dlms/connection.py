"""One connection under a framing, over TCP, UDP or a serial port: an APDU out, an APDU in, each wait with an end."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import cast

from domain.errors import DecodeError, DeviceError, DeviceTimeout, KhettaraError
from protocols.dlms.errors import ConnectionLost
from protocols.dlms.framing import Framing
from protocols.dlms.serial_transport import SerialTransport
from protocols.serial_port import SerialPort

_MAX_WAITING = 16
"""APDUs kept that nobody has asked for yet; a meter that sends more is not in step with us."""


class Connection(asyncio.Protocol, asyncio.DatagramProtocol):
    """Bytes of one connection; used by ``DlmsClient`` only, one caller at a time."""

    def __init__(
        self,
        framing: Framing,
        *,
        who: str,
        notify: Callable[[bytes], bool],
        datagrams: bool = False,
        serial: SerialPort | None = None,
    ) -> None:
        """``notify`` says whether an APDU was a notification, and takes it then; ``datagrams`` is UDP, ``serial`` our own port."""
        self._framing = framing
        self._serial = serial
        self._datagrams = datagrams
        self._who = who
        self._notify = notify
        self._transport: asyncio.Transport | asyncio.DatagramTransport | None = None
        self._answers: deque[bytes] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._broken: KhettaraError | None = None

    @property
    def alive(self) -> bool:
        """Whether nothing has gone wrong yet."""
        return self._transport is not None and self._broken is None

    async def open(self, host: str, port: int, timeout_s: float) -> None:
        """Connects and opens the link.

        Raises:
            DeviceTimeout: No connection or no link in time.
            OSError: The network refuses, or there is no such port.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout_s):
                if self._serial is not None:
                    SerialTransport(self._serial, self)
                elif self._datagrams:
                    await loop.create_datagram_endpoint(lambda: self, remote_addr=(host, port))
                else:
                    await loop.create_connection(lambda: self, host, port)
        except TimeoutError:
            raise DeviceTimeout(f"{self._who}: no connection within {timeout_s:g} s") from None
        request = self._framing.open()
        if request:
            self._write(request)
            await self._until(lambda: self._framing.opened, "the link", timeout_s)

    async def ask(self, apdu: bytes, timeout_s: float) -> bytes:
        """Sends an APDU and waits for the next one that is no notification.

        Raises:
            DeviceTimeout: None came in time (``ConnectionLost``: the peer closed).
            DecodeError: What came is no frame, or more than was asked.
        """
        if self._broken is not None:
            raise self._broken
        if self._answers:
            raise DecodeError("dlms_out_of_step", f"{self._who}: an answer that nobody asked for")
        self._write(self._framing.send(apdu))
        await self._until(lambda: bool(self._answers), "an answer", timeout_s)
        return self._answers.popleft()

    async def close_link(self) -> None:
        """Says goodbye on the link, without waiting for an answer."""
        farewell = self._framing.close()
        if farewell and self.alive:
            self._write(farewell)

    def drop(self) -> None:
        """Closes the connection."""
        if self._broken is None:
            self._broken = ConnectionLost(f"{self._who}: the connection was dropped")
        if self._transport is not None:
            self._transport.close()

    async def _until(self, done: Callable[[], bool], what: str, timeout_s: float) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.call_later(timeout_s, self._fail, DeviceTimeout(f"{self._who}: {what} did not come within {timeout_s:g} s"))
        try:
            while not done():
                if self._broken is not None:
                    raise self._broken
                self._waiter = loop.create_future()
                await self._waiter
        finally:
            deadline.cancel()
            self._waiter = None

    def _write(self, data: bytes) -> None:
        if self._transport is None or self._broken is not None:
            raise self._broken or ConnectionLost(f"{self._who}: there is no connection")
        if self._datagrams:
            cast("asyncio.DatagramTransport", self._transport).sendto(data)
        else:
            cast("asyncio.Transport", self._transport).write(data)

    def _fail(self, error: KhettaraError) -> None:
        if self._broken is None:
            self._broken = error
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # --- asyncio.Protocol, asyncio.DatagramProtocol --------------------------------------------------------------------------

    def datagram_received(self, data: bytes, addr: object) -> None:  # noqa: ARG002  (the socket takes from one address only)
        """A datagram came."""
        self.data_received(data)

    def error_received(self, exc: Exception) -> None:
        """The network says that nobody is there."""
        self._fail(ConnectionLost(f"{self._who}: {exc}"))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = cast("asyncio.Transport | asyncio.DatagramTransport", transport)

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        if self._broken is not None:
            return
        try:
            arrival = self._framing.receive(data)
            for apdu in arrival.apdus:
                if not self._notify(apdu):
                    self._answers.append(apdu)
        except (DecodeError, DeviceError) as error:
            self._fail(error)
            return
        if arrival.reply:
            self._write(arrival.reply)
        if arrival.closed:
            self._fail(ConnectionLost(f"{self._who}: the meter has closed the link"))
        elif len(self._answers) > _MAX_WAITING:
            self._fail(DecodeError("dlms_out_of_step", f"{self._who}: {len(self._answers)} answers that nobody asked for"))
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._fail(ConnectionLost(f"{self._who}: the peer closed the connection{f' ({exc})' if exc else ''}"))
