"""WebP (RFC 9649): a RIFF of chunks. Kept are the picture, its transparency and its colour profile; moving pictures are refused."""

from __future__ import annotations

from collections.abc import Iterator

from alerts.pictures.picture import Picture, broken

_DRAWS = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ICCP"})
_MOVES = frozenset({b"ANIM", b"ANMF"})
_FLAG_EXIF, _FLAG_XMP = 0x08, 0x04


def clean_webp(content: bytes) -> Picture:
    """The picture without Exif and XMP.

    Raises:
        PictureRefused: It is no WebP, is cut, or moves.
    """
    if content[8:12] != b"WEBP":
        raise broken("WebP", 8, f"a RIFF of kind {content[8:12]!r}")
    size: tuple[int, int] | None = None
    drawn = False
    out: list[bytes] = []
    for at, kind, body in _chunks(content):
        if kind in _MOVES:
            raise broken("WebP", at, "a moving picture")
        if kind not in _DRAWS:
            continue
        if kind == b"VP8X":
            if size is not None or len(body) != 10:
                raise broken("WebP", at, "an extended header that is not the first chunk, or not of 10 bytes")
            size = 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
            body = bytes([body[0] & ~(_FLAG_EXIF | _FLAG_XMP) & 0xFF]) + body[1:]  # noqa: PLW2901  (the chunk as it is kept)
        elif kind in (b"VP8 ", b"VP8L"):
            if drawn:
                raise broken("WebP", at, "a second picture")
            measured = _vp8_size(at, body) if kind == b"VP8 " else _vp8l_size(at, body)
            size, drawn = size or measured, True
        out.append(kind + len(body).to_bytes(4, "little") + body + b"\0" * (len(body) % 2))
    if size is None or not drawn:
        raise broken("WebP", len(content), "holds no picture")
    inner = b"WEBP" + b"".join(out)
    return Picture(
        media_type="image/webp", width=size[0], height=size[1], content=b"RIFF" + len(inner).to_bytes(4, "little") + inner
    )


def _chunks(content: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """(start, kind, data) of each chunk; what lies behind the RIFF's own end is left out."""
    end = 8 + int.from_bytes(content[4:8], "little")
    if end > len(content):
        raise broken("WebP", 4, f"should end at byte {end} and ends at {len(content)}")
    at = 12
    while at < end:
        length = int.from_bytes(content[at + 4 : at + 8], "little")
        if at + 8 + length > end:
            raise broken("WebP", at, "ends in the middle of a chunk")
        yield at, content[at : at + 4], content[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def _vp8_size(at: int, body: bytes) -> tuple[int, int]:
    if len(body) < 10 or body[0] & 1 or body[3:6] != b"\x9d\x01\x2a":
        raise broken("WebP", at, "the first frame is no key frame")
    return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF


def _vp8l_size(at: int, body: bytes) -> tuple[int, int]:
    if len(body) < 5 or body[0] != 0x2F:
        raise broken("WebP", at, "a lossless picture without its signature")
    bits = int.from_bytes(body[1:5], "little")
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
