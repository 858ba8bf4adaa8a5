"""The life of a work order, and the proof of a repair. Pure.

    open ──on_site──▶ on_site ──repaired──▶ repaired ──(the loss is gone, and a night says so)──▶ verified
      ▲                                        │
      └──────(two nights later it is not)──────┘

A crew's word is not enough. An order closes when the detectors no longer see the loss **and** a whole night was measured after the
repair whose least flow lies below that of the nights before it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import chain, count
from statistics import median

from alerts.definitions import Desk, desk_of
from domain.alerts import Alert, AlertState, CrewReport, ReportKind, WorkOrder, WorkState
from domain.errors import CodedError
from domain.ports import Night

PROOF = timedelta(hours=40)
"""So long after a repair two nights have passed, wherever in the day it was."""
LONGEST_NOTE = 1000
NIGHTS_BEFORE = 3
"""The median of so many nights with the leak is what the night after the repair is held against."""
_GONE = (
    AlertState.NORMAL,
    AlertState.RETURNED_UNACKNOWLEDGED,
    AlertState.LATCHED_UNACKNOWLEDGED,
    AlertState.LATCHED_ACKNOWLEDGED,
)


class WorkRefused(CodedError):
    """What cannot be done with this order, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NightProof:
    """What the nights around a repair measured."""

    before_m3h: float | None = None
    """Median of the last nights with the leak; None where there was none before the repair."""
    after_m3h: float | None = None
    """The newest night after it; None where none has been measured yet."""

    @property
    def fell(self) -> bool | None:
        """Whether the night flow came down; None while no night after the repair is known. Without a night before, there is nothing
        to compare: the detectors' word stands."""
        if self.after_m3h is None:
            return None
        return self.before_m3h is None or self.after_m3h < self.before_m3h


def new_order(alert: Alert, by: str, now: datetime, orders: Iterable[WorkOrder]) -> WorkOrder:
    """The order for an alert.

    Raises:
        WorkRefused: The alert is over, is the customer's own affair, has no zone, or has an open order.
    """
    if is_gone(alert):
        raise WorkRefused("alert_over", f"alert {alert.key} is over: there is nothing left to repair")
    if desk_of(alert.code) is Desk.CUSTOMERS:
        raise WorkRefused(
            "customers_own", f"alert {alert.key} lies behind a customer's meter: the customer is called, no crew is sent"
        )
    if alert.zone is None:
        raise WorkRefused("no_zone", f"alert {alert.key} belongs to no zone: nobody could be sent")
    known = tuple(orders)
    if any(o.alert == alert.key and o.state is not WorkState.VERIFIED for o in known):
        raise WorkRefused("order_exists", f"alert {alert.key} has an open work order")
    return WorkOrder(
        key=_free_key(f"work:{alert.zone}:{now.astimezone(UTC):%Y%m%dT%H%M%S}", {o.key for o in known}),
        alert=alert.key,
        zone=alert.zone,
        state=WorkState.OPEN,
        created_at=now,
        updated_at=now,
        created_by=by,
    )


def _free_key(wanted: str, taken: Collection[str]) -> str:
    """Two crews may be sent into one zone in the same second."""
    return next(key for key in chain([wanted], (f"{wanted}-{n}" for n in count(2))) if key not in taken)


def reported(order: WorkOrder, report: CrewReport, now: datetime) -> WorkOrder:
    """The order after a crew's report. Reports may come late and out of order: a repair counts without an arrival before it.

    Raises:
        WorkRefused: The order is closed, or the note is too long.
    """
    if order.state is WorkState.VERIFIED:
        raise WorkRefused("order_closed", f"{order.key} is closed: its repair is proved")
    if len(report.note) > LONGEST_NOTE:
        raise WorkRefused("note_too_long", f"a note of {len(report.note)} characters; at most {LONGEST_NOTE}")
    match report.kind:
        case ReportKind.ON_SITE:
            state = WorkState.ON_SITE if order.state is WorkState.OPEN else order.state
            return replace(order, state=state, updated_at=now)
        case ReportKind.REPAIRED:
            # The telephone's clock may be wrong: a repair lies between the order and now.
            at = min(max(report.said_at, order.created_at), now)
            return replace(order, state=WorkState.REPAIRED, repaired_at=at, updated_at=now)
        case ReportKind.NOTE:
            return replace(order, updated_at=now)


def night_proof(order: WorkOrder, alert: Alert | None, nights: Sequence[Night]) -> NightProof:
    """What the measured nights say of an order's repair.

    Args:
        order: An order with a repair.
        alert: Its alert: nights before its leak began say nothing. None counts from the order's making.
        nights: Nights of the zone, oldest first.
    """
    if order.repaired_at is None:
        return NightProof()
    hour = timedelta(hours=1)
    began = leak_began(order, alert)
    before = [n.flow_m3h for n in nights if n.at >= began and n.at + hour <= order.repaired_at]
    after = [n.flow_m3h for n in nights if n.at >= order.repaired_at]
    return NightProof(
        before_m3h=median(before[-NIGHTS_BEFORE:]) if before else None,
        after_m3h=after[-1] if after else None,
    )


def leak_began(order: WorkOrder, alert: Alert | None) -> datetime:
    """When the loss of an order began, by its alert; the order's making at the latest."""
    if alert is None:
        return order.created_at
    return min(alert.since or alert.raised_at, alert.raised_at, order.created_at)


def awaits_proof(order: WorkOrder, alert: Alert | None, now: datetime) -> bool:
    """Whether a look at the nights could change the order: its loss seems gone, or two nights have passed."""
    if order.state is not WorkState.REPAIRED or order.repaired_at is None:
        return False
    return is_gone(alert) or now - order.repaired_at >= PROOF


def is_gone(alert: Alert | None) -> bool:
    """Whether the detectors no longer see an alert's loss."""
    return alert is None or not alert.active or alert.state in _GONE


def proved(order: WorkOrder, alert: Alert | None, now: datetime, proof: NightProof | None = None) -> WorkOrder:
    """The order after a look at what the detectors believe and the nights measured; the same one where they cannot say yet.

    Args:
        order: Any order.
        alert: Its alert; None if it was closed and is no longer kept.
        now: Data time.
        proof: The nights around the repair; None where nobody measures them, and the detectors' word must do.
    """
    if order.state is not WorkState.REPAIRED or order.repaired_at is None:
        return order
    fell = True if proof is None else proof.fell
    seen = order if proof is None else replace(order, night_before_m3h=proof.before_m3h, night_after_m3h=proof.after_m3h)
    if is_gone(alert) and fell:
        return replace(seen, state=WorkState.VERIFIED, updated_at=now)
    if now - order.repaired_at >= PROOF and (not is_gone(alert) or fell is False):
        return replace(seen, state=WorkState.OPEN, repaired_at=None, reopened=order.reopened + 1, updated_at=now)
    return order
