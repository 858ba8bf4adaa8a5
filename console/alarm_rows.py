"""Alarms as the alerts page shows them: each with what a person needs to act, and its children behind it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from alerts.definitions import LONGEST_SHELF, Desk, definition, desk_of
from alerts.incidents import first_out, is_event
from console.i18n import Texts
from console.messages import AlertRow, alert_rows
from domain.alerts import LISTED, UNSEEN, Alert, AlertState, Priority

SHELF_CHOICES_H: Mapping[Priority, tuple[float, ...]] = {
    priority: tuple(longest / timedelta(hours=1) / part for part in (4, 2, 1)) for priority, longest in LONGEST_SHELF.items()
}
"""Hours an alarm can be shelved for, by its priority."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRow:
    """One alarm of the list."""

    row: AlertRow
    cause: str
    consequence: str
    respond_by: datetime | None
    """Until then somebody must have acted; None once the condition is over."""
    overdue: bool
    children: tuple[AlertRow, ...]
    """What it accounts for, first begun first."""
    first: str | None
    """Key of the one that came first, where there are several."""
    latched: bool
    event: bool

    @property
    def alert(self) -> Alert:
        """The alert itself."""
        return self.row.alert


def alarm_rows(texts: Texts, shown: Iterable[Alert], known: Sequence[Alert], local: tzinfo, now: datetime) -> list[AlarmRow]:
    """Rows of the alarms in ``shown``, in the order of an operator's eye; children come out of ``known``."""
    children: dict[str, list[Alert]] = {}
    for alert in known:
        if alert.parent is not None:
            children.setdefault(alert.parent, []).append(alert)
    return [_row(texts, row, children.get(row.alert.key, []), local, now) for row in alert_rows(texts, shown, local)]


def of_desk(alerts: Iterable[Alert], desk: Desk = Desk.NETWORK) -> list[Alert]:
    """Those that are a desk's to act on."""
    return [a for a in alerts if desk_of(a.code) is desk]


def listed(alerts: Iterable[Alert], zone: str | None = None, desk: Desk = Desk.NETWORK) -> list[Alert]:
    """What stands in a desk's list, of one zone or of all; an alert that stands for several zones stands in each."""
    return [a for a in of_desk(alerts, desk) if a.state in LISTED and (zone is None or zone in (a.zone, *a.areas))]


def kept_back(alerts: Iterable[Alert]) -> list[Alert]:
    """What is shelved, suppressed by a plan or out of service; children stand behind their parents instead."""
    return [a for a in alerts if a.state not in LISTED and a.state is not AlertState.NORMAL and a.parent is None]


def _row(texts: Texts, row: AlertRow, children: Sequence[Alert], local: tzinfo, now: datetime) -> AlarmRow:
    alert = row.alert
    ordered = sorted(children, key=lambda a: (a.since or a.raised_at, a.key))
    respond_by = alert.raised_at + definition(alert.code).respond_within if alert.active else None
    family = [*ordered] if is_event(alert) else [alert, *ordered]
    came_first = first_out(family) if len(family) > 1 else None
    by_key = {r.alert.key: r for r in alert_rows(texts, ordered, local)}
    return AlarmRow(
        row=row,
        cause=texts.find(f"alert.{alert.code}.cause", **alert.parameters) or "",
        consequence=texts.find(f"alert.{alert.code}.consequence", **alert.parameters) or "",
        respond_by=respond_by,
        overdue=respond_by is not None and alert.state in UNSEEN and now > respond_by,
        children=tuple(by_key[a.key] for a in ordered),
        first=came_first.key if came_first is not None else None,
        latched=alert.state is AlertState.LATCHED_ACKNOWLEDGED,
        event=is_event(alert),
    )
