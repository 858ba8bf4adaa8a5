"""Which plan keeps an alarm back, and what a plan must say. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from alerts.definitions import definition
from alerts.incidents import is_event
from alerts.topology import Topology
from domain.alerts import Alert, Withholding, WithholdingKind
from domain.errors import CodedError

LONGEST = {
    WithholdingKind.MAINTENANCE: timedelta(days=7),
    WithholdingKind.FLUSHING: timedelta(hours=12),
    WithholdingKind.OUT_OF_SERVICE: timedelta(days=30),
}
"""No plan lasts for ever: who needs it longer says so again."""
LONGEST_REASON = 300


class PlanRefused(CodedError):
    """A plan that says something that cannot be."""


def check_plan(plan: Withholding, now: datetime, topology: Topology) -> Withholding:
    """The plan, if it can stand.

    Raises:
        PlanRefused: It has no reason, no end within its longest time, an end in the past, or an unknown zone.
    """
    if not plan.reason.strip():
        raise PlanRefused("no_reason", "a plan that keeps alarms back says why")
    if len(plan.reason) > LONGEST_REASON:
        raise PlanRefused("reason_too_long", f"a reason of {len(plan.reason)} characters; at most {LONGEST_REASON}")
    longest = LONGEST[plan.kind]
    if not plan.starts_at < plan.ends_at <= plan.starts_at + longest or plan.ends_at <= now:
        raise PlanRefused(
            "bad_plan_end",
            f"from {plan.starts_at.isoformat()} to {plan.ends_at.isoformat()}: a plan for {plan.kind.value} ends after now and "
            f"within {longest.total_seconds() / 3600:.0f} h of its start",
        )
    if plan.zone is not None and plan.zone not in topology.reach(None):
        raise PlanRefused("unknown_zone", f"there is no zone {plan.zone!r}")
    if plan.kind is not WithholdingKind.OUT_OF_SERVICE and plan.zone is None:
        raise PlanRefused("no_zone", f"a plan for {plan.kind.value} names its zone")
    return plan


def is_in_force(plan: Withholding, now: datetime) -> bool:
    """Whether the plan holds now."""
    return plan.starts_at <= now < plan.ends_at


def covering(alert: Alert, subject: str, plans: Iterable[Withholding], now: datetime, topology: Topology) -> Withholding | None:
    """The plan in force that keeps this alarm back; out of service before works, then the one that lasts longest.

    Works account for what begins while they last, for alarms that works can cause, in their zone and what it reaches. An alarm that
    stood before the works began stays in the list.
    """
    found = [p for p in plans if is_in_force(p, now) and _covers(p, alert, subject, topology)]
    return max(found, key=lambda p: (p.kind is WithholdingKind.OUT_OF_SERVICE, p.ends_at, p.key), default=None)


def _covers(plan: Withholding, alert: Alert, subject: str, topology: Topology) -> bool:
    if plan.code is not None and plan.code != alert.code:
        return False
    if plan.subject is not None and plan.subject != subject:
        return False
    if plan.kind is WithholdingKind.OUT_OF_SERVICE:
        return alert.zone == plan.zone and not is_event(alert)
    return definition(alert.code).by_works and alert.raised_at >= plan.starts_at and topology.reaches(plan.zone, alert.zone)
