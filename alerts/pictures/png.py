"""PNG (W3C): a signature, then chunks of length, type, data and CRC. Kept are the chunks that draw."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from alerts.pictures.picture import Picture, broken

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_DRAWS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT"})


def clean_png(content: bytes) -> Picture:
    """The picture without its text, time, Exif and private chunks, and without what hangs behind its end.

    Raises:
        PictureRefused: A chunk is cut, its CRC is wrong, or the picture has no header, data or end.
    """
    out = [_SIGNATURE]
    size: tuple[int, int] | None = None
    data = False
    for at, kind, body, chunk in _chunks(content):
        if (size is None) != (kind == b"IHDR"):
            raise broken("PNG", at, "the header does not come first, or comes twice")
        if kind == b"IHDR":
            size = _size(at, body)
        elif kind not in _DRAWS and kind[:1].isupper():
            raise broken("PNG", at, f"chunk {kind!r} is needed and not known")
        data = data or kind == b"IDAT"
        if kind in _DRAWS:
            out.append(chunk)
    if size is None or not data:
        raise broken("PNG", len(content), "holds no picture")
    return Picture(media_type="image/png", width=size[0], height=size[1], content=b"".join(out))


def _size(at: int, header: bytes) -> tuple[int, int]:
    if len(header) != 13:
        raise broken("PNG", at, f"a header of {len(header)} bytes; 13 are right")
    return int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big")


def _chunks(content: bytes) -> Iterator[tuple[int, bytes, bytes, bytes]]:
    """(start, kind, data, whole chunk) of each chunk up to the picture's end."""
    at, kind = len(_SIGNATURE), b""
    while kind != b"IEND":
        length = int.from_bytes(content[at : at + 4], "big")
        end = at + 12 + length
        if end > len(content):
            raise broken("PNG", at, "ends in the middle of a chunk")
        kind, body = content[at + 4 : at + 8], content[at + 8 : end - 4]
        if zlib.crc32(kind + body) != int.from_bytes(content[end - 4 : end], "big"):
            raise broken("PNG", at, f"the checksum of chunk {kind!r} is wrong")
        yield at, kind, body, content[at:end]
        at = end
