"""The emergencies' door: declared by one, confirmed by another person or by the measurements, ended by anybody who could declare.

The measurement confirms for a law (``order(..., emergency=True)``): two sensors of the zone below its least pressure.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from commands.authorisation import Right
from commands.doors import Doors, no_words
from commands.emergency import Emergency, EmergencyBook, low_sensors
from commands.second_person import same_person
from domain.inventory import Inventory
from domain.ports import Clock, SeriesSource, User
from domain.setpoints import Reason, Refused

MEASURED_S = 900.0
"""A measured emergency holds for this long; what still measures confirms again [process s]."""


class Evidence(Protocol):
    """Whether the measurements show an emergency."""

    async def confirms(self, actuator: str) -> str | None:
        """What confirms it, in words; None if nothing does."""
        ...


class LowPressure:
    """``Evidence``: at least two critical points of the valve's zone below its least pressure.

    Args:
        inventory: The site.
        source: The newest readings.
        clock: Process time.
    """

    def __init__(self, *, inventory: Inventory, source: SeriesSource, clock: Clock) -> None:
        self._inventory = inventory
        self._source = source
        self._clock = clock

    async def confirms(self, actuator: str) -> str | None:
        """What confirms it, in words; None if nothing does."""
        zone = self._inventory.zones[self._inventory.actuators[actuator].zone]
        readings = await self._source.latest(zone.critical_points)
        critical = {point: readings[point] for point in zone.critical_points if point in readings}
        low = low_sensors(critical, zone.min_pressure_m, self._clock.now())
        return None if low is None else f"measured: {', '.join(low)} below {zone.min_pressure_m:g} m"


class Emergencies:
    """Declares, confirms and ends emergencies."""

    def __init__(self, *, doors: Doors, evidence: Evidence | None = None) -> None:
        self._doors = doors
        self._evidence = evidence

    @property
    def _book(self) -> EmergencyBook:
        return self._doors.road.emergencies

    def find(self, actuator: str) -> Emergency | None:
        """The emergency at an actuator, confirmed or not."""
        return self._book.find(actuator, self._doors.road.clock.now())

    async def declare(self, user: User, actuator: str, lasts_s: float, reason: str) -> Emergency | Refused:
        """Says that there is one. Nothing is allowed by it before it is confirmed."""
        longest_s = self._doors.road.settings.emergency_max_s
        hindered = (*self._doors.denied(user, Right.DECLARE_EMERGENCY, actuator), *no_words(reason))
        if not 0 < lasts_s <= longest_s:
            text = f"an emergency of {lasts_s} s: it must last above 0 s and at most {longest_s:.0f} s"
            hindered = (*hindered, Reason(code="bad_end", text=text, parameters={"limit_s": longest_s}))
        if hindered:
            return await self._doors.refuse(user.name, "emergency.refused", actuator, hindered)
        async with self._doors.road.lock(actuator):
            now = self._doors.road.clock.now()
            until = now + timedelta(seconds=lasts_s)
            declared = Emergency(actuator=actuator, declared_by=user.name, reason=reason, declared_at=now, until=until)
            await self._doors.audit(user.name, "emergency.declared", actuator, {"until": until.isoformat(), "reason": reason})
            self._book.put(declared)
        return declared

    async def confirm(self, user: User, actuator: str) -> Emergency | Refused:
        """Confirms what another declared."""
        hindered = self._doors.denied(user, Right.DECLARE_EMERGENCY, actuator) or self._not_to_confirm(user, actuator)
        if hindered:
            return await self._doors.refuse(user.name, "emergency.refused", actuator, hindered)
        async with self._doors.road.lock(actuator):
            hindered = self._not_to_confirm(user, actuator)
            if hindered:
                return await self._doors.refuse(user.name, "emergency.refused", actuator, hindered)
            await self._doors.audit(user.name, "emergency.confirmed", actuator, {})
            confirmed = self._book.confirm(actuator, user.name, self._doors.road.clock.now())
        return confirmed or await self._doors.refuse(user.name, "emergency.refused", actuator, (_none_there(actuator),))

    async def end(self, user: User, actuator: str, reason: str) -> Emergency | Refused:
        """Ends it before its time."""
        there = () if self.find(actuator) is not None else (_none_there(actuator),)
        hindered = (*self._doors.denied(user, Right.DECLARE_EMERGENCY, actuator), *no_words(reason), *there)
        if hindered:
            return await self._doors.refuse(user.name, "emergency.refused", actuator, hindered)
        async with self._doors.road.lock(actuator):
            await self._doors.audit(user.name, "emergency.ended", actuator, {"reason": reason})
            ended = self._book.end(actuator)
        return ended or await self._doors.refuse(user.name, "emergency.refused", actuator, (_none_there(actuator),))

    async def measure(self, law: str, actuator: str) -> None:
        """A law claims an emergency: it holds if the measurements confirm it. The caller holds the lock."""
        now = self._doors.road.clock.now()
        if self._book.holds(actuator, now) or self._evidence is None:
            return
        seen = await self._evidence.confirms(actuator)
        if seen is None:
            return
        await self._doors.audit(law, "emergency.confirmed", actuator, {"by": seen, "lasts_s": MEASURED_S})
        until = now + timedelta(seconds=MEASURED_S)
        self._book.put(
            Emergency(actuator=actuator, declared_by=law, reason=seen, declared_at=now, until=until, confirmed_by="measurement")
        )

    def _not_to_confirm(self, user: User, actuator: str) -> tuple[Reason, ...]:
        found = self.find(actuator)
        if found is None:
            return (_none_there(actuator),)
        if same_person(found.declared_by, user.name):
            return (Reason(code="same_person", text=f"{user.name} declared it; a second person must confirm it"),)
        return ()


def _none_there(actuator: str) -> Reason:
    return Reason(code="no_emergency", text=f"no emergency is declared at {actuator}, or it is over")
