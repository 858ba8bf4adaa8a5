"""Emergencies as the pages show them: which zone, what each allows, who may say yes to it, how long it still lasts."""

from __future__ import annotations

from dataclasses import dataclass

from commands.authorisation import Right
from console.access import Visit
from domain.assets import Actuator
from domain.errors import KhettaraError
from domain.two_people import Emergency, same_person
from domain.zones import Zone

LENGTHS_MIN = (15, 30, 60, 120, 240)
"""How long an emergency may be declared for [process min]; the desk allows 4 h."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyRow:
    """One emergency at one valve."""

    emergency: Emergency
    zone: Zone
    actuator: Actuator
    holds: bool
    """It is confirmed: the larger rise is allowed."""
    left_s: float
    """Until it ends by itself [process s]."""
    may_confirm: bool
    may_end: bool


async def emergency_rows(visit: Visit) -> list[EmergencyRow]:
    """What this person sees, oldest first."""
    services = visit.console.services
    now = services.clock.now()
    rows = []
    for emergency in await services.desk.emergencies(visit.user):
        actuator = services.inventory.actuators[emergency.actuator]
        may = visit.may(Right.DECLARE_EMERGENCY, actuator.zone, actuator=actuator.key)
        holds = emergency.holds(now)
        rows.append(
            EmergencyRow(
                emergency=emergency,
                zone=services.inventory.zones[actuator.zone],
                actuator=actuator,
                holds=holds,
                left_s=max(0.0, (emergency.until - now).total_seconds()),
                may_confirm=may and not holds and not same_person(emergency.declared_by, visit.user.name),
                may_end=may,
            )
        )
    return rows


async def banner_rows(visit: Visit) -> list[EmergencyRow]:
    """The same for the head of every page: without the database a page still opens, and says so elsewhere."""
    try:
        return await emergency_rows(visit)
    except KhettaraError:
        return []


def may_declare(visit: Visit) -> list[Actuator]:
    """The valves this person may declare an emergency for, in the inventory's order."""
    actuators = visit.console.services.inventory.actuators.values()
    return [a for a in actuators if visit.may(Right.DECLARE_EMERGENCY, a.zone, actuator=a.key)]


def places(visit: Visit) -> list[tuple[Zone, str]]:
    """The zones of these valves, with the valves' names."""
    by_zone: dict[str, list[str]] = {}
    for actuator in may_declare(visit):
        by_zone.setdefault(actuator.zone, []).append(actuator.key)
    zones = visit.console.services.inventory.zones
    return [(zones[key], ", ".join(names)) for key, names in by_zone.items()]
