"""One device polled: on time, from request to readings, with its health told to whom it concerns."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from domain.errors import DecodeError, DeviceError, DeviceRefused
from domain.ports import Clock
from edge.bus import Priority
from edge.collector import Collector
from edge.device import DeviceLink
from edge.health import Breaker, Health
from edge.readings import SpoolReading
from edge.reporting import Reporter
from edge.scheduler import next_due, phase_of, skipped
from edge.waiting import sleep_until
from protocols.modbus.fieldbus import ABSENT_CODES, GATEWAY_CODES, ILLEGAL_ADDRESS
from protocols.modbus.read_plan import ReadPlan
from protocols.modbus.requests import ReadRequest

log = structlog.get_logger()

_FAST_S = 10.0
_REVIVE_S = 3600.0
_EARLY = timedelta(seconds=1)


@dataclass(slots=True, kw_only=True)
class PollCounters:
    """What all pollers of the gateway have done since the process began."""

    polls: int = 0
    failed: int = 0
    skipped: int = 0
    probes: int = 0
    """Single questions to devices that are not reached."""
    unreported: int = 0
    """Values within their deadband."""


class Poller:
    """Asks one device again and again. A device that gives no answer gives no reading: nothing is made up."""

    def __init__(
        self,
        *,
        link: DeviceLink,
        clock: Clock,
        collector: Collector,
        counters: PollCounters,
        on_reached: Callable[[str, bool], None],
    ) -> None:
        self._link = link
        self._clock = clock
        self._collector = collector
        self._counters = counters
        self._on_reached = on_reached
        self._health = Health()
        self._random = random.Random(link.key)
        self._plan = ReadPlan(link.model, [name for request in link.requests for name in request.fields])
        self._reporter = Reporter(link.model, link.settings.report, device=link.key)
        self._priority = _priority(link)
        self._revive_at = clock.now() + timedelta(seconds=_REVIVE_S)
        self.answers = 0
        """Polls that brought something."""

    @property
    def reached(self) -> bool:
        """Whether the device answers."""
        return self._health.reached

    @property
    def breaker(self) -> Breaker:
        """What may be asked of the device now."""
        return self._health.breaker

    @property
    def absent(self) -> tuple[str, ...]:
        """Fields that the device says it does not have."""
        return self._plan.absent

    async def run(self) -> None:
        """Polls until cancelled."""
        settings = self._link.settings
        phase = timedelta() if settings.billing else phase_of(self._link.key, settings.period_s)
        due = next_due(self._clock.now(), settings.period_s, phase)
        while True:
            await sleep_until(self._clock, due)
            if self._health.reached or await self._came_back():
                await self.poll()
            due = self._following(due, settings.period_s, phase)

    def _following(self, due: datetime, period_s: float, phase: timedelta) -> datetime:
        """The next due time; those that passed meanwhile are skipped and counted, those of a back-off are not meant to be."""
        now = self._clock.now()
        if due - now < _EARLY:  # not a clock that was set back
            now = max(now, due)
        pause_s = self._health.pause_s(period_s, self._random)
        if pause_s == 0:
            following = next_due(now, period_s, phase)
            self._counters.skipped += skipped(due, following, period_s)
            return following
        return next_due(now + timedelta(seconds=pause_s), period_s, phase)

    async def _came_back(self) -> bool:
        """Asks one small question, once the bus has time for the dead; True if it was answered."""
        await self._link.bus.spare_time(self._random)
        request = self._plan.probe()
        if request is None:
            return True
        self._health.probe()
        self._counters.probes += 1
        try:
            await self._link.ask_once(request)
        except DeviceRefused as error:
            if error.code not in ABSENT_CODES:
                return True  # it is there, and says so
            self._note(answered=False, fault=str(error))
            return False
        except DeviceError as error:
            self._note(answered=False, fault=str(error))
            return False
        finally:
            self._health.probing = False
        return True

    async def poll(self) -> None:
        """Asks once for everything and hands on what came."""
        self._counters.polls += 1
        if self._clock.now() >= self._revive_at:
            self._plan.revive()
            self._revive_at = self._clock.now() + timedelta(seconds=_REVIVE_S)
        readings: list[SpoolReading] = []
        answered, fault = False, ""
        waiting = deque(self._plan.requests)
        while waiting:
            request = waiting.popleft()
            try:
                values = await self._link.read(request, self._priority)
            except DeviceRefused as error:
                if error.code == ILLEGAL_ADDRESS and (parts := self._learn(request)):
                    waiting.extendleft(reversed(parts))
                    continue
                fault = str(error)  # this request alone is wrong: the others may be right
                if error.code in GATEWAY_CODES:
                    break
                continue
            except DecodeError as error:
                fault = str(error)
                continue
            except DeviceError as error:
                fault = str(error)
                break  # nobody is there: do not wait for each request in turn
            answered = True
            readings += self._readings(values)
        await self._collector.put(readings)
        self._note(answered=answered, fault=fault)

    def _learn(self, request: ReadRequest) -> tuple[ReadRequest, ...]:
        parts = self._plan.refused(request)
        if parts:
            log.info("hole_learned", device=self._link.key, address=request.address, count=request.count, parts=len(parts))
        elif request.fields:
            log.warning("field_absent", device=self._link.key, fields=request.fields, again_s=_REVIVE_S)
        return parts

    def _readings(self, values: dict[str, float | None]) -> list[SpoolReading]:
        now_s = self._clock.timestamp()
        time_ms = int(now_s * 1000)
        due = [(name, value) for name, value in values.items() if self._reporter.due(name, value, now_s)]
        self._counters.unreported += len(values) - len(due)
        return [SpoolReading(device=self._link.key, metric=name, time_ms=time_ms, value=value) for name, value in due]

    def _note(self, *, answered: bool, fault: str) -> None:
        if fault:
            self._counters.failed += 1
            if self._health.failures < 3:
                log.warning("poll_failed", device=self._link.key, error=fault)
        if answered:
            self.answers += 1
            if self._health.answered():
                log.info("device_back", device=self._link.key)
                self._on_reached(self._link.key, True)
        elif self._health.failed():
            log.warning("device_not_reached", device=self._link.key, error=fault)
            self._on_reached(self._link.key, False)


def _priority(link: DeviceLink) -> Priority:
    if link.settings.billing:
        return Priority.BILLING
    return Priority.POLL if link.settings.period_s <= _FAST_S else Priority.SLOW
