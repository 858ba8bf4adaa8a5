"""The life of a work order, and the proof of a repair. Pure.

    open ──on_site──▶ on_site ──repaired──▶ repaired ──(the loss is gone)──▶ verified
      ▲                                        │
      └──────(two nights later it is not)──────┘

A crew's word is not enough: an order closes only when the detectors no longer see the loss, which they learn from the night flow.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from domain.alerts import Alert, AlertState, CrewReport, ReportKind, WorkOrder, WorkState
from domain.errors import KhettaraError

PROOF = timedelta(hours=40)
"""So long after a repair two nights have passed, wherever in the day it was."""
LONGEST_NOTE = 1000
_GONE = (AlertState.NORMAL, AlertState.RETURNED_UNACKNOWLEDGED)


class WorkRefused(KhettaraError):
    """What cannot be done with this order, and why."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        super().__init__(text)


def new_order(alert: Alert, by: str, now: datetime, orders: Iterable[WorkOrder]) -> WorkOrder:
    """The order for an alert.

    Raises:
        WorkRefused: The alert is over, has no zone, or has an open order.
    """
    if alert.state in _GONE:
        raise WorkRefused("alert_over", f"alert {alert.key} is over: there is nothing left to repair")
    if alert.zone is None:
        raise WorkRefused("no_zone", f"alert {alert.key} belongs to no zone: nobody could be sent")
    if any(o.alert == alert.key and o.state is not WorkState.VERIFIED for o in orders):
        raise WorkRefused("order_exists", f"alert {alert.key} has an open work order")
    stamp = now.astimezone(UTC)
    return WorkOrder(
        key=f"work:{alert.zone}:{stamp:%Y%m%dT%H%M%S}",
        alert=alert.key,
        zone=alert.zone,
        state=WorkState.OPEN,
        created_at=now,
        updated_at=now,
        created_by=by,
    )


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


def proved(order: WorkOrder, alert: Alert | None, now: datetime) -> WorkOrder:
    """The order after a look at what the detectors believe; the same one where they cannot say yet.

    Args:
        order: Any order.
        alert: Its alert; None if it was closed and is no longer kept.
        now: Data time.
    """
    if order.state is not WorkState.REPAIRED or order.repaired_at is None:
        return order
    if alert is None or alert.state in _GONE:
        return replace(order, state=WorkState.VERIFIED, updated_at=now)
    if now - order.repaired_at >= PROOF:
        return replace(order, state=WorkState.OPEN, repaired_at=None, reopened=order.reopened + 1, updated_at=now)
    return order
