"""The machine's clock, between the collector and the spool: sure readings pass, others are flagged, or held and repaired."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import structlog

from domain.readings import Quality
from edge.clock_trust import ClockTrust, Policy, Trust, Verdict
from edge.held import Held
from edge.kernel_clock import KernelClock, boot_id, read_kernel_clock
from edge.readings import SpoolReading
from edge.spool import Spool

log = structlog.get_logger()

_FRESH_MS = 10_000
_MOST_HELD = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockStatus:
    """What the gateway says of its clock."""

    trust: str
    synchronised: bool | None
    offset_ms: float
    max_error_ms: float | None
    steps: int
    held_readings: int


class Timekeeper:
    """Called from the database's thread alone, like the spool it stands before."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        spool: Spool,
        *,
        policy: Policy,
        hold_s: float,
        look: Callable[[], KernelClock] = read_kernel_clock,
        boot: Callable[[], str] = boot_id,
    ) -> None:
        """``look`` and ``boot`` are the machine's, unless a test has its own."""
        self._spool, self._look = spool, look
        self._trust = ClockTrust(policy=policy, hold_s=hold_s)
        self._held = Held(connection, spool, boot=boot())
        self._clock = look()
        self._verdict = self._trust.see(self._clock)

    @property
    def status(self) -> ClockStatus:
        """As of the last look."""
        return ClockStatus(
            trust=self._verdict.trust.value,
            synchronised=self._clock.synchronised,
            offset_ms=round(self._clock.offset_ms, 3),
            max_error_ms=self._clock.max_error_ms,
            steps=self._trust.steps,
            held_readings=self._held.count,
        )

    def tick(self, *, now_ms: int) -> int:
        """Looks at the clock; once it is settled, moves what was held into the spool. Returns how many readings that were."""
        self._see()
        trust, total = self._verdict.trust, 0
        if trust is Trust.HELD and self._held.count <= _MOST_HELD:
            return 0
        while count := self._held.release(ahead_ms=self._clock.ahead_ms, sure=trust is Trust.SURE, now_ms=now_ms):
            total += count
            if trust is Trust.HELD and self._held.count <= _MOST_HELD:
                break
        if total:
            log.warning("held_readings_released", readings=total, times="repaired" if trust is Trust.SURE else "as given, flagged")
        return total

    def append(self, readings: Sequence[SpoolReading], *, now_ms: int) -> None:
        """Commits readings: into the spool, or beside it while their time is not known."""
        before, ahead_ms = self._verdict, self._clock.ahead_ms
        step_ms = self._see().step_ms
        late: list[SpoolReading] = []
        if step_ms and before.trust is Trust.HELD:
            # The clock was set since the last commit: what does not lie near the present was taken before that.
            late = [r for r in readings if abs(r.time_ms - self._clock.wall_ms) > _FRESH_MS]
            readings = [r for r in readings if abs(r.time_ms - self._clock.wall_ms) <= _FRESH_MS]
        if late:
            self._held.keep(late, ahead_ms=ahead_ms)
        if not readings:
            return
        if self._verdict.trust is Trust.HELD:
            self._held.keep(readings, ahead_ms=self._clock.ahead_ms)
            return
        if self._verdict.trust is Trust.FLAGGED:
            readings = [replace(r, quality=Quality.CLOCK) if r.quality is Quality.GOOD else r for r in readings]
        self._spool.append(readings, now_ms=now_ms)

    def _see(self) -> Verdict:
        self._clock = self._look()
        was, self._verdict = self._verdict.trust, self._trust.see(self._clock)
        if self._verdict.step_ms:
            log.warning("clock_set", by_s=round(self._verdict.step_ms / 1000, 3))
        if was is not self._verdict.trust:
            log.warning("clock_trust", before=was.value, now=self._verdict.trust.value)
        return self._verdict
