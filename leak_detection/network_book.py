"""Leaks of the network layer as findings: one physical leak, one finding, whoever saw it first. Pure.

A leak that the zone's inflow shows too is the zone's finding with pipes: its flow follows the inflow. Only what the pressures
alone know is a finding of the network's own. Either is over when the pressures came back and the night flow fell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np

from domain.findings import Evidence, Finding, FindingKind
from leak_detection.inputs import ZoneInputs
from leak_detection.learned import Learned
from leak_detection.life import OVER, OVER_INFLOW, OVER_PRESSURE, STANDING_S, least_drop, nights_around, track
from leak_detection.network_leaks import GAUGE, NETWORK, NetworkLeak, network_finding

_SUDDEN, _SLOW = timedelta(days=2), timedelta(days=21)
"""How far the onsets of one leak may lie apart for inflow and pressures."""
_FLOW_FACTOR = 2.5
_NIGHTS, _LAST = 2, 7
"""Nights after the end that must be known, and so many at most on each side."""
_WAIT_S = 7 * 86400.0
"""With fewer nights by then they are not measured."""
_SAME = timedelta(days=3)
"""A leak that began so soon after a finding there was made is that one."""
ZoneNow = Callable[[str], tuple[ZoneInputs, Learned] | None]
"""What is known of a zone now; None for one without inlets, or of which nothing is learnt."""


class NetworkBook:
    """Which leak is which finding.

    Args:
        past: Findings that are over, from as far back as the layer looks.
    """

    def __init__(self, past: Iterable[Finding]) -> None:
        self._over = [f for f in past if not f.open and (f.places or f.detector == NETWORK)]
        self._linked: dict[str, str] = {}
        """Finding of each leak; empty for one that was over before anybody was told."""

    def settle(self, leaks: Sequence[NetworkLeak], open_findings: Mapping[str, Finding], zone_now: ZoneNow) -> list[Finding]:
        """Findings that are new or have changed.

        Args:
            leaks: All that the layer knows.
            open_findings: Of all detectors, by key.
            zone_now: Of the zones' inflows.
        """
        now = dict(open_findings)
        for leak in leaks:
            if leak.key not in self._linked:
                self._link(leak, now)
        by_finding: dict[str, list[NetworkLeak]] = {}
        for leak in leaks:
            by_finding.setdefault(self._linked[leak.key], []).append(leak)
        for key, finding in now.items():
            mine = by_finding.get(key, [])
            if finding.detector == NETWORK:
                now[key] = _followed(finding, mine, zone_now(finding.zone))
            elif mine:
                now[key] = _ended(finding, mine, zone_now(finding.zone)) or finding
            if not now[key].open:
                # If the inflow opens it again, it is the inflow's: these leaks have had their say.
                self._linked |= {leak.key: "" for leak in mine}
        return [f for key, f in now.items() if open_findings.get(key) != f]

    def over(self, finding: Finding) -> None:
        """A finding that was closed, by whomever."""
        if finding.places:
            self._over.append(finding)

    def _link(self, leak: NetworkLeak, now: dict[str, Finding]) -> None:
        if key := self._linked.get(leak.first_key):
            self._linked[leak.key] = key
            if key in now:
                now[key] = moved(now[key], leak)
            return
        known = next((f for f in (*now.values(), *self._over) if _is_told(leak, f)), None)
        if known is not None:
            self._linked[leak.key] = known.key
        elif leak.ended_at is not None:
            self._linked[leak.key] = ""
        else:
            mine = [f for f in now.values() if not f.places and is_same_water(leak, f)]
            finding = placed(mine[0], leak) if mine else network_finding(leak)
            now[finding.key] = finding
            self._linked[leak.key] = finding.key


def _is_told(leak: NetworkLeak, finding: Finding) -> bool:
    """Whether a finding is this leak: by its key, or because it lies there and was there."""
    if finding.key == leak.key:
        return True
    region = finding.region
    if region is None or not (leak.region.pipes[0] in region.pipes or region.pipes[0] in leak.region.pipes):
        return False
    # What stands when the layer begins anew has an onset that is known badly; what is new beside an old leak is not that leak.
    return (finding.open and leak.how == "history") or abs(leak.since - finding.found_at) <= _SAME or leak.since <= finding.since


def is_same_water(leak: NetworkLeak | Finding, finding: Finding) -> bool:
    """Whether the inflow of a zone shows a leak of the pressures, by zone, onset and flow.

    Args:
        leak: Of the network layer.
        finding: Of a zone's inflow.
    """
    zones = leak.near_zones | {leak.zone} if isinstance(leak, NetworkLeak) else {leak.zone}
    if (
        finding.kind is FindingKind.METER_FAULT
        or finding.cause != "leak"
        or finding.detector == NETWORK
        or finding.zone not in zones
    ):
        return False
    sudden = leak.kind is FindingKind.BURST and finding.kind is FindingKind.BURST
    if FindingKind.STANDING not in (leak.kind, finding.kind) and abs(leak.since - finding.since) > (_SUDDEN if sudden else _SLOW):
        return False
    less, more = sorted((max(leak.flow_m3h, 0.1), max(finding.flow_m3h, 0.1)))
    return more <= _FLOW_FACTOR * less


def placed(finding: Finding, leak: NetworkLeak) -> Finding:
    """The zone's finding with the pipes of the leak, and what the gauges say."""
    known = {e.name for e in finding.evidence}
    return replace(
        finding,
        places=leak.places,
        region=leak.region,
        confidence=_both(finding.confidence, leak.confidence),
        notes=tuple(dict.fromkeys((*finding.notes, *leak.notes))),
        evidence=(*finding.evidence, *(e for e in leak.evidence if e.name not in known)),
    )


