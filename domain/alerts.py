"""Alerts and work orders: what a person is asked to do about a finding."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Priority(StrEnum):
    """How soon a person must act."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class AlertState(StrEnum):
    """ISA-18.2 alarm states."""

    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    RETURNED_UNACKNOWLEDGED = "returned_unacknowledged"
    """The condition is over, nobody has seen it yet."""
    NORMAL = "normal"
    """Over and acknowledged: closed."""
    SHELVED = "shelved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One thing a person is asked to look at. One leak is one alert, whatever number of detectors see it."""

    key: str
    code: str
    """Kind of alert, e.g. ``leak.burst``; texts live in the language catalogues, never here."""
    zone: str | None
    priority: Priority
    state: AlertState
    raised_at: datetime
    updated_at: datetime
    parameters: dict[str, str] = field(default_factory=dict)
    """Numbers for the text, already formatted with their unit."""
    finding: str | None = None
    acknowledged_by: str | None = None
    shelved_until: datetime | None = None
    shelved_reason: str | None = None


class WorkState(StrEnum):
    """Life of a work order."""

    OPEN = "open"
    ON_SITE = "on_site"
    REPAIRED = "repaired"
    VERIFIED = "verified"
    """The night flow has come down: closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkOrder:
    """What a crew is sent to do for an alert."""

    key: str
    alert: str
    zone: str
    state: WorkState
    created_at: datetime
    updated_at: datetime
    created_by: str = ""
    repaired_at: datetime | None = None
    """When the crew said so last; None while they have not, and again once the flow has proved them wrong."""
    reopened: int = 0
    """How often the night flow did not come down after a repair."""


class ReportKind(StrEnum):
    """What a crew says from the place."""

    ON_SITE = "on_site"
    REPAIRED = "repaired"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class CrewReport:
    """One saying of a crew. ``key`` is made on the telephone, so that one sent again is the same one."""

    key: str
    order: str
    kind: ReportKind
    said_at: datetime
    """By the telephone's clock, when the button was pressed."""
    by: str
    note: str = ""
