"""The emergencies' door: declared by one, confirmed by another person or by the measurements, ended by anybody who could declare.

The measurement confirms for a law (``order(..., emergency=True)``): two sensors of the zone below its least pressure, or a draw
that its flow and one of its critical points show.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol

import numpy as np

from commands.authorisation import Right
from commands.doors import Doors, no_words
from commands.emergency import DRAW_STEP_S, DRAW_STEPS, low_sensors, shown_draw
from domain.inventory import Inventory
from domain.ports import Clock, SeriesSource, User
from domain.ports_commands import Deed, TwoPeopleStore
from domain.series import on_grid
from domain.setpoints import Reason, Refused
from domain.two_people import Emergency, same_person
from domain.zones import Zone

MEASURED_S = 900.0
"""A measured emergency holds for this long; what still measures confirms again [process s]."""
MEASUREMENT, POLICY = "measurement", "policy"
"""Who confirmed, where no second person did."""


class Evidence(Protocol):
    """Whether the measurements show an emergency."""

    async def confirms(self, actuator: str) -> str | None:
        """What confirms it, in words; None if nothing does."""
        ...


class Measurements:
    """``Evidence``: two critical points of the valve's zone below its least pressure, or a draw that flow and one of them show.

    Args:
        inventory: The site.
        source: The readings.
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
        if low is not None:
            return f"measured: {', '.join(low)} below {zone.min_pressure_m:g} m"
        return await self._draw(zone)

    async def _draw(self, zone: Zone) -> str | None:
        valves = [a for a in self._inventory.actuators.values() if a.zone == zone.key]
        flows, outlets = [a.flow for a in valves], [a.outlet_pressure for a in valves]
        points = tuple(dict.fromkeys((*flows, *outlets, *zone.critical_points)))
        now = self._clock.now()
        start = now - timedelta(seconds=DRAW_STEPS * DRAW_STEP_S)
        found = await self._source.series(points, start, now)
        grid = {p: on_grid(s, start.timestamp(), DRAW_STEP_S, DRAW_STEPS) for p, s in found.items()}
        if any(p not in grid for p in points):
            return None
        outlet = np.mean([grid[p] for p in outlets], axis=0)
        # A point read early in a step in which the valve rises has not risen yet: that is no loss.
        outlet[1:] = np.fmin(outlet[1:], outlet[:-1])
        draw = shown_draw(np.sum([grid[p] for p in flows], axis=0), {p: outlet - grid[p] for p in zone.critical_points})
        if draw is None:
            return None
        return f"measured: {draw.flow_rose_m3h:.0f} m³/h more, and {draw.loss_rose_m:.1f} m more lost on the way to {draw.point}"


