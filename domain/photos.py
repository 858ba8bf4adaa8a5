"""Photographs that crews take of their work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """What is known of a photograph without its bytes."""

    key: str
    """Made on the telephone: one sent again is the same one."""
    order: str
    taken_at: datetime
    """By the telephone's clock."""
    by: str
    media_type: str
    """``image/jpeg``, ``image/png`` or ``image/webp``, by its content."""
    width: int
    height: int
    size_bytes: int
