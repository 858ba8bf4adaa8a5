"""Who may do what, where: roles stand in a ladder, and a role holds in some zones and everything in them, or at single actuators.

What a user holds is a set of zone keys; ``actuator:prv_medina`` in it holds that one valve, and nothing else of its zone.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from domain.ports import User
from domain.setpoints import Mode, Reason
from domain.zones import Zone

ROLES = ("viewer", "operator", "supervisor", "admin")
"""Lowest first; each may do what those before it may."""


ACTUATOR_PREFIX = "actuator:"


class Right(StrEnum):
    """Something a person may be allowed to do."""

    VIEW = "view"
    PROPOSE = "propose"
    SELECT = "select"
    EXECUTE = "execute"
    APPROVE = "approve"
    """Being the second person of an order."""
    DECLARE_EMERGENCY = "declare_emergency"
    """Saying that there is an emergency, or confirming that another has said so."""
    SET_MODE = "set_mode"
    SET_AUTO = "set_auto"
    """Handing an actuator to a law: a supervisor's decision."""
    ACKNOWLEDGE = "acknowledge"
    SHELVE = "shelve"
    """Letting an alarm wait, or keeping those back that planned works will cause."""
    TAKE_OUT = "take_out"
    """Taking an alarm out of service: nobody is told of it until it is put back."""


LOWEST_ROLE: Mapping[Right, str] = {
    Right.VIEW: "viewer",
    Right.PROPOSE: "operator",
    Right.SELECT: "operator",
    Right.EXECUTE: "operator",
    Right.APPROVE: "operator",
    Right.DECLARE_EMERGENCY: "operator",
    Right.SET_MODE: "operator",
    Right.SET_AUTO: "supervisor",
    Right.ACKNOWLEDGE: "operator",
    Right.SHELVE: "operator",
    Right.TAKE_OUT: "supervisor",
}


def authorise(
    user: User, right: Right, zone: str | None, zones: Mapping[str, Zone], *, actuator: str | None = None
) -> Reason | None:
    """None if the user may do this in the zone, else why not.

    Args:
        user: Who asks.
        right: What for.
        zone: Zone key; None for what belongs to the whole network, which only a user of every zone may touch.
        zones: Every zone of the site by key, for the parents of ``zone``.
        actuator: The actuator it is about, where it is about one.
    """
    needed = LOWEST_ROLE[right]
    if user.role not in ROLES:
        return Reason(code="unknown_role", text=f"{user.name} has role {user.role!r}; known roles are {', '.join(ROLES)}")
    if ROLES.index(user.role) < ROLES.index(needed):
        return Reason(
            code="role_too_low", text=f"{user.name} is {user.role}; to {right.value.replace('_', ' ')} takes {needed} or higher"
        )
    places = zone_path(zone, zones) | (frozenset() if actuator is None else {f"{ACTUATOR_PREFIX}{actuator}"})
    if user.zones and user.zones.isdisjoint(places):
        place = "the whole network" if zone is None else f"zone {zone}"
        held = ", ".join(sorted(user.zones))
        return Reason(code="zone_not_held", text=f"{user.name} holds {held}; this belongs to {place}")
    return None


def zone_path(zone: str | None, zones: Mapping[str, Zone]) -> frozenset[str]:
    """The zone and every zone it lies in."""
    path: set[str] = set()
    while zone is not None and zone not in path:
        path.add(zone)
        zone = zones[zone].parent if zone in zones else None
    return frozenset(path)


def right_to_set(mode: Mode) -> Right:
    """The right it takes to put an actuator into a mode."""
    return Right.SET_AUTO if mode is Mode.AUTO else Right.SET_MODE
