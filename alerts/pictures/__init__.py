"""Photographs from strangers' telephones: recognised by their bytes, measured, and freed of what the camera noted in them. Pure.

A picture is never decoded here. Its container is read piece by piece, pieces that are not needed to draw it are left out (Exif with
place and device, XMP, IPTC, comments, thumbnails, whatever hangs behind the picture's end), and only the rest is kept. How a camera
was held is kept, because without it the picture lies on its side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from alerts.pictures.jpeg import clean_jpeg
from alerts.pictures.picture import LARGEST_BYTES, LARGEST_PIXELS, LARGEST_SIDE, Picture, PictureRefused
from alerts.pictures.png import clean_png
from alerts.pictures.webp import clean_webp

_READERS: Mapping[bytes, Callable[[bytes], Picture]] = {
    b"\xff\xd8\xff": clean_jpeg,
    b"\x89PNG\r\n\x1a\n": clean_png,
    b"RIFF": clean_webp,
}
"""By the first bytes: what a file calls itself does not count."""


def clean_picture(content: bytes) -> Picture:
    """The picture, clean.

    Raises:
        PictureRefused: It is too large, is of no known kind, or is not whole.
    """
    if len(content) > LARGEST_BYTES:
        raise PictureRefused("picture_too_large", f"the picture has {len(content)} bytes; at most {LARGEST_BYTES}")
    reader = next((read for magic, read in _READERS.items() if content.startswith(magic)), None)
    if reader is None:
        raise PictureRefused("no_picture", f"begins with {content[:8].hex()}; a JPEG, PNG or WebP picture is expected")
    picture = reader(content)
    width, height = picture.width, picture.height
    if not (0 < width <= LARGEST_SIDE and 0 < height <= LARGEST_SIDE and width * height <= LARGEST_PIXELS):
        raise PictureRefused(
            "picture_too_large",
            f"the picture has {width} × {height} pixels; at most {LARGEST_SIDE} a side and {LARGEST_PIXELS} in all",
        )
    return picture


__all__ = ["LARGEST_BYTES", "Picture", "PictureRefused", "clean_picture"]
