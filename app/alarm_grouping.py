"""``khettara alarms group``: which findings of a replay the control room would have told as one alarm. Pure but for the file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from alerts.book import TOLD, Book
from alerts.grouping import group
from alerts.incidents import is_event
from alerts.settling import settle
from alerts.topology import Topology
from app.leaks_table import read_finding
from domain.alerts import Alert, AlertState
from domain.errors import ConfigurationError
from domain.findings import Finding
from domain.points import PointKey
from domain.zones import Inlet, Zone, ZoneKind

STAYS = timedelta(hours=24)
"""A replay does not keep when a finding was over: each is taken to stand for a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouped:
    """What operators would have been told."""

    findings: int
    told: int
    """How often an operator would have been made to look."""
    events: tuple[tuple[Alert, tuple[Alert, ...]], ...]
    """Each event with the alarms it speaks for, first begun first."""


def read_findings(file: Path) -> list[Finding]:
    """The findings that ``khettara leaks replay --findings`` kept.

    Raises:
        ConfigurationError: The file holds none.
    """
    try:
        return [read_finding(entry)[0] for entry in json.loads(file.read_text(encoding="utf-8"))["findings"]]
    except (OSError, ValueError, KeyError, TypeError) as error:  # absent, no JSON, or other JSON
        raise ConfigurationError(
            file=str(file), key="findings", value=str(error)[:100], expected="a file of khettara leaks replay --findings"
        ) from None


def side_by_side(findings: Sequence[Finding]) -> dict[str, Zone]:
    """Zones of which nothing is known but that they are metered."""
    keys = sorted({f.zone for f in findings})
    return {key: Zone(key=key, kind=ZoneKind.DMA, names={}, inlets=(Inlet(point=_point(key), sign=1),)) for key in keys}


def group_findings(findings: Sequence[Finding], zones: Mapping[str, Zone]) -> Grouped:
    """The control room's rounds over the findings, as they came."""
    topology = Topology(zones)
    alerts: dict[str, Alert] = {}
    events: dict[str, tuple[Alert, tuple[Alert, ...]]] = {}
    told = 0
    for now in sorted({f.found_at for f in findings} | {f.found_at + STAYS for f in findings}):
        book = Book(alerts.values(), now)
        book.findings(group(f for f in findings if f.found_at <= now < f.found_at + STAYS))
        settle(book, topology)
        told += sum(c.action in TOLD and c.alert.state is AlertState.UNACKNOWLEDGED for c in book.changes)
        alerts = {a.key: a for a in book.alerts.values() if a.active}
        for event in [a for a in book.alerts.values() if is_event(a)]:
            members = sorted(book.children(event.key), key=lambda a: (a.since or now, a.key))
            if len(members) >= len(events.get(event.key, (event, ()))[1]):
                events[event.key] = (event, tuple(members))
    return Grouped(findings=len(findings), told=told, events=tuple(events.values()))


def span_of(members: Sequence[Alert]) -> tuple[datetime, datetime]:
    """First and last onset."""
    onsets = [a.since or a.raised_at for a in members]
    return min(onsets), max(onsets)


def _point(key: str) -> PointKey:
    return PointKey(f"{key}.flow")
