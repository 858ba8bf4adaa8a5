"""The master alarm list (ISA-18.2 rationalisation): for each code how soon a person must act, and how it behaves. Texts of cause,
consequence and action stand in the language catalogues under the same code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from domain.alerts import Priority

LEAK_BURST, LEAK_CREEPING, LEAK_STANDING = "leak.burst", "leak.creeping", "leak.standing"
METER_FAULT = "meter.fault"
PRESSURE_LOW = "pressure.low"
COMMAND_FAILED, COMMAND_SUSPECT, COMMAND_NO_EFFECT = "command.failed", "command.suspect", "command.no_effect"
GATEWAY_OFFLINE, GATEWAY_CLOCK, DELIVERY_GAP = "gateway.offline", "gateway.clock", "delivery.gap"
METER_QUARANTINE = "meter.quarantine"
NOTIFY_FAILED, NOTIFY_UNTESTED = "notify.failed", "notify.untested"
EVENT_FLOW, EVENT_PRESSURE, EVENT_LINK = "event.flow", "event.pressure", "event.link"
COMPLAINTS_CLUSTER = "complaints.cluster"
EXTERNAL = "external"
CUSTOMER_LEAK, CUSTOMER_BURST = "customer.leak", "customer.burst"

LONGEST_SHELF: Mapping[Priority, timedelta] = {
    Priority.HIGH: timedelta(hours=2),
    Priority.MEDIUM: timedelta(hours=8),
    Priority.LOW: timedelta(hours=12),
}
"""The more urgent, the sooner a shelved alarm comes back; never longer than a shift."""


class Desk(StrEnum):
    """Who is to act on an alarm, and whose list it stands in."""

    NETWORK = "network"
    """Operators and crews."""
    CUSTOMERS = "customers"
    """Those who call customers: the water is theirs, no crew is sent, and no operator is made to look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """How an alarm of one code behaves."""

    respond_within: timedelta
    """So soon must a person act, or the consequence is there."""
    latching: bool = False
    """Stays, when its condition is over, until a person resets it."""
    by_works: bool = False
    """Whether planned works in its zone account for it."""
    desk: Desk = Desk.NETWORK


_H, _D = timedelta(hours=1), timedelta(days=1)
DEFINITIONS: Mapping[str, Definition] = {
    LEAK_BURST: Definition(respond_within=_H, by_works=True),
    LEAK_CREEPING: Definition(respond_within=7 * _D, by_works=True),
    LEAK_STANDING: Definition(respond_within=7 * _D, by_works=True),
    METER_FAULT: Definition(respond_within=3 * _D, by_works=True),
    PRESSURE_LOW: Definition(respond_within=_H / 2, by_works=True),
    COMMAND_FAILED: Definition(respond_within=_H / 2),
    COMMAND_SUSPECT: Definition(respond_within=_H / 4, latching=True),
    COMMAND_NO_EFFECT: Definition(respond_within=_H, by_works=True),
    GATEWAY_OFFLINE: Definition(respond_within=4 * _H),
    GATEWAY_CLOCK: Definition(respond_within=_D),
    DELIVERY_GAP: Definition(respond_within=_D, latching=True),
    METER_QUARANTINE: Definition(respond_within=_D),
    NOTIFY_FAILED: Definition(respond_within=_H),
    NOTIFY_UNTESTED: Definition(respond_within=4 * _H),
    EVENT_FLOW: Definition(respond_within=2 * _H, by_works=True),
    EVENT_PRESSURE: Definition(respond_within=_H / 2, by_works=True),
    EVENT_LINK: Definition(respond_within=_H),
    COMPLAINTS_CLUSTER: Definition(respond_within=_D, by_works=True),
    EXTERNAL: Definition(respond_within=_H),
    CUSTOMER_BURST: Definition(respond_within=4 * _H, desk=Desk.CUSTOMERS),
    CUSTOMER_LEAK: Definition(respond_within=7 * _D, desk=Desk.CUSTOMERS),
}
_UNKNOWN = Definition(respond_within=_H)


def definition(code: str) -> Definition:
    """How alarms of this code behave; an unknown code is plain, and to be acted on within the hour."""
    return DEFINITIONS.get(code, _UNKNOWN)


def desk_of(code: str) -> Desk:
    """Whose list alarms of this code stand in."""
    return definition(code).desk
