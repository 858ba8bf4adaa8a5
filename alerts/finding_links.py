"""Which alert stands for a finding, and which findings an alert stands for. Pure.

An alert names the finding that speaks for it, which may change over its life; findings of the same family that were there at the
same time in its zones are about the same water, unless they lie elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from alerts.grouping import FAMILY, Family, family_of
from alerts.incidents import is_event
from alerts.places import is_there, pipes_of, region_of
from domain.alerts import Alert, AlertEvent
from domain.findings import Finding

ENDS = ("returned", "reset")
"""Entries of an alert's log after which its cause is gone."""


def alert_of(finding: Finding, alerts: Iterable[Alert]) -> Alert | None:
    """The alert that stands for a finding; of several the newest that names it, else one at its pipes, else the newest that could.

    Args:
        finding: Any.
        alerts: Those of ``AlertStore.alerts_about`` at least.
    """
    possible = [a for a in alerts if a.finding == finding.key or _about(a, finding)]
    pipes = pipes_of(finding)

    def rank(alert: Alert) -> tuple[bool, bool, bool, datetime, str]:
        at_its_pipes = not is_event(alert) and not pipes.isdisjoint(region_of(alert))
        return alert.finding == finding.key, at_its_pipes, alert.parent is None, alert.raised_at, alert.key

    return max(possible, key=rank, default=None)


def findings_of(alert: Alert, findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings an alert stands for, its spokesman first, then the newest."""
    mine = [f for f in findings if f.key == alert.finding or _about(alert, f)]
    return tuple(sorted(mine, key=lambda f: (f.key != alert.finding, -f.found_at.timestamp(), f.key)))


def over_at(finding: Finding, alert: Alert | None, history: Sequence[AlertEvent]) -> datetime | None:
    """When a finding was over, as far as its alert tells; None while it is open."""
    if finding.open:
        return None
    ended = [event.at for event in history if event.action in ENDS]
    if ended:
        return max(ended[-1], finding.found_at)
    return max(finding.found_at, alert.updated_at) if alert is not None else finding.found_at


def _about(alert: Alert, finding: Finding) -> bool:
    if family_of(alert) is not FAMILY[finding.kind] or finding.zone not in (alert.zone, *alert.areas):
        return False
    if FAMILY[finding.kind] is Family.LEAK and not is_event(alert) and not is_there(alert, finding):
        return False
    began = alert.since or alert.raised_at
    ended_before = not alert.active and alert.updated_at < finding.since
    return not ended_before and (finding.open or began <= finding.found_at)
