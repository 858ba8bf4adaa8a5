"""The two wires of an RTU line: a serial server over TCP, and a serial port of the machine (Linux termios)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import termios

from protocols.serial_port import SerialPort

_LEAST_SILENCE_S = 0.00175
_BITS_PER_CHARACTER = 11


class _Inbox:
    """Bytes that have come, and somebody who may wait for more."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._waiter: asyncio.Future[None] | None = None
        self._lost: OSError | None = None

    def _put(self, data: bytes) -> None:
        self._bytes += data
        self._wake()

    def _lose(self, error: OSError) -> None:
        self._lost = error
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def more(self, timeout_s: float) -> bytes:
        """See ``Wire``."""
        if not self._bytes and self._lost is None and timeout_s > 0:
            loop = asyncio.get_running_loop()
            self._waiter = loop.create_future()
            timer = loop.call_later(timeout_s, self._wake)
            try:
                await self._waiter
            finally:
                timer.cancel()
                self._waiter = None
        if self._bytes:
            data = bytes(self._bytes)
            self._bytes.clear()
            return data
        if self._lost is not None:
            raise self._lost
        return b""

    def _forget(self) -> None:
        self._bytes.clear()
        self._lost = None


class _Stream(asyncio.Protocol):
    """One TCP connection; one that was left behind, or given up while it opened, speaks to nobody."""

    wire: TcpWire | None = None

    def data_received(self, data: bytes) -> None:
        if self.wire is not None:
            self.wire.came(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.wire is not None:
            self.wire.lost(exc)


class TcpWire(_Inbox):
    """RTU frames over TCP, as serial servers speak it."""

    def __init__(self, host: str, port: int, *, baud: int = 9600) -> None:
        super().__init__()
        self._host = host
        self._port = port
        self._baud = baud
        self._stream: _Stream | None = None
        self._transport: asyncio.Transport | None = None
        self.name = f"{host}:{port}"
        self.silence_s = max(_LEAST_SILENCE_S, 3.5 * _BITS_PER_CHARACTER / baud)

    @property
    def is_open(self) -> bool:
        """Whether the connection stands."""
        return self._transport is not None and not self._transport.is_closing()

    def came(self, data: bytes) -> None:
        """Bytes of the connection in use."""
        self._put(data)

    def lost(self, error: Exception | None) -> None:
        """The connection in use has ended."""
        self._lose(ConnectionResetError(str(error or "closed by the other side")))

    async def open(self, timeout_s: float) -> None:
        """See ``Wire``."""
        self.close()
        async with asyncio.timeout(timeout_s):
            transport, stream = await asyncio.get_running_loop().create_connection(_Stream, self._host, self._port)
        self._transport, self._stream = transport, stream
        stream.wire = self

    def send(self, data: bytes) -> None:
        """See ``Wire``."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError("the connection is closed")
        self._transport.write(data)

    def air_s(self, count: int) -> float:
        """See ``Wire``."""
        return count * _BITS_PER_CHARACTER / self._baud

    def close(self) -> None:
        """See ``Wire``."""
        if self._stream is not None:
            self._stream.wire = None
        if self._transport is not None:
            self._transport.abort()
        self._stream = self._transport = None
        self._forget()


class SerialWire(_Inbox):
    """A serial port, 8 data bits, raw. Nobody else may open it meanwhile."""

    def __init__(self, path: str, *, baud: int = 9600, parity: str = "E", stop_bits: int = 1) -> None:
        """``parity`` is N, E or O; ``baud`` one of the usual rates up to 115200.

        Raises:
            ValueError: No such rate or parity.
        """
        super().__init__()
        self._port = SerialPort(path=path, baud=baud, parity=parity, stop_bits=stop_bits)
        self._path = path
        self._baud = baud
        self._fd = -1
        self.name = path
        self.silence_s = max(_LEAST_SILENCE_S, 3.5 * _BITS_PER_CHARACTER / baud)

    @property
    def is_open(self) -> bool:
        """Whether the port is open."""
        return self._fd >= 0

    async def open(self, timeout_s: float) -> None:  # noqa: ARG002 (a port opens at once or not at all)
        """See ``Wire``."""
        self.close()
        fd = self._port.open()
        try:
            asyncio.get_running_loop().add_reader(fd, self._readable)
        except BaseException:  # the port must not stay open with nobody to close it
            os.close(fd)
            raise
        self._fd = fd

    def _readable(self) -> None:
        try:
            data = os.read(self._fd, 4096)
        except BlockingIOError:
            return
        except OSError as error:
            self._gone(error)
            return
        if data:
            self._put(data)
        else:
            self._gone(ConnectionResetError("the port has gone"))

    def _gone(self, error: OSError) -> None:
        asyncio.get_running_loop().remove_reader(self._fd)
        self._lose(error)

    def send(self, data: bytes) -> None:
        """See ``Wire``. A frame is far shorter than what the driver holds, so it goes as a whole or not at all."""
        if os.write(self._fd, data) != len(data):
            raise OSError(f"{self._path} took only a part of the frame")

    def air_s(self, count: int) -> float:
        """See ``Wire``."""
        return count * _BITS_PER_CHARACTER / self._baud

    def close(self) -> None:
        """See ``Wire``."""
        if self._fd >= 0:
            asyncio.get_running_loop().remove_reader(self._fd)
            with contextlib.suppress(OSError, termios.error):  # an adapter pulled out has nothing left to flush
                termios.tcflush(self._fd, termios.TCIOFLUSH)
            os.close(self._fd)
        self._fd = -1
        self._forget()
