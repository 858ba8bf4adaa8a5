"""JPEG (ITU-T T.81): segments of marker, length and payload, and between them the coded scans.

Kept are the segments that draw: tables, frame, scans, JFIF, ICC profile, Adobe's colour transform. Of Exif only the orientation is
kept, in a segment of our own making.
"""

from __future__ import annotations

from collections.abc import Iterator

from alerts.pictures.picture import Picture, broken

_SOI, _EOI, _SOS, _APP0, _APP1, _APP2, _APP14, _COM = 0xD8, 0xD9, 0xDA, 0xE0, 0xE1, 0xE2, 0xEE, 0xFE
_FRAMES = frozenset({0xC0, 0xC1, 0xC2})
"""Baseline, extended and progressive: what browsers draw."""
_NOT_DRAWN = frozenset({0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})
_TABLES = frozenset({0xC4, 0xDB, 0xDD})
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
"""Markers without a length."""
_ORIENTATION = 0x0112


def clean_jpeg(content: bytes) -> Picture:
    """The picture without its metadata.

    Raises:
        PictureRefused: The segments do not hang together, or no browser draws this kind.
    """
    out = [b"\xff\xd8"]
    size: tuple[int, int] | None = None
    turned = 1
    scans = 0
    for marker, start, payload_at, end in _segments(content):
        payload = content[payload_at:end]
        if marker in _FRAMES:
            if size is not None or len(payload) < 6:
                raise broken("JPEG", start, "a second frame, or one without a size")
            size = int.from_bytes(payload[3:5], "big"), int.from_bytes(payload[1:3], "big")
        elif marker == _APP1:
            turned = _orientation(payload) or turned
        elif marker == _SOS:
            scans += 1
        if _draws(marker, payload):
            out.append(content[start:end])
    if size is None or not scans:
        raise broken("JPEG", len(content), "ends without a frame or a scan")
    out.append(b"\xff\xd9")
    if turned != 1:
        out.insert(1, _orientation_segment(turned))
    return Picture(media_type="image/jpeg", width=size[0], height=size[1], content=b"".join(out))


def _draws(marker: int, payload: bytes) -> bool:
    """Whether a segment is needed to draw the picture. A JFIF segment may hold a thumbnail: one that does is left out."""
    if marker == _APP0:
        return payload.startswith(b"JFIF\0") and len(payload) == 14
    if marker == _APP2:
        return payload.startswith(b"ICC_PROFILE\0")
    if marker == _APP14:
        return payload.startswith(b"Adobe")
    return marker in _FRAMES or marker in _TABLES or marker == _SOS


def _segments(content: bytes) -> Iterator[tuple[int, int, int, int]]:
    """(marker, start, start of the payload, end) of each segment after SOI and before EOI; a scan's end is that of its data."""
    at = 2
    while True:
        if at + 2 > len(content) or content[at] != 0xFF:
            raise broken("JPEG", at, "a marker is missing")
        marker = content[at + 1]
        if marker == 0xFF:  # padding before a marker
            at += 1
            continue
        if marker == _EOI:
            return
        if marker in _ALONE:
            at += 2
            continue
        if marker in _NOT_DRAWN or marker < 0xC0 or marker == _SOI:
            raise broken("JPEG", at, f"marker {marker:#04x} belongs to no picture that browsers draw")
        length = int.from_bytes(content[at + 2 : at + 4], "big")
        end = at + 2 + length
        if length < 2 or end > len(content):
            raise broken("JPEG", at, f"a segment of {length} bytes does not fit")
        if marker == _SOS:
            end = _scan_end(content, end)
        yield marker, at, at + 4, end
        at = end


def _scan_end(content: bytes, at: int) -> int:
    """Where the coded data end: at the next marker that is neither a stuffed zero nor a restart."""
    while True:
        at = content.find(b"\xff", at)
        if at < 0 or at + 1 >= len(content):
            raise broken("JPEG", len(content), "the scan does not end")
        following = content[at + 1]
        if following == 0x00 or 0xD0 <= following <= 0xD7:
            at += 2
        elif following == 0xFF:
            at += 1
        else:
            return at


def _orientation(payload: bytes) -> int | None:
    """How the camera was held, 1 to 8, out of an Exif segment; None where it does not say."""
    tiff = payload[6:]
    order = {b"II*\0": "little", b"MM\0*": "big"}.get(tiff[:4])
    if not payload.startswith(b"Exif\0\0") or order is None:
        return None

    def number(at: int, size: int) -> int:
        return int.from_bytes(tiff[at : at + size], "little" if order == "little" else "big")

    directory = number(4, 4)
    for entry in range(min(number(directory, 2), 512)):
        at = directory + 2 + 12 * entry
        if at + 12 > len(tiff):
            return None
        if number(at, 2) == _ORIENTATION:
            value = number(at + 8, 2)
            return value if 1 <= value <= 8 else None
    return None


def _orientation_segment(value: int) -> bytes:
    """An Exif segment that says the orientation and nothing else."""
    entry = _ORIENTATION.to_bytes(2, "big") + b"\0\3" + b"\0\0\0\1" + value.to_bytes(2, "big") + b"\0\0"
    body = b"Exif\0\0" + b"MM\0*\0\0\0\x08" + b"\0\1" + entry + b"\0\0\0\0"
    return b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body
