"""Whether a device is reached, and how much of a bus those that are not may take. Pure: time and chance are arguments.

closed ── 3 failures in a row ──▶ open ── back-off over ──▶ half open ── answer ──▶ closed
                                   ▲                            │
                                   └──────── no answer ◀────────┘     the back-off doubles, with jitter
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from random import Random

FAILURES_TO_DIE = 3
"""Polls without any answer before a device counts as not reached."""
_LONGEST_BACKOFF_S = 300.0


class Breaker(StrEnum):
    """What is asked of a device."""

    CLOSED = "closed"
    """Everything, at its period."""
    OPEN = "open"
    """Nothing until the back-off is over."""
    HALF_OPEN = "half_open"
    """One small question; its answer decides."""


@dataclass(slots=True, kw_only=True)
class Health:
    """Whether one device is reached."""

    failures: int = 0
    probing: bool = False
    """The back-off is over and one question is on its way."""

    @property
    def reached(self) -> bool:
        """False after ``FAILURES_TO_DIE`` failures in a row."""
        return self.failures < FAILURES_TO_DIE

    @property
    def breaker(self) -> Breaker:
        """What may be asked now."""
        if self.reached:
            return Breaker.CLOSED
        return Breaker.HALF_OPEN if self.probing else Breaker.OPEN

    def probe(self) -> None:
        """The back-off is over: one question may go out."""
        self.probing = not self.reached

    def answered(self) -> bool:
        """Notes a poll with an answer; True if the device has come back."""
        back = not self.reached
        self.failures, self.probing = 0, False
        return back

    def failed(self) -> bool:
        """Notes a poll without any; True if the device has just died."""
        self.failures += 1
        self.probing = False
        return self.failures == FAILURES_TO_DIE

    def pause_s(self, period_s: float, random: Random) -> float:
        """How long to leave an unreached device alone beyond its period [process s]: doubling, bounded, with jitter."""
        if self.reached:
            return 0.0
        doubled = period_s * 2.0 ** min(self.failures - FAILURES_TO_DIE, 16)
        return random.uniform(0.5, 1.0) * min(doubled, max(_LONGEST_BACKOFF_S, period_s))


@dataclass(slots=True, kw_only=True)
class DeadTime:
    """What a bus may spend on devices that are not reached: a tenth of its time, saved up for at most ``most_s``."""

    share: float = 0.1
    most_s: float = 1.0
    credit_s: float = 0.0
    at_s: float | None = None

    def allowed(self, now_s: float) -> bool:
        """Whether one more question to a device that is not reached may go out; ``now_s`` never runs backwards."""
        self._earn(now_s)
        return self.credit_s > 0

    def spent(self, seconds: float, now_s: float) -> None:
        """Notes how long a question took; it may have cost more than was saved, then the next one waits longer."""
        self._earn(now_s)
        self.credit_s -= seconds

    def wait_s(self, now_s: float) -> float:
        """How long until the next question may go out [s]."""
        self._earn(now_s)
        return 0.0 if self.credit_s > 0 else -self.credit_s / self.share + 1e-3

    def _earn(self, now_s: float) -> None:
        if self.at_s is not None:
            self.credit_s = min(self.most_s, self.credit_s + self.share * max(0.0, now_s - self.at_s))
        self.at_s = now_s
