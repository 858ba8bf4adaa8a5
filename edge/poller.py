"""One device polled: on time, from request to readings, with its health told to whom it concerns."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from domain.errors import DecodeError, DeviceError, DeviceRefused
from domain.ports import Clock
from edge.bus import Priority
from edge.collector import Collector
from edge.device import DeviceLink
from edge.readings import SpoolReading
from edge.scheduler import Health, next_due, phase_of, skipped
from edge.waiting import sleep_until

log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class PollCounters:
    """What all pollers of the gateway have done since the process began."""

    polls: int = 0
    failed: int = 0
    skipped: int = 0


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

    @property
    def reached(self) -> bool:
        """Whether the device answers."""
        return self._health.reached

    async def run(self) -> None:
        """Polls until cancelled."""
        period_s = self._link.settings.period_s
        phase = phase_of(self._link.key, period_s)
        due = next_due(self._clock.now(), period_s, phase)
        while True:
            await sleep_until(self._clock, due)
            await self.poll()
            due = self._following(due, period_s, phase)

    def _following(self, due: datetime, period_s: float, phase: timedelta) -> datetime:
        """The next due time; those that passed meanwhile are skipped and counted, those of a back-off are not meant to be."""
        now = max(self._clock.now(), due)
        pause_s = self._health.pause_s(period_s, self._random)
        if pause_s == 0:
            following = next_due(now, period_s, phase)
            self._counters.skipped += skipped(due, following, period_s)
            return following
        return next_due(now + timedelta(seconds=pause_s), period_s, phase)

    async def poll(self) -> None:
        """Asks once for everything and hands on what came."""
        self._counters.polls += 1
        readings: list[SpoolReading] = []
        answered, fault = False, ""
        for request in self._link.requests:
            try:
                values = await self._link.read(request, Priority.POLL)
            except (DeviceRefused, DecodeError) as error:
                fault = str(error)  # this request alone is wrong: the others may be right
                continue
            except DeviceError as error:
                fault = str(error)
                break  # nobody is there: do not wait for each request in turn
            answered = True
            time_ms = int(self._clock.timestamp() * 1000)
            readings += [
                SpoolReading(device=self._link.key, metric=name, time_ms=time_ms, value=value) for name, value in values.items()
            ]
        await self._collector.put(readings)
        self._note(answered=answered, fault=fault)

    def _note(self, *, answered: bool, fault: str) -> None:
        if fault:
            self._counters.failed += 1
            if self._health.failures < 3:
                log.warning("poll_failed", device=self._link.key, error=fault)
        if answered:
            if self._health.answered():
                log.info("device_back", device=self._link.key)
                self._on_reached(self._link.key, True)
        elif self._health.failed():
            log.warning("device_not_reached", device=self._link.key, error=fault)
            self._on_reached(self._link.key, False)
