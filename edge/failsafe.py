"""Silence from the centre ends in the site's own safe setting.

Every setpoint is a lease. The gateway ends it by itself, also after a restart and whatever the network does: it writes ``safe_m``,
reads it back and writes it down. No ramp stands against it, for it is the value the site has declared safe to go to at any time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta

import structlog

from domain.errors import NotAllowed
from domain.ports import Clock
from domain.setpoints import Failed, Outcome, Verified
from edge.actuators import ActuatorDriver, Driven
from edge.database import DatabaseThread
from edge.executor import CommandCounters
from edge.journal import Journal

log = structlog.get_logger()

_LOOK_S = 1.0
_LONGEST_BACKOFF_S = 30.0


class Failsafe:
    """Watches the leases of the gateway's actuators."""

    def __init__(
        self,
        *,
        drivers: Iterable[ActuatorDriver],
        journal: Journal,
        database: DatabaseThread,
        clock: Clock,
        counters: CommandCounters,
    ) -> None:
        """``drivers`` is looked at again and again: a view of a dict tells of actuators that come and go."""
        self._drivers = drivers
        self._journal = journal
        self._database = database
        self._clock = clock
        self._counters = counters

    async def run(self) -> None:
        """Watches until cancelled, each actuator by itself: a dead one does not keep the others from their safe value."""
        watched: list[ActuatorDriver] = []
        async with asyncio.TaskGroup() as tasks:
            while True:
                watched = [driver for driver in watched if self._at_work(driver)]
                for driver in tuple(self._drivers):
                    if driver.leased and all(driver is not old for old in watched):
                        watched.append(driver)
                        tasks.create_task(self._watch(driver))
                await asyncio.sleep(_LOOK_S)

    def _at_work(self, driver: ActuatorDriver) -> bool:
        return any(driver is other for other in self._drivers)

    async def _watch(self, driver: ActuatorDriver) -> None:
        settings = driver.settings
        until = self._clock.now() + timedelta(seconds=settings.lease_s)
        await self._database.run(self._journal.first_sight, settings.key, until)
        failures = 0
        while self._at_work(driver):
            memory = await self._database.run(self._journal.actuator, settings.key)
            if memory.lease_until is None:
                await asyncio.sleep(_LOOK_S)
            elif self._clock.now() < memory.lease_until:
                await asyncio.sleep(min(_LOOK_S, max(0.01, self._clock.wall_delay(memory.lease_until))))
            elif await self.fall_back(driver):
                failures = 0
            else:
                failures += 1
                await asyncio.sleep(min(_LONGEST_BACKOFF_S, 0.5 * 2.0 ** min(failures, 10)))

    async def fall_back(self, driver: ActuatorDriver) -> bool:
        """Takes the safe value if the lease is still over; returns False if it could not be verified and must be tried again."""
        settings = driver.settings
        async with driver.lock:
            memory = await self._database.run(self._journal.actuator, settings.key)
            now = self._clock.now()
            if memory.lease_until is None or now < memory.lease_until:
                return True  # renewed while we waited for the lock
            try:
                driven = await driver.drive(settings.safe_m, allowed=lambda: True)
            except NotAllowed as error:
                driven = Driven(sent=False, verified=False, readback_m=None, detail=str(error))
            now = self._clock.now()
            # One row for each safe value taken, one for the last time it could not be.
            name = f"fallback:{settings.key}:{int(now.timestamp() * 1000) if driven.verified else 'failed'}"
            outcome: Outcome
            if driven.verified and driven.readback_m is not None:
                outcome = Verified(command_id=name, at=now, readback_m=driven.readback_m)
            else:
                outcome = Failed(command_id=name, at=now, detail=driven.detail, readback_m=driven.readback_m)
            await self._database.run(
                self._journal.fell_back, settings.key, settings.device, outcome, now=now, verified=driven.verified
            )
            self._counters.fallbacks += int(driven.verified)
            log.warning(
                "lease_ended",
                actuator=settings.key,
                safe_m=settings.safe_m,
                verified=driven.verified,
                readback_m=driven.readback_m,
                detail=driven.detail,
            )
            return driven.verified
