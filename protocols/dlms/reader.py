"""A cursor over received bytes that never reads past the end, and the one length encoding A-XDR and BER share."""

from __future__ import annotations

from domain.errors import DecodeError

REASON = "dlms_decode_error"
"""Reason code of every ``DecodeError`` of this package."""


def wrong(detail: str) -> DecodeError:
    """The error for bytes that are not what they claim to be."""
    return DecodeError(REASON, detail)


def encode_length(length: int) -> bytes:
    """A length: one byte below 128, else 0x80 + number of bytes, then the bytes (X.690 8.1.3, IEC 61334-6)."""
    if length < 0x80:
        return bytes((length,))
    size = (length.bit_length() + 7) // 8
    if size > 4:
        raise ValueError(f"length {length} takes more than four bytes")
    return bytes((0x80 | size,)) + length.to_bytes(size, "big")


class Reader:
    """Reads forward through ``data[start:end]``; every method raises ``DecodeError`` rather than read past the end."""

    __slots__ = ("data", "end", "position")

    def __init__(self, data: bytes, start: int = 0, end: int | None = None) -> None:
        self.data = data
        self.position = start
        self.end = len(data) if end is None else end

    @property
    def remaining(self) -> int:
        """Bytes not read yet."""
        return self.end - self.position

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes."""
        start = self.position
        stop = start + count
        if stop > self.end:
            raise wrong(f"{count} bytes wanted at offset {start}, {self.end - start} are left")
        self.position = stop
        return self.data[start:stop]

    def u8(self) -> int:
        """One byte."""
        position = self.position
        if position >= self.end:
            raise wrong(f"the data end at offset {position}, one more byte is wanted")
        self.position = position + 1
        return self.data[position]

    def unsigned(self, size: int) -> int:
        """A big-endian unsigned number of ``size`` bytes."""
        return int.from_bytes(self.take(size), "big")

    def signed(self, size: int) -> int:
        """A big-endian two's complement number of ``size`` bytes."""
        return int.from_bytes(self.take(size), "big", signed=True)

    def length(self) -> int:
        """A length; not checked against what is left, since it may count elements."""
        first = self.u8()
        if first < 0x80:
            return first
        size = first & 0x7F
        if not 1 <= size <= 4:
            raise wrong(f"length byte 0x{first:02X} at offset {self.position - 1}: one to four bytes of length are taken")
        return self.unsigned(size)

    def octets(self) -> bytes:
        """A length and as many bytes."""
        return self.take(self.length())

    def flag(self) -> bool:
        """An A-XDR boolean or presence flag: zero is false."""
        return self.u8() != 0

    def rest(self) -> bytes:
        """Everything that is left."""
        return self.take(self.end - self.position)

    def finish(self, what: str) -> None:
        """Says that ``what`` ends here; bytes after it are an error."""
        if self.position != self.end:
            raise wrong(f"{self.end - self.position} bytes too many after {what}")
