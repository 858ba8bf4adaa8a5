"""Small pictures made by hand, with everything in them that a camera notes."""

from __future__ import annotations

import struct
import zlib

GPS = b"GPS 33.5731 -7.5898"
"""Stands for whatever must not be kept."""


def segment(marker: int, payload: bytes) -> bytes:
    """A JPEG segment."""
    return bytes([0xFF, marker]) + (len(payload) + 2).to_bytes(2, "big") + payload


def exif(orientation: int = 1, *, little: bool = True) -> bytes:
    """An Exif payload with an orientation, and the place somewhere behind."""
    e = "<" if little else ">"
    head = b"II*\0" if little else b"MM\0*"
    entries = struct.pack(e + "HHIHH", 0x0112, 3, 1, orientation, 0) + struct.pack(e + "HHII", 0x8825, 4, 1, 60)
    return b"Exif\0\0" + head + struct.pack(e + "IH", 8, 2) + entries + struct.pack(e + "I", 0) + b"\0" * 30 + GPS


def jpeg(width: int = 8, height: int = 8, *, orientation: int = 1, tail: bytes = b"") -> bytes:
    """A grey square with Exif, XMP, IPTC, a comment and a thumbnail."""
    frame = struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00"
    dc = bytes([0, 1, *([0] * 15), 0])
    ac = bytes([0x10, 1, *([0] * 15), 0])
    return b"".join(
        (
            b"\xff\xd8",
            segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
            segment(0xE0, b"JFXX\0\x10" + GPS),
            segment(0xE1, exif(orientation)),
            segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + GPS),
            segment(0xE2, b"ICC_PROFILE\0\x01\x01profile"),
            segment(0xE2, b"MPF\0" + GPS),
            segment(0xED, b"Photoshop 3.0\0" + GPS),
            segment(0xFE, GPS),
            segment(0xDB, b"\0" + b"\x10" * 64),
            segment(0xC0, frame),
            segment(0xC4, dc),
            segment(0xC4, ac),
            segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + b"\x3f\xff\x00\xff\xd0\x3f",
            b"\xff\xd9",
            tail,
        )
    )


def chunk(kind: bytes, body: bytes) -> bytes:
    """A PNG chunk."""
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


def png(width: int = 2, height: int = 2, *, tail: bytes = b"") -> bytes:
    """A grey square with text, time and Exif."""
    rows = b"".join(b"\0" + b"\x80" * width for _ in range(height))
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
            chunk(b"gAMA", (45455).to_bytes(4, "big")),
            chunk(b"tEXt", b"Comment\0" + GPS),
            chunk(b"eXIf", exif()[6:]),
            chunk(b"IDAT", zlib.compress(rows)),
            chunk(b"tIME", b"\x07\xea\x05\x06\0\0\0"),
            chunk(b"IEND", b""),
            tail,
        )
    )


def riff(kind: bytes, body: bytes) -> bytes:
    """A RIFF chunk."""
    return kind + len(body).to_bytes(4, "little") + body + b"\0" * (len(body) % 2)


def webp(width: int = 3, height: int = 5, *, tail: bytes = b"") -> bytes:
    """An extended lossless picture with Exif and XMP."""
    head = bytes([0x2C, 0, 0, 0]) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    bits = (width - 1) | (height - 1) << 14
    inner = b"WEBP" + b"".join(
        (
            riff(b"VP8X", head),
            riff(b"ICCP", b"profile"),
            riff(b"VP8L", b"\x2f" + bits.to_bytes(4, "little") + b"\x01\x02\x03"),
            riff(b"EXIF", exif()),
            riff(b"XMP ", GPS),
        )
    )
    return b"RIFF" + len(inner).to_bytes(4, "little") + inner + tail
