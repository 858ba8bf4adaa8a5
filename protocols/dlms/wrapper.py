"""The TCP/UDP wrapper (IEC 62056-47): version, source port, destination port, length, then the APDU."""

from __future__ import annotations

import struct

from protocols.dlms.framing import Arrival
from protocols.dlms.reader import wrong

VERSION = 1
HEADER_BYTES = 8
_HEADER = struct.Struct(">HHHH")


def encode_frame(source: int, destination: int, apdu: bytes) -> bytes:
    """One frame.

    Raises:
        ValueError: The APDU is longer than 65535 bytes.
    """
    if len(apdu) > 0xFFFF:
        raise ValueError(f"an APDU of {len(apdu)} bytes does not fit the wrapper: 65535 is the most")
    return _HEADER.pack(VERSION, source, destination, len(apdu)) + apdu


def take_frames(buffer: bytearray, *, max_apdu: int = 0xFFFF) -> list[tuple[int, int, bytes]]:
    """Takes the complete frames off the buffer: source port, destination port, APDU.

    Raises:
        DecodeError: A header is wrong, or promises more than ``max_apdu``.
    """
    found = []
    while len(buffer) >= HEADER_BYTES:
        version, source, destination, length = _HEADER.unpack_from(buffer)
        if version != VERSION:
            raise wrong(f"wrapper version {version}, {VERSION} is spoken")
        if length > max_apdu:
            raise wrong(f"wrapper promises {length} bytes, {max_apdu} are taken")
        if len(buffer) < HEADER_BYTES + length:
            break
        found.append((source, destination, bytes(buffer[HEADER_BYTES : HEADER_BYTES + length])))
        del buffer[: HEADER_BYTES + length]
    return found


class Wrapper:
    """One side of a wrapped connection: bytes in, APDUs out.

    A frame for another port than ours is dropped; a header that is none ends the connection, since where the next one begins
    cannot be known.
    """

    def __init__(self, *, local: int, remote: int, max_apdu: int = 0xFFFF) -> None:
        """``local`` and ``remote`` are wrapper ports (client and server address); ``max_apdu`` the longest APDU taken, bytes."""
        self._local = local
        self._remote = remote
        self._max_apdu = max_apdu
        self._buffer = bytearray()

    def open(self) -> bytes:
        """Nothing: a wrapped connection is open as soon as TCP is."""
        return b""

    @property
    def opened(self) -> bool:
        """Always."""
        return True

    def send(self, apdu: bytes) -> bytes:
        """The frame of an APDU."""
        return encode_frame(self._local, self._remote, apdu)

    def receive(self, data: bytes) -> Arrival:
        """The APDUs that are complete with these bytes.

        Raises:
            DecodeError: A header is wrong, or promises more than ``max_apdu``.
        """
        self._buffer += data
        frames = take_frames(self._buffer, max_apdu=self._max_apdu)
        return Arrival(apdus=tuple([apdu for source, to, apdu in frames if (source, to) == (self._remote, self._local)]))

    def close(self) -> bytes:
        """Nothing: closing TCP is enough."""
        return b""


class DatagramWrapper(Wrapper):
    """The wrapper over UDP: a datagram is whole frames, or nothing of it is believed."""

    def receive(self, data: bytes) -> Arrival:
        """The APDUs of one datagram.

        Raises:
            DecodeError: It is cut off, or no wrapper frame.
        """
        try:
            arrival = super().receive(data)
            if self._buffer:
                raise wrong(f"a datagram of {len(data)} bytes that ends within a frame")
        finally:
            self._buffer.clear()  # nothing of it may be joined with the next one
        return arrival
