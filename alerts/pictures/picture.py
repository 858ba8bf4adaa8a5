"""What a clean picture is, and how one is refused."""

from __future__ import annotations

from dataclasses import dataclass

from domain.errors import CodedError

LARGEST_BYTES = 2 * 1024 * 1024
LARGEST_SIDE = 12_000
LARGEST_PIXELS = 40_000_000
"""Beyond it a small file may take a telephone's whole memory to draw."""


class PictureRefused(CodedError):
    """Why a file is not taken for a picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture without what is not needed to draw it."""

    media_type: str
    width: int
    height: int
    content: bytes


def broken(kind: str, where: int, what: str) -> PictureRefused:
    """A picture whose container is not whole."""
    return PictureRefused("broken_picture", f"{kind} at byte {where}: {what}")
