"""When a device is due. Pure: the time is an argument.

due = k × period + phase      aligned to 1970, never drifting; the phase spreads devices over their period; late polls are skipped
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from domain.clock import next_tick


def phase_of(device: str, period_s: float) -> timedelta:
    """Where in its period a device is polled: from its name, so that it stays the same for ever and devices spread evenly."""
    fraction = int.from_bytes(hashlib.blake2b(device.encode(), digest_size=8).digest(), "big") / 2**64
    return timedelta(seconds=fraction * period_s)


def next_due(now: datetime, period_s: float, phase: timedelta) -> datetime:
    """The first due time after ``now``."""
    return next_tick(now, timedelta(seconds=period_s), phase)


def skipped(previous: datetime, due: datetime, period_s: float) -> int:
    """How many due times between two polls were left out."""
    return max(0, round((due - previous).total_seconds() / period_s) - 1)
