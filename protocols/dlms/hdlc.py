"""HDLC frames of IEC 62056-46: type 3 format, read by their length field, so that a payload may hold any byte.

    7E | A0 0A | dest | source | control | HCS HCS | information … | FCS FCS | 7E
         ────┴ 1010 S LLL LLLLLLLL: S more segments follow, L bytes between the flags

Looking for the closing 0x7E instead would take a payload or check byte for the end: there is no byte stuffing in this format.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from protocols.dlms.reader import wrong

FLAG = 0x7E
MAX_LENGTH = 0x7FF
"""Most bytes between the flags: the length field has eleven bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A station: logical device, and the physical one behind it where the line has several."""

    upper: int
    lower: int | None = None
    size: int = 1
    """Bytes on the wire: 1, 2 (both halves of 7 bits, or only an upper one of 14) or 4 (14 bits each)."""

    def encode(self) -> bytes:
        """Seven bits a byte, the last one marked.

        Raises:
            ValueError: The address does not fit its size.
        """
        lower = self.lower or 0
        wide = {1: (7, 0), 2: (14, 0) if self.lower is None else (7, 7), 4: (14, 14)}.get(self.size)
        if wide is None or self.upper >> wide[0] or lower >> wide[1] or self.upper < 0 or lower < 0:
            raise ValueError(f"HDLC address {self.upper}/{self.lower} does not fit {self.size} bytes")
        number = self.upper << wide[1] | lower
        groups = [number >> 7 * i & 0x7F for i in range(self.size - 1, -1, -1)]
        return bytes([group << 1 for group in groups[:-1]] + [groups[-1] << 1 | 1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame; addresses as they stand on the wire."""

    destination: bytes
    source: bytes
    control: int
    information: bytes = b""
    segmented: bool = False

    @property
    def poll(self) -> bool:
        """The poll/final bit: the other side may speak now."""
        return bool(self.control & 0x10)


def _table() -> tuple[int, ...]:
    rows = []
    for row in range(256):
        for _ in range(8):
            row = row >> 1 ^ 0x8408 if row & 1 else row >> 1  # noqa: PLW2901  (the loop is the polynomial division)
        rows.append(row)
    return tuple(rows)


_CRC = _table()


def check_sequence(data: bytes) -> bytes:
    """FCS-16 of ISO/IEC 13239 (polynomial 0x1021 reflected, inverted), least significant byte first."""
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC[(crc ^ byte) & 0xFF]
    return (crc ^ 0xFFFF).to_bytes(2, "little")


def encode_frame(frame: Frame) -> bytes:
    """The frame with its flags and check sequences.

    Raises:
        ValueError: The information is too long for the length field.
    """
    head = frame.destination + frame.source + bytes((frame.control,))
    length = 2 + len(head) + 2 + (len(frame.information) + 2 if frame.information else 0)
    if length > MAX_LENGTH:
        raise ValueError(f"a frame of {length} bytes: {MAX_LENGTH} is the most")
    body = (0xA000 | frame.segmented << 11 | length).to_bytes(2, "big") + head
    body += check_sequence(body)
    if frame.information:
        body += frame.information
        body += check_sequence(body)
    return b"\x7e" + body + b"\x7e"


class FrameReader:
    """Finds frames in received bytes; what is no frame is skipped up to the next flag and counted."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.damaged = 0
        """Times that a flag was followed by something that is no frame."""

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are complete with these bytes. Never holds more than one frame's worth of bytes after the last one."""
        self._buffer += data
        while (frame := self._next()) is not None:
            yield frame

    def _next(self) -> Frame | None:
        buffer = self._buffer
        while True:
            start = buffer.find(FLAG)
            if start < 0:
                buffer.clear()
                return None
            # Several flags in a row: the last one opens the frame. A closing flag may open the next frame too, so it is kept.
            while len(buffer) > start + 1 and buffer[start + 1] == FLAG:
                start += 1
            del buffer[:start]
            try:
                found = _frame_at(buffer)
            except ValueError:
                self.damaged += 1
                del buffer[:1]
                continue
            if found is None:
                return None
            frame, length = found
            del buffer[: length + 1]
            return frame


def _frame_at(buffer: bytearray) -> tuple[Frame, int] | None:
    """The frame that opens at offset 0 and its length field; None when more bytes are wanted. ValueError: none opens here."""
    if len(buffer) > 1 and buffer[1] >> 4 != 0xA:
        raise ValueError
    if len(buffer) < 3:
        return None
    form = int.from_bytes(buffer[1:3], "big")
    length = form & MAX_LENGTH
    head = _head(buffer, length)
    if head is None:
        return None
    destination, source, control_at = head
    check_at = control_at + 1
    whole = 1 + length  # offset of the closing flag
    if len(buffer) <= whole:
        return None
    if buffer[whole] != FLAG:
        raise ValueError
    information = b""
    if check_at + 2 != whole:
        information = bytes(buffer[check_at + 2 : whole - 2])
        if not information or bytes(buffer[whole - 2 : whole]) != check_sequence(bytes(buffer[1 : whole - 2])):
            raise ValueError
    return Frame(
        destination=destination,
        source=source,
        control=buffer[control_at],
        information=information,
        segmented=bool(form & 0x0800),
    ), length


def _head(buffer: bytearray, length: int) -> tuple[bytes, bytes, int] | None:
    """Both addresses and where the control byte is, with the header's own check proven; None when more bytes are wanted."""
    position = 3
    found: list[bytes] = []
    for _ in range(2):
        for size in (1, 2, 4):
            if position + size > length - 2:
                raise ValueError
            if position + size > len(buffer):
                return None
            if buffer[position + size - 1] & 1:
                break
        else:
            raise ValueError
        found.append(bytes(buffer[position : position + size]))
        if any(byte & 1 for byte in found[-1][:-1]):
            raise ValueError
        position += size
    if len(buffer) < position + 3:
        return None
    # Checked before the rest is waited for: a damaged length must not make the reader wait for bytes that never come.
    if bytes(buffer[position + 1 : position + 3]) != check_sequence(bytes(buffer[1 : position + 1])):
        raise ValueError
    return found[0], found[1], position


def read_one(raw: bytes) -> Frame:
    """The one frame these bytes are.

    Raises:
        DecodeError: They are none, or more than one.
    """
    reader = FrameReader()
    frames = list(reader.feed(raw))
    if len(frames) != 1 or reader.damaged:
        raise wrong(f"{len(frames)} frames and {reader.damaged} damaged ones where one was expected")
    return frames[0]
