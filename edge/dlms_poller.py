"""One meter visited on schedule, left alone when it must not be asked.

due ─▶ quarantined? ─▶ registers ─▶ clock ─▶ profile up to now ─▶ release
            │ yes: nothing is sent until it is over, the credentials change, or a person says so
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog

from domain.errors import ConfigurationError, DecodeError, DeviceError
from domain.ports import Clock
from edge.bus import Priority
from edge.collector import Collector
from edge.dlms_link import MeterLink
from edge.dlms_quarantine import Quarantine, quarantine_reason
from edge.dlms_store import MeterStore
from edge.dlms_visit import Visitor
from edge.health import Breaker, Health
from edge.poller import PollCounters
from edge.readings import SpoolReading
from edge.scheduler import next_due, phase_of, skipped
from edge.waiting import sleep_until
from protocols.dlms.errors import DlmsRefused

log = structlog.get_logger()

_FAST_S = 10.0
_FIRST_S = 60.0
_REVIVE_S = 3600.0


class MeterPoller:
    """Visits one meter again and again. What it has not said is not made up."""

    def __init__(
        self,
        *,
        link: MeterLink,
        clock: Clock,
        collector: Collector,
        store: MeterStore,
        counters: PollCounters,
        on_reached: Callable[[str, bool], None],
        on_quarantine: Callable[[str, Quarantine, bool], None] = lambda _meter, _quarantine, _begins: None,
    ) -> None:
        """``on_quarantine`` is told (meter, quarantine, whether it begins or ends)."""
        self._link = link
        self._on_quarantine = on_quarantine
        self._clock = clock
        self._collector = collector
        self._store = store
        self._counters = counters
        self._on_reached = on_reached
        self._health = Health()
        self._random = random.Random(link.key)
        self._revive_at = clock.now() + timedelta(seconds=_REVIVE_S)
        self.visitor = Visitor(link=link, clock=clock, store=store, priority=_priority(link))
        self.quarantine: Quarantine | None = None
        """Why the meter is left alone now, if it is."""
        self.answers = 0
        """Visits that brought something."""

    @property
    def reached(self) -> bool:
        """Whether the meter answers."""
        return self._health.reached and self.quarantine is None

    @property
    def breaker(self) -> Breaker:
        """What may be asked of the meter now."""
        return Breaker.OPEN if self.quarantine is not None else self._health.breaker

    @property
    def absent(self) -> tuple[str, ...]:
        """Fields that the meter says it does not have."""
        return tuple(self.visitor.registers.absent)

    async def run(self) -> None:
        """Visits until cancelled."""
        settings = self._link.settings
        phase = timedelta() if settings.billing else phase_of(self._link.key, settings.period_s)
        # The first visit comes soon, whatever the period: a gap may be waiting, and a changed configuration wants to be tried.
        due = self._clock.now() + phase_of(self._link.key, min(settings.period_s, _FIRST_S))
        try:
            while True:
                await sleep_until(self._clock, due)
                if not await self._forbidden():
                    await self.visit()
                due = self._following(due, settings.period_s, phase)
        finally:
            self._link.abort()

    def _following(self, due: datetime, period_s: float, phase: timedelta) -> datetime:
        now = max(self._clock.now(), due)
        pause_s = self._health.pause_s(period_s, self._random)
        following = next_due(now + timedelta(seconds=pause_s), period_s, phase)
        if pause_s == 0:
            self._counters.skipped += skipped(due, following, period_s)
        return following

    async def visit(self) -> None:
        """One visit, whatever becomes of it."""
        self._counters.polls += 1
        self.visitor.counters.visits += 1
        if self._clock.now() >= self._revive_at:
            self.visitor.registers.revive()
            self._revive_at = self._clock.now() + timedelta(seconds=_REVIVE_S)
        answered, fault = False, ""
        try:
            values, faults = await self.visitor.poll()
            answered = bool(values)
            fault = "; ".join(faults)
            await self._collector.put(self._readings(values))
            await self.visitor.check_clock()
            answered = bool(await self.visitor.fill()) or answered or not self.visitor.polled
            await self._link.leave()
        except (DeviceError, ConfigurationError) as error:
            fault = str(error)
            await self._refused(error)
        except DecodeError as error:
            fault = str(error)
            self.visitor.layout = None  # perhaps the meter's profile has other columns now
            await self._link.forget()
        except sqlite3.Error as error:
            fault = f"the spool refuses: {error}"
            await self._link.forget()
        self._note(answered=answered, fault=fault)

    def _readings(self, values: dict[str, float | None]) -> list[SpoolReading]:
        time_ms = int(self._clock.timestamp() * 1000)
        return [SpoolReading(device=self._link.key, metric=name, time_ms=time_ms, value=value) for name, value in values.items()]

    # ── quarantine ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _refused(self, error: Exception) -> None:
        reason = quarantine_reason(error)
        if reason is None:
            if isinstance(error, DlmsRefused):
                await self._link.leave()
            return
        self._link.blocked = reason
        await self._link.forget()
        until = self._clock.now() + timedelta(seconds=self._link.dlms.quarantine_s)
        self.quarantine = Quarantine(reason=reason, detail=str(error), until=until)
        await self._store.quarantine(self._link.key, self._link.fingerprint, int(until.timestamp() * 1000))
        log.error("meter_quarantined", device=self._link.key, reason=reason, detail=str(error), until=until.isoformat())
        self._on_reached(self._link.key, False)
        self._on_quarantine(self._link.key, self.quarantine, True)

    async def _forbidden(self) -> bool:
        """Whether the meter must not be asked now; remembers across restarts, forgets when the credentials change."""
        until_ms = await self._store.quarantined_until_ms(self._link.key, self._link.fingerprint)
        now = self._clock.now()
        until = datetime.fromtimestamp(until_ms / 1000, UTC)
        if now < until:
            if self.quarantine is None:
                self.quarantine = Quarantine(reason="remembered", detail="since before the gateway's start", until=until)
                self._link.blocked = self.quarantine.reason
                self._on_reached(self._link.key, False)
                self._on_quarantine(self._link.key, self.quarantine, True)
            return True
        if self.quarantine is not None:
            log.info("meter_quarantine_over", device=self._link.key)
            self._on_quarantine(self._link.key, self.quarantine, False)
            self.quarantine, self._link.blocked = None, ""
            self._health.failures = max(self._health.failures, 3)  # an answer, and nothing else, brings the device back
        return False

    def _note(self, *, answered: bool, fault: str) -> None:
        if fault:
            self._counters.failed += 1
            if self._health.failures < 3 and self.quarantine is None:
                log.warning("visit_failed", device=self._link.key, error=fault)
        if self.quarantine is not None:
            return
        if answered:
            self.answers += 1
            if self._health.answered():
                log.info("device_back", device=self._link.key)
                self._on_reached(self._link.key, True)
        elif self._health.failed():
            log.warning("device_not_reached", device=self._link.key, error=fault)
            self._on_reached(self._link.key, False)


def _priority(link: MeterLink) -> Priority:
    if link.settings.billing:
        return Priority.BILLING
    return Priority.POLL if link.settings.period_s <= _FAST_S else Priority.SLOW
