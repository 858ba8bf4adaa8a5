"""From findings to alerts: several detectors, one leak, one alert. Pure.

Findings of one family (a loss of water; a wrong measurement) in one zone that are there at the same time are taken for one physical
cause. Thin for now: two leaks at once in one zone share one alert, because nothing here tells their places apart. What belongs
together across zones, ``alerts.incidents`` says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from alerts.definitions import LEAK_BURST, LEAK_CREEPING, LEAK_STANDING, METER_FAULT
from alerts.incidents import is_event
from domain.alerts import Alert, AlertState, Priority
from domain.findings import Finding, FindingKind


class Family(StrEnum):
    """Findings that may have one cause."""

    LEAK = "leak"
    METER = "meter"


FAMILY: Mapping[FindingKind, Family] = {
    FindingKind.BURST: Family.LEAK,
    FindingKind.CREEPING: Family.LEAK,
    FindingKind.STANDING: Family.LEAK,
    FindingKind.METER_FAULT: Family.METER,
}
CODE: Mapping[FindingKind, str] = {
    FindingKind.BURST: LEAK_BURST,
    FindingKind.CREEPING: LEAK_CREEPING,
    FindingKind.STANDING: LEAK_STANDING,
    FindingKind.METER_FAULT: METER_FAULT,
}
"""Most telling kind first: an alert takes the code of the first kind among its findings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorityRules:
    """From which loss on an alert is how urgent [m³/h]. A meter fault is medium: it hides losses, it loses nothing."""

    high_m3h: float = 10.0
    medium_m3h: float = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Findings taken for one cause."""

    family: Family
    zone: str
    members: tuple[Finding, ...] = field(default_factory=tuple)
    """Oldest onset first."""

    @property
    def key(self) -> str:
        """Key of an alert this group would open: its family, zone and onset."""
        return f"{self.family.value}:{self.zone}:{self.since.astimezone(UTC):%Y-%m-%dT%H:%MZ}"

    @property
    def since(self) -> datetime:
        """The earliest onset."""
        return min(f.since for f in self.members)

    @property
    def open(self) -> bool:
        """Whether any detector still sees it."""
        return any(f.open for f in self.members)

    @property
    def spokesman(self) -> Finding:
        """The finding whose numbers are shown: open before over, then the surest, then the newest."""
        return max(self.members, key=lambda f: (f.open, f.confidence, f.found_at, f.key))

    @property
    def code(self) -> str:
        """Code of the alert."""
        kinds = {f.kind for f in self.members if f.open} or {f.kind for f in self.members}
        return next(code for kind, code in CODE.items() if kind in kinds)


def group(findings: Iterable[Finding]) -> tuple[Group, ...]:
    """Groups of one family and zone each; inside a group everything is there at the same time as the rest.

    A finding that is open lasts on; one that is over lasted until it was last found. A gap between two starts a new group.
    """
    by_cause: dict[tuple[Family, str], list[Finding]] = {}
    for finding in sorted(findings, key=lambda f: (f.since, f.key)):
        by_cause.setdefault((FAMILY[finding.kind], finding.zone), []).append(finding)
    groups = []
    for (family, zone), members in by_cause.items():
        groups += [Group(family=family, zone=zone, members=tuple(run)) for run in _overlapping(members)]
    return tuple(groups)


def _overlapping(members: Sequence[Finding]) -> list[list[Finding]]:
    runs: list[list[Finding]] = []
    for finding in members:
        if runs and any(f.open or f.found_at >= finding.since for f in runs[-1]):
            runs[-1].append(finding)
        else:
            runs.append([finding])
    return runs


def priority_of(found: Group, rules: PriorityRules) -> Priority:
    """How urgent a group is, by the water it loses."""
    if found.family is Family.METER:
        return Priority.MEDIUM
    flow_m3h = found.spokesman.flow_m3h
    if flow_m3h >= rules.high_m3h:
        return Priority.HIGH
    return Priority.MEDIUM if flow_m3h >= rules.medium_m3h else Priority.LOW


def parameters_of(found: Group) -> dict[str, str]:
    """Numbers for the alert's text, with their units."""
    says = found.spokesman
    return {
        "flow": f"{says.flow_m3h:.1f} m³/h",
        "flow_error": f"±{says.flow_error_m3h:.1f} m³/h",
        "loss_per_day": f"{says.flow_m3h * 24:.0f} m³/d",
        "since": f"{found.since.astimezone(UTC):%Y-%m-%dT%H:%MZ}",
        "confidence": f"{_never_certain(says.confidence)} %",
        "detectors": ", ".join(sorted({f.detector for f in found.members})),
    }


def _never_certain(share: float) -> str:
    """Per cent that never round to certainty: one decimal from 98.5 % on, 99.9 % at most."""
    return f"{min(share, 0.999) * 100:.{1 if share >= 0.985 else 0}f}"


def new_alert(found: Group, rules: PriorityRules, now: datetime) -> Alert:
    """The alert a group opens."""
    return Alert(
        key=found.key,
        code=found.code,
        zone=found.zone,
        priority=priority_of(found, rules),
        state=AlertState.UNACKNOWLEDGED,
        raised_at=now,
        updated_at=now,
        parameters=parameters_of(found),
        finding=found.spokesman.key,
        since=found.since,
        flow_m3h=None if found.family is Family.METER else found.spokesman.flow_m3h,
    )


def family_of(alert: Alert) -> Family | None:
    """The family of findings an alert stands for; None for alerts that come from elsewhere."""
    for kind, code in CODE.items():
        if alert.code == code:
            return FAMILY[kind]
    return None


def stands_for(alert: Alert, found: Group) -> bool:
    """Whether an open alert is about this group: same family and zone; where its cause was over, the same finding again.

    One that was shelved for a leak that is over does not hide the next leak of its zone.
    """
    if is_event(alert) or (family_of(alert), alert.zone) != (found.family, found.zone):
        return False
    return alert.active or alert.finding in {f.key for f in found.members}
