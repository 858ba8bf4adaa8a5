"""When a device is due, and whether it is reached. Pure: the time is an argument.

due = k × period + phase      aligned to 1970, never drifting; the phase spreads devices over their period; late polls are skipped
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from domain.clock import next_tick

FAILURES_TO_DIE = 3
"""Polls without any answer before a device counts as not reached."""
_LONGEST_BACKOFF_S = 300.0


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


@dataclass(slots=True, kw_only=True)
class Health:
    """Whether one device is reached."""

    failures: int = 0

    @property
    def reached(self) -> bool:
        """False after ``FAILURES_TO_DIE`` failures in a row."""
        return self.failures < FAILURES_TO_DIE

    def answered(self) -> bool:
        """Notes a poll with an answer; True if the device has come back."""
        back = not self.reached
        self.failures = 0
        return back

    def failed(self) -> bool:
        """Notes a poll without any; True if the device has just died."""
        self.failures += 1
        return self.failures == FAILURES_TO_DIE

    def pause_s(self, period_s: float, random: Random) -> float:
        """How long to leave an unreached device alone beyond its period [process s]: doubling, bounded, with jitter."""
        if self.reached:
            return 0.0
        doubled = period_s * 2.0 ** min(self.failures - FAILURES_TO_DIE, 16)
        return random.uniform(0.5, 1.0) * min(doubled, max(_LONGEST_BACKOFF_S, period_s))