def moved(finding: Finding, leak: NetworkLeak) -> Finding:
    """A finding whose place a whole day of pressures knows better than the first hours did; it stays the same finding."""
    told = {e.name for e in leak.evidence}
    now = replace(
        finding,
        places=leak.places,
        region=leak.region,
        notes=tuple(dict.fromkeys((*finding.notes, *leak.notes))),
        evidence=(*leak.evidence, *(e for e in finding.evidence if e.name not in told and not e.name.startswith(GAUGE))),
    )
    return replace(now, zone=leak.zone, confidence=leak.confidence) if finding.detector == NETWORK else now


def adopted(finding: Finding, seen: Finding) -> Finding:
    """A finding of the network that the zone's inflow now shows, too: key and place stay, flow and end go by the inflow."""
    known = {e.name for e in seen.evidence}
    return replace(
        finding,
        detector=seen.detector,
        flow_m3h=seen.flow_m3h,
        flow_error_m3h=seen.flow_error_m3h,
        confidence=_both(finding.confidence, seen.confidence),
        evidence=(*seen.evidence, *(e for e in finding.evidence if e.name not in known)),
        notes=tuple(dict.fromkeys((*finding.notes, *seen.notes))),
    )


def _both(one: float, other: float) -> float:
    return round(min(1.0 - (1.0 - one) * (1.0 - 0.5 * other), 0.999), 3)


def _followed(finding: Finding, mine: Sequence[NetworkLeak], zone: tuple[ZoneInputs, Learned] | None) -> Finding:
    """An open finding of the network as it is now: older, or over."""
    if mine and all(leak.followed for leak in mine):
        closed = _ended(finding, mine, zone)
        if closed is not None:
            return closed
        finding = replace(finding, flow_m3h=mine[-1].flow_m3h, flow_error_m3h=mine[-1].flow_error_m3h)
    elif zone is not None and not track(finding, *zone).open:
        # A burst of an hour that no day has confirmed, or one that the layer has forgotten: only the inflow can tell its end.
        return replace(finding, open=False, notes=(*finding.notes, OVER_INFLOW))
    old = zone is not None and zone[0].end_s - finding.since.timestamp() > STANDING_S
    return replace(finding, kind=FindingKind.STANDING) if old else finding


def _ended(finding: Finding, mine: Sequence[NetworkLeak], zone: tuple[ZoneInputs, Learned] | None) -> Finding | None:
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
    before, now = float(np.median(during[-_LAST:])), float(np.median(after[-_LAST:]))
    if before - now <= least_drop(finding):
        return None
    fell = Evidence(name="night_after", observed=round(now, 2), expected=round(before, 2), sd=0.0, unit="m3/h")
    return replace(finding, open=False, notes=(*finding.notes, OVER), evidence=(*finding.evidence, fell))


def _without_nights(finding: Finding) -> Finding | None:
    """Closed on the word of the pressures alone; what the zone's inflow has seen, it must see end."""
    return replace(finding, open=False, notes=(*finding.notes, OVER_PRESSURE)) if finding.detector == NETWORK else None
