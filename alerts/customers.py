"""Leaks behind customers' meters as alarms of the customers' desk: one leak, one alarm. Pure.

Asked with everything that is known, and answering with what is to be said: whatever was lost between a finding that was saved and
its alarm is said at the next turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC

from alerts.conditions import Condition
from alerts.definitions import CUSTOMER_BURST, CUSTOMER_LEAK
from domain.alerts import Alert, Priority
from domain.customers import CustomerFinding, CustomerKind

CODE: Mapping[CustomerKind, str] = {CustomerKind.CONTINUOUS: CUSTOMER_LEAK, CustomerKind.SUDDEN: CUSTOMER_BURST}
_PRIORITY: Mapping[CustomerKind, Priority] = {CustomerKind.CONTINUOUS: Priority.LOW, CustomerKind.SUDDEN: Priority.MEDIUM}


def customer_conditions(open_findings: Iterable[CustomerFinding], alerts: Iterable[Alert]) -> tuple[Condition, ...]:
    """What the alarms do not know yet: what ended first, then what began.

    Args:
        open_findings: Every one that runs.
        alerts: All that are not closed.
    """
    wanted = {(CODE[f.kind], f.meter): f for f in open_findings}
    standing = {(a.code, a.parameters.get("subject", "")): a for a in alerts if a.code in CODE.values() and a.active}
    ended = [
        Condition(code=code, subject=subject, active=False, zone=alert.zone)
        for (code, subject), alert in standing.items()
        if (code, subject) not in wanted
    ]
    begun = [_condition(f) for pair, f in wanted.items() if pair not in standing]
    return (*ended, *begun)


def _condition(found: CustomerFinding) -> Condition:
    return Condition(
        code=CODE[found.kind],
        subject=found.meter,
        active=True,
        zone=found.zone or None,
        priority=_PRIORITY[found.kind],
        since=found.since,
        finding=found.key,
        parameters={
            "flow_behind": f"{1000 * found.flow_m3h:.0f} L/h",
            "water_per_day": f"{24 * found.flow_m3h:.1f} m³/d",
            "since": f"{found.since.astimezone(UTC):%Y-%m-%dT%H:%MZ}",
            "lasted": f"{found.lasted_h} h",
        },
    )
