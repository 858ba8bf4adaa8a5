"""Findings of the network layer day by day: older, unseen, or over by pressures, inflow, or a repair and its nights. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from domain.findings import Evidence, Finding, FindingKind
from domain.series import FloatArray
from leak_detection.inputs import ZoneInputs
from leak_detection.learned import Learned
from leak_detection.life import (
    DOUBT,
    OVER,
    OVER_INFLOW,
    OVER_PRESSURE,
    OVER_REPAIR,
    OVER_UNSEEN,
    STANDING_S,
    least_drop,
    nights_around,
    track,
)
from leak_detection.network_leaks import NETWORK, NetworkLeak

_NIGHTS, _LAST = 2, 7
"""Nights after the end that must be known, and so many at most on each side."""
_HOUR_S = 3600.0
_WAIT_S = 7 * 86400.0
"""With fewer nights by then they are not measured."""
UNSEEN, IN_BASELINE = "unseen", "in_baseline"
"""Notes of a finding that the layer does not see: though it should; and because it began before the days that teach."""
_TEACHES = timedelta(days=21)
"""What began in so many first days of the layer is part of what it takes for normal."""
_SAY_UNSEEN, _SET_ASIDE = timedelta(days=4), timedelta(days=28)
"""A layer that sees every day has not seen it for so long. The day layer needs some days for what an hour has told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSpan:
    """What the layer in force has looked at."""

    start: datetime
    """Its first day."""
    opened: datetime
    """From then on it tells day by day; what stood then it has told."""
    until: datetime


def followed(
    finding: Finding,
    mine: Sequence[NetworkLeak],
    zone: tuple[ZoneInputs, Learned] | None,
    span: LayerSpan,
    repaired: datetime | None,
) -> Finding:
    """An open finding of the network as it is now: older, or over."""
    closed = by_repair(finding, zone, repaired) or by_pressures(finding, mine, zone)
    if closed is not None:
        return closed
    age_s = 0.0 if zone is None else zone[0].end_s - finding.since.timestamp()
    if mine and all(leak.followed for leak in mine):
        finding = _seen(replace(finding, flow_m3h=mine[-1].flow_m3h, flow_error_m3h=mine[-1].flow_error_m3h), mine[-1])
    elif zone is not None and age_s <= _WAIT_S and not track(finding, *zone).open:
        # A burst of an hour that no day has confirmed yet. What the inflow has run with for longer it takes for normal.
        return replace(finding, open=False, notes=(*finding.notes, OVER_INFLOW))
    elif not any(leak.followed for leak in mine):
        finding = _unseen(finding, zone, span)
    return replace(finding, kind=FindingKind.STANDING) if age_s > STANDING_S else finding


def _seen(finding: Finding, leak: NetworkLeak) -> Finding:
    """One that was unseen for a while."""
    if UNSEEN not in finding.notes and IN_BASELINE not in finding.notes:
        return finding
    return replace(finding, notes=tuple(n for n in finding.notes if n not in (UNSEEN, IN_BASELINE)), confidence=leak.confidence)


def _unseen(finding: Finding, zone: tuple[ZoneInputs, Learned] | None, span: LayerSpan) -> Finding:
    """One that no day of the layer in force has seen: over by the night flow; said in words; set aside in the end.

    What began before the layer's days is part of what it takes for normal: that it does not see it says nothing.
    """
    since = max(finding.found_at, span.opened)
    if zone is not None and finding.found_at < span.opened:
        closed = _by_nights(finding, zone, since, OVER, _NIGHTS)
        if closed is not None:
            return closed
    note = IN_BASELINE if finding.since < span.start + _TEACHES else UNSEEN
    if span.until - since >= _SET_ASIDE and note == UNSEEN:
        days = Evidence(name="unseen", observed=(span.until - since) / timedelta(days=1), expected=0.0, sd=0.0, unit="d")
        return replace(finding, open=False, notes=(*finding.notes, OVER_UNSEEN), evidence=(*finding.evidence, days))
    if span.until - since < _SAY_UNSEEN or note in finding.notes:
        return finding
    return replace(finding, notes=(*finding.notes, note), confidence=round(finding.confidence * DOUBT, 3))


def by_repair(finding: Finding, zone: tuple[ZoneInputs, Learned] | None, at: datetime | None) -> Finding | None:
    """The finding closed, if a crew has repaired it and the night flow of the nights since says so, too."""
    return None if at is None or zone is None else _by_nights(finding, zone, at, OVER_REPAIR, 1)


def _by_nights(finding: Finding, zone: tuple[ZoneInputs, Learned], end: datetime, note: str, least: int) -> Finding | None:
    """The finding closed, if ``least`` nights or more after its end lie lower than those before by a good part of it."""
    during, after = nights_around(*zone, finding.since.timestamp(), end.timestamp(), spare_s=_HOUR_S)
    return _fell(finding, during, after, note, least)


def _fell(finding: Finding, during: FloatArray, after: FloatArray, note: str, least: int) -> Finding | None:
    if during.size == 0 or after.size < least:
        return None
    before, now = float(np.median(during[-_LAST:])), float(np.median(after[-_LAST:]))
    if before - now <= least_drop(finding):
        return None
    fell = Evidence(name="night_after", observed=round(now, 2), expected=round(before, 2), sd=0.0, unit="m3/h")
    return replace(finding, open=False, notes=(*finding.notes, note), evidence=(*finding.evidence, fell))


def by_pressures(finding: Finding, mine: Sequence[NetworkLeak], zone: tuple[ZoneInputs, Learned] | None) -> Finding | None:
    """The finding closed, if the pressures came back and the nights say so, too, or cannot say anything."""
    ends = [leak.ended_at.timestamp() for leak in mine if leak.ended_at is not None]
    if not mine or len(ends) < len(mine):
        return None
    if zone is None:
        return _without_nights(finding)
    during, after = nights_around(*zone, finding.since.timestamp(), max(ends))
    if during.size == 0 or after.size < _NIGHTS:
        blind = during.size == 0 or zone[0].end_s - max(ends) > _WAIT_S
        return _without_nights(finding) if blind else None
    return _fell(finding, during, after, OVER, _NIGHTS)


def _without_nights(finding: Finding) -> Finding | None:
    """Closed on the word of the pressures alone; what the zone's inflow has seen, it must see end."""
    return replace(finding, open=False, notes=(*finding.notes, OVER_PRESSURE)) if finding.detector == NETWORK else None
