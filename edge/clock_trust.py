"""Whether the time of a reading can be trusted, pure.

    HELD ──(synchronised)──▶ SURE ──(synchronisation lost)──▶ FLAGGED ──(synchronised)──▶ SURE
      └──(``hold_s`` without, and the year is possible)──▶ FLAGGED

A held reading waits on disk without a number: once the clock is right, its time is repaired by what the clock was set by, and only
then does it enter the spool. A flagged one goes out with quality "clock".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from edge.kernel_clock import KernelClock

POSSIBLE_MS = 1_767_225_600_000
"""2026-01-01T00:00Z: this program is not older, so no reading of it is."""
STEP_MS = 500
"""A smaller difference is what slewing and rounding do."""


class Policy(StrEnum):
    """What an unsynchronised clock means at this site."""

    AUTO = "auto"
    """An impossible year is held; a synchronisation that was there and got lost is flagged; a clock that was never seen
    synchronised, as in many containers and virtual machines, is believed, and the status says so."""
    REPAIR = "repair"
    """Held until synchronised, at most ``hold_s``; then flagged. For gateways that have a time service of their own."""
    IGNORE = "ignore"
    """The clock is always believed."""


class Trust(StrEnum):
    """What becomes of readings taken now."""

    SURE = "sure"
    FLAGGED = "flagged"
    HELD = "held"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one look at the clock showed."""

    trust: Trust
    step_ms: int = 0
    """By how much the clock was set since the look before; 0 if it was not."""


class ClockTrust:
    """Takes one look after another, in the order of time."""

    def __init__(self, *, policy: Policy = Policy.AUTO, hold_s: float = 600.0) -> None:
        self._policy = policy
        self._hold_ms = hold_s * 1000
        self._first_boot_ms: int | None = None
        self._ahead_ms: int | None = None
        self._was_synchronised = False
        self.steps = 0
        """How often the clock was set while we looked."""

    def see(self, clock: KernelClock) -> Verdict:
        """The verdict on readings taken at this moment."""
        step_ms = 0 if self._ahead_ms is None else clock.ahead_ms - self._ahead_ms
        if abs(step_ms) < STEP_MS:
            step_ms = 0
        if self._ahead_ms is None or step_ms:
            self._ahead_ms = clock.ahead_ms
        self.steps += bool(step_ms)
        if self._first_boot_ms is None:
            self._first_boot_ms = clock.boot_ms
        self._was_synchronised |= clock.synchronised is True
        return Verdict(trust=self._trust(clock, clock.boot_ms - self._first_boot_ms), step_ms=step_ms)

    def _trust(self, clock: KernelClock, watched_ms: float) -> Trust:
        if self._policy is Policy.IGNORE or clock.synchronised is True:
            return Trust.SURE
        if clock.wall_ms < POSSIBLE_MS:
            return Trust.HELD
        if self._was_synchronised:
            return Trust.FLAGGED
        if self._policy is Policy.AUTO or clock.synchronised is None:
            return Trust.SURE
        return Trust.HELD if watched_ms < self._hold_ms else Trust.FLAGGED
