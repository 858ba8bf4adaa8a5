"""A serial port as an asyncio transport, so that a connection over it is one like any other."""

from __future__ import annotations

import asyncio
import contextlib
import os

from protocols.serial_port import SerialPort

_READ_BYTES = 4096
_MOST_WAITING = 1 << 16


class SerialTransport(asyncio.Transport):
    """Bytes there and back. What the port does not take at once waits here, within a limit."""

    def __init__(self, port: SerialPort, protocol: asyncio.Protocol) -> None:
        """Opens the port and tells the protocol.

        Raises:
            OSError: There is no such port, or it is none.
        """
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._protocol = protocol
        self._name = port.path
        self._waiting = bytearray()
        self._fd = port.open()
        self._loop.add_reader(self._fd, self._readable)
        protocol.connection_made(self)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Sends, or keeps until the port takes it; more than the limit ends the connection."""
        if self._fd < 0:
            return
        if not self._waiting:
            data = bytes(data)[self._take(bytes(data)) :]
            if data:
                self._loop.add_writer(self._fd, self._writable)
        self._waiting += data
        if len(self._waiting) > _MOST_WAITING:
            self._end(OSError(f"{self._name} takes nothing any more"))

    def close(self) -> None:
        """Closes the port."""
        self._end(None)

    def abort(self) -> None:
        """Closes the port."""
        self._end(None)

    def is_closing(self) -> bool:
        """Whether the port is closed."""
        return self._fd < 0

    def _take(self, data: bytes) -> int:
        try:
            return os.write(self._fd, data)
        except BlockingIOError:
            return 0
        except OSError as error:
            self._end(error)
            return len(data)

    def _writable(self) -> None:
        del self._waiting[: self._take(bytes(self._waiting))]
        if not self._waiting and self._fd >= 0:
            self._loop.remove_writer(self._fd)

    def _readable(self) -> None:
        try:
            data = os.read(self._fd, _READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._end(error)
            return
        if data:
            self._protocol.data_received(data)
        else:
            self._end(ConnectionResetError(f"{self._name} has gone"))

    def _end(self, error: OSError | None) -> None:
        if self._fd < 0:
            return
        fd, self._fd = self._fd, -1
        self._waiting.clear()
        self._loop.remove_reader(fd)
        self._loop.remove_writer(fd)
        with contextlib.suppress(OSError):  # an adapter pulled out may refuse even this; the descriptor is gone either way
            os.close(fd)
        self._loop.call_soon(self._protocol.connection_lost, error)
