"""The little of BER (X.690) that ACSE needs: one-byte tags, definite lengths."""

from __future__ import annotations

from protocols.dlms.reader import Reader, encode_length, wrong


def tlv(tag: int, *contents: bytes) -> bytes:
    """Tag, length and contents."""
    body = b"".join(contents)
    return bytes((tag,)) + encode_length(len(body)) + body


def fields(data: bytes, what: str) -> dict[int, bytes]:
    """The elements one after another by tag.

    Raises:
        DecodeError: A length runs past the end, or a tag comes twice.
    """
    reader = Reader(data)
    found: dict[int, bytes] = {}
    while reader.remaining:
        tag = reader.u8()
        if tag in found:
            raise wrong(f"element 0x{tag:02X} comes twice in {what}")
        found[tag] = reader.octets()
    return found


def inner(data: bytes, tag: int, what: str) -> bytes:
    """The contents of the one element in ``data``, which must have this tag."""
    reader = Reader(data)
    found = reader.u8()
    if found != tag:
        raise wrong(f"{what}: element 0x{found:02X}, 0x{tag:02X} was expected")
    contents = reader.octets()
    reader.finish(what)
    return contents


def integer(data: bytes, what: str) -> int:
    """The whole number in an INTEGER element."""
    contents = inner(data, 0x02, what)
    if not 1 <= len(contents) <= 4:
        raise wrong(f"{what}: a number of {len(contents)} bytes")
    return int.from_bytes(contents, "big", signed=True)
