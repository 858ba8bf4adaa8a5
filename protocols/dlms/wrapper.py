"""The TCP/UDP wrapper (IEC 62056-47): version, source port, destination port, length, then the APDU."""

from __future__ import annotations

from protocols.dlms.framing import Arrival
from protocols.dlms.reader import wrong

VERSION = 1
HEADER_BYTES = 8


def encode_frame(source: int, destination: int, apdu: bytes) -> bytes:
    """One frame.

    Raises:
        ValueError: The APDU is longer than 65535 bytes.
    """
    if len(apdu) > 0xFFFF:
        raise ValueError(f"an APDU of {len(apdu)} bytes does not fit the wrapper: 65535 is the most")
    return b"".join(
        (VERSION.to_bytes(2, "big"), source.to_bytes(2, "big"), destination.to_bytes(2, "big"), len(apdu).to_bytes(2, "big"), apdu)
    )


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
        buffer = self._buffer
        buffer += data
        found: list[bytes] = []
        while len(buffer) >= HEADER_BYTES:
            version = int.from_bytes(buffer[0:2], "big")
            length = int.from_bytes(buffer[6:8], "big")
            if version != VERSION:
                raise wrong(f"wrapper version {version}, {VERSION} is spoken")
            if length > self._max_apdu:
                raise wrong(f"wrapper promises {length} bytes, {self._max_apdu} are taken")
            if len(buffer) < HEADER_BYTES + length:
                break
            ports = int.from_bytes(buffer[2:4], "big"), int.from_bytes(buffer[4:6], "big")
            if ports == (self._remote, self._local):
                found.append(bytes(buffer[HEADER_BYTES : HEADER_BYTES + length]))
            del buffer[: HEADER_BYTES + length]
        return Arrival(apdus=tuple(found))

    def close(self) -> bytes:
        """Nothing: closing TCP is enough."""
        return b""
