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
    """ISA-18.2 alarm states, all nine of the standard's state diagram."""

    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    RETURNED_UNACKNOWLEDGED = "returned_unacknowledged"
    """The condition is over, nobody has seen it yet."""
    LATCHED_UNACKNOWLEDGED = "latched_unacknowledged"
    """The condition is over, nobody has seen it yet, and it stays until a person resets it."""
    LATCHED_ACKNOWLEDGED = "latched_acknowledged"
    """The condition is over and somebody has seen it; it stays until a person resets it."""
    NORMAL = "normal"
    """Over and acknowledged: closed."""
    SHELVED = "shelved"
    """A person lets it wait, until a time and for a reason."""
    SUPPRESSED = "suppressed"
    """By design: a rule or its parent alarm accounts for it. Recorded, shown with its cause, told to nobody."""
    OUT_OF_SERVICE = "out_of_service"
    """Taken out for maintenance of the alarm itself, until a time and for a reason."""


LISTED = frozenset(
    {
        AlertState.UNACKNOWLEDGED,
        AlertState.ACKNOWLEDGED,
        AlertState.RETURNED_UNACKNOWLEDGED,
        AlertState.LATCHED_UNACKNOWLEDGED,
        AlertState.LATCHED_ACKNOWLEDGED,
    }
)
"""What stands in the operator's list; the rest is closed or withheld and stands in lists of its own."""
UNSEEN = frozenset({AlertState.UNACKNOWLEDGED, AlertState.RETURNED_UNACKNOWLEDGED, AlertState.LATCHED_UNACKNOWLEDGED})
"""What waits for a person to acknowledge it."""
WITHHELD = frozenset({AlertState.SHELVED, AlertState.SUPPRESSED, AlertState.OUT_OF_SERVICE})
"""What is kept from the operator's list for a time, and why."""


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
    since: datetime | None = None
    """When the condition began, as far as anybody knows; ``raised_at`` is when people were told."""
    active: bool = True
    """Whether the condition is there now, whatever people have done about the alarm."""
    flow_m3h: float | None = None
    """Water it loses [m³/h], where it is a loss."""
    parent: str | None = None
    """Key of the alarm that accounts for it: it is one of that alarm's children."""
    areas: tuple[str, ...] = ()
    """Zones of its children, where it stands for several."""
    withheld_by: str | None = None
    """Who or what keeps it back while it is suppressed by design or out of service: a person or a rule's key."""
    withheld_reason: str | None = None
    withheld_until: datetime | None = None
    """End of that; None as long as its parent lasts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertChange:
    """An alert after something was done to it, and what was done: one row of its log."""

    alert: Alert
    actor: str
    """User name, or ``system``."""
    action: str
    """``raised``, ``returned``, ``acknowledged``, ``shelved``, ``suppressed`` …"""
    reason: str = ""


class WithholdingKind(StrEnum):
    """Why alarms are kept back by plan."""

    MAINTENANCE = "maintenance"
    """Works in the zone: what they cause is expected."""
    FLUSHING = "flushing"
    """Mains are flushed: flow that looks like a burst, and low pressure, are expected."""
    OUT_OF_SERVICE = "out_of_service"
    """The alarm itself is not to be trusted: its sensor or device is being repaired."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withholding:
    """A plan by which alarms are kept back: by whom, why, where, from when to when."""

    key: str
    kind: WithholdingKind
    zone: str | None
    """The zone and what lies in it; None for an alarm that belongs to no zone."""
    code: str | None
    """Only alarms of this code; None for whatever such works may cause."""
    subject: str | None
    """Only this subject's, e.g. one gateway; None for any."""
    by: str
    reason: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Annunciation:
    """An operator was made to look: what EEMUA 191 counts."""

    at: datetime
    alert: str
    code: str
    zone: str | None
    subject: str
    """What the alarm is about besides its zone, e.g. a gateway."""
    priority: Priority


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
    night_before_m3h: float | None = None
    """Minimum night flow of the zone before the repair that was proved or refuted last."""
    night_after_m3h: float | None = None
    """The same after it: what proves or refutes it."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertEvent:
    """One line of an alert's log."""

    at: datetime
    actor: str
    action: str
    """What was done, e.g. ``raised``, ``acknowledged``, ``returned``."""
    state: AlertState
