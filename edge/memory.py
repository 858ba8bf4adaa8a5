"""Memory that the C library keeps for later goes back to the machine: start and reconnects leave megabytes behind, for years."""

from __future__ import annotations

import ctypes
from collections.abc import Callable


def give_back() -> bool:
    """Asks glibc to return what is free; False where the C library has no such call."""
    trim: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is None:
        return False
    trim(0)
    return True
