"""Alerts about readings that will never come, and clocks that tell a time that cannot be. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from alerts.conditions import Condition
from domain.alerts import Priority
from domain.ports import DeliveryNow

DELIVERY_GAP = "delivery.gap"
GATEWAY_CLOCK = "gateway.clock"


def delivery_conditions(gateways: Sequence[DeliveryNow]) -> tuple[Condition, ...]:
    """What is known of the delivery of the gateways: wrong where one told of a loss, or of a wrong time, a while ago at most."""
    found: list[Condition] = []
    for gateway in gateways:
        lost = {"lost": str(gateway.lost), "reasons": gateway.reasons} if gateway.losing else {}
        found.append(
            Condition(code=DELIVERY_GAP, subject=gateway.edge, active=gateway.losing, priority=Priority.HIGH, parameters=lost)
        )
        ahead = {"ahead": f"{gateway.ahead_s:.0f} s"} if gateway.clock_wrong else {}
        found.append(Condition(code=GATEWAY_CLOCK, subject=gateway.edge, active=gateway.clock_wrong, parameters=ahead))
    return tuple(found)
