"""From findings to alerts: several detectors, one leak, one alert. Pure.

Losses whose places are known are one leak where their regions overlap and their onsets agree (``alerts.places``). A loss of which
only the zone is known goes with the placed one it can be; what is left of one zone and family at the same time is taken for one
cause, leaks only where their onsets agree, too. What belongs together across zones, ``alerts.incidents`` says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from alerts.definitions import LEAK_BURST, LEAK_CREEPING, LEAK_STANDING, METER_FAULT
from alerts.places import PIPE, REGION, is_there, may_be_one, onsets_agree, pipes_of, region_of
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
        """Key of an alert this group would open: family, zone and onset; with the pipe where one has a place: the oldest such."""
        oldest = next((f for f in self.members if pipes_of(f)), None)
        where, since = (self.zone, self.since) if oldest is None else (f"{self.zone}:{oldest.places[0].pipe}", oldest.since)
        return f"{self.family.value}:{where}:{since.astimezone(UTC):%Y-%m-%dT%H:%MZ}"

    @property
    def pipe(self) -> str | None:
        """The most probable pipe; None where only the zone is known."""
        places = self.spokesman.places
        return places[0].pipe if places else None

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
        """The finding whose numbers are shown: open before over, then one with a place, then the surest, then the newest."""
        return max(self.members, key=lambda f: (f.open, bool(f.places), f.confidence, f.found_at, f.key))

    @property
    def code(self) -> str:
        """Code of the alert."""
        kinds = {f.kind for f in self.members if f.open} or {f.kind for f in self.members}
        return next(code for kind, code in CODE.items() if kind in kinds)


def group(findings: Iterable[Finding]) -> tuple[Group, ...]:
    """Groups of one family each; inside a group everything is there at the same time as the rest.

    A finding that is open lasts on; one that is over lasted until it was last found. A gap between two starts a new group. What has
    a place overlaps with the oldest placed member of its group.
    """
    placed: list[list[Finding]] = []
    by_cause: dict[tuple[Family, str], list[Finding]] = {}
    # First what has a place, then what may go with it.
    for finding in sorted(findings, key=lambda f: (not pipes_of(f), f.since, f.key)):
        home = _home(finding, placed) if FAMILY[finding.kind] is Family.LEAK else None
        if home is not None:
            home.append(finding)
        elif FAMILY[finding.kind] is Family.LEAK and pipes_of(finding):
            placed.append([finding])
        else:
            by_cause.setdefault((FAMILY[finding.kind], finding.zone), []).append(finding)
    groups = [Group(family=Family.LEAK, zone=run[0].zone, members=_by_onset(run)) for run in placed]
    for (family, zone), members in by_cause.items():
        groups += [Group(family=family, zone=zone, members=tuple(run)) for run in _overlapping(members)]
    return tuple(groups)


def _home(finding: Finding, placed: Iterable[list[Finding]]) -> list[Finding] | None:
    """The placed leak that a loss can be, of several the one with the nearest onset."""
    fits = [run for run in placed if may_be_one(finding, run[0]) and any(_meet(finding, f) for f in run)]
    return min(fits, key=lambda run: (abs(run[0].since - finding.since), run[0].key), default=None)


def _meet(one: Finding, other: Finding) -> bool:
    """Whether the older of two was still there when the other began."""
    older, newer = (one, other) if one.since <= other.since else (other, one)
    return older.open or older.found_at >= newer.since


def _by_onset(members: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(members, key=lambda f: (f.since, f.key)))


def _overlapping(members: Sequence[Finding]) -> list[list[Finding]]:
    runs: list[list[Finding]] = []
    for finding in members:
        home = next((run for run in reversed(runs) if any(_meet(f, finding) and _began_together(f, finding) for f in run)), None)
        if home is None:
            runs.append([finding])
        else:
            home.append(finding)
    return runs


def _began_together(one: Finding, other: Finding) -> bool:
    """Whether two of a zone can be one by their onsets: a burst that is seen at once is not the leak that had stood for weeks.

    Of meters that fail one alarm speaks, whenever each began.
    """
    if FAMILY[one.kind] is not Family.LEAK:
        return True
    return onsets_agree((one.since, one.found_at), (other.since, other.found_at))


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
    numbers = {
        "flow": f"{says.flow_m3h:.1f} m³/h",
        "flow_error": f"±{says.flow_error_m3h:.1f} m³/h",
        "loss_per_day": f"{says.flow_m3h * 24:.0f} m³/d",
        "since": f"{found.since.astimezone(UTC):%Y-%m-%dT%H:%MZ}",
        "confidence": f"{_never_certain(says.confidence)} %",
        "detectors": ", ".join(sorted({f.detector for f in found.members})),
    }
    if found.pipe is None:
        return numbers
    region = sorted(set().union(*(pipes_of(f) for f in found.members)))
    return {PIPE: found.pipe} | numbers | {REGION: " ".join(region)}


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


def _by_key(alert: Alert, found: Group) -> bool:
    return found.key == alert.key


def _by_placed(alert: Alert, found: Group) -> bool:
    return alert.finding in {f.key for f in found.members if pipes_of(f)}


def _by_finding(alert: Alert, found: Group) -> bool:
    return alert.finding in {f.key for f in found.members}


def _by_place(alert: Alert, found: Group) -> bool:
    return alert.active and any(not region_of(alert).isdisjoint(pipes_of(f)) for f in found.members)


def _by_zone(alert: Alert, found: Group) -> bool:
    # One that was shelved for a leak that is over does not hide the next leak of its zone.
    if not alert.active or alert.zone != found.zone or (region_of(alert) and found.pipe is not None):
        return False
    return any(is_there(alert, f) for f in found.members)


_SIGNS = (_by_key, _by_placed, _by_finding, _by_place, _by_zone)
"""By what an open alert is known to stand for a group, the surest first."""


def matched(alerts: Sequence[Alert], groups: Sequence[Group]) -> dict[str, Group]:
    """Which open alert stands for which group, by the alerts' keys; each group goes to one at most.

    An alert that names a finding of a group goes before one of the same place, and that before one of the same zone.
    """
    found: dict[str, Group] = {}
    left = list(groups)
    for sign in _SIGNS:
        for alert in alerts:
            mine = None if alert.key in found else next((g for g in left if family_of(alert) is g.family and sign(alert, g)), None)
            if mine is not None:
                found[alert.key] = mine
                left.remove(mine)
    return found