class Emergencies:
    """Declares, confirms and ends emergencies. They live in the database: a restart forgets none.

    Args:
        doors: Rights and refusals.
        store: Where they are kept.
        evidence: Confirms what a law claims; without, only people do.
    """

    def __init__(self, *, doors: Doors, store: TwoPeopleStore, evidence: Evidence | None = None) -> None:
        self._doors = doors
        self._store = store
        self._evidence = evidence

    async def seen_by(self, user: User) -> tuple[Emergency, ...]:
        """Emergencies that are not over, confirmed or not, at the actuators this person sees; oldest first."""
        found = await self._store.emergencies(self._now())
        return tuple(e for e in found if not self._doors.denied(user, Right.VIEW, e.actuator))

    async def declare(self, user: User, actuator: str, lasts_s: float, reason: str) -> Emergency | Refused:
        """Says that there is one. Nothing is allowed by it before it is confirmed, unless the site lets one person do."""
        longest_s = self._doors.road.settings.emergency_max_s
        hindered = (*self._doors.denied(user, Right.DECLARE_EMERGENCY, actuator), *no_words(reason))
        if not 0 < lasts_s <= longest_s:
            text = f"an emergency of {lasts_s} s: it must last above 0 s and at most {longest_s:.0f} s"
            hindered = (*hindered, Reason(code="emergency_end", text=text, parameters={"limit_s": longest_s}))
        if hindered:
            return await self._doors.refuse(user.name, "emergency.refused", actuator, hindered)
        alone = self._doors.road.settings.second_person.emergency_alone
        async with self._doors.road.lock(actuator):
            declared = self._new(actuator, user.name, reason, lasts_s, POLICY if alone else None)
            body = {"until": declared.until.isoformat(), "reason": reason, "confirmed_by": declared.confirmed_by}
            await self._store.declare(declared, self._deed(user.name, "emergency.declared", declared, body))
        return declared

    async def confirm(self, user: User, emergency_id: str) -> Emergency | Refused:
        """Confirms what another declared: exactly this one."""
        found = await self._find(emergency_id)
        if found is None:
            return await self._none_there(user, emergency_id)
        hindered = self._doors.denied(user, Right.DECLARE_EMERGENCY, found.actuator)
        if same_person(found.declared_by, user.name):
            hindered = (*hindered, Reason(code="same_person", text=f"{user.name} declared it; a second person must confirm it"))
        if hindered:
            return await self._doors.refuse(user.name, "emergency.refused", found.actuator, hindered)
        async with self._doors.road.lock(found.actuator):
            deed = self._deed(user.name, "emergency.confirmed", found, {"declared_by": found.declared_by})
            if not await self._store.confirm(emergency_id, deed):
                return await self._none_there(user, emergency_id)
        return replace(found, confirmed_by=user.name)

    async def end(self, user: User, emergency_id: str, reason: str) -> Emergency | Refused:
        """Ends it before its time."""
        found = await self._find(emergency_id)
        if found is None:
            return await self._none_there(user, emergency_id)
        hindered = (*self._doors.denied(user, Right.DECLARE_EMERGENCY, found.actuator), *no_words(reason))
        if hindered:
            return await self._doors.refuse(user.name, "emergency.refused", found.actuator, hindered)
        async with self._doors.road.lock(found.actuator):
            deed = self._deed(user.name, "emergency.ended", found, {"reason": reason})
            ended = await self._store.end(emergency_id, deed)
        return found if ended else await self._none_there(user, emergency_id)

    async def measure(self, law: str, actuator: str) -> None:
        """A law claims an emergency: it holds if the measurements confirm it. The caller holds the lock."""
        if self._evidence is None or await self._doors.road.in_emergency(actuator):
            return
        seen = await self._evidence.confirms(actuator)
        if seen is None:
            return
        measured = self._new(actuator, law, seen, MEASURED_S, MEASUREMENT)
        body = {"by": seen, "lasts_s": MEASURED_S}
        await self._store.declare(measured, self._deed(law, "emergency.confirmed", measured, body))

    async def _find(self, emergency_id: str) -> Emergency | None:
        found = await self._store.emergencies(self._now())
        return next((e for e in found if e.emergency_id == emergency_id), None)

    async def _none_there(self, user: User, emergency_id: str) -> Refused:
        reason = Reason(code="no_emergency", text="no such emergency is declared, or it is over, or another by now")
        return await self._doors.refuse(user.name, "emergency.refused", emergency_id, (reason,))

    def _new(self, actuator: str, by: str, reason: str, lasts_s: float, confirmed_by: str | None) -> Emergency:
        now = self._now()
        return Emergency(
            emergency_id=self._doors.road.make_id(),
            actuator=actuator,
            declared_by=by,
            reason=reason,
            declared_at=now,
            until=now + timedelta(seconds=lasts_s),
            confirmed_by=confirmed_by,
        )

    def _deed(self, actor: str, action: str, about: Emergency, body: dict[str, Any]) -> Deed:
        body = {"emergency_id": about.emergency_id} | body
        return Deed(at=self._now(), actor=actor, action=action, subject=about.actuator, body=body)

    def _now(self) -> datetime:
        return self._doors.road.clock.now()
