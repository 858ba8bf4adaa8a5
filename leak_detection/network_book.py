"""Leaks of the network layer as findings: one physical leak, one finding, whoever saw it first. Pure.

A leak that the zone's inflow shows too is the zone's finding with pipes: its flow follows the inflow. Only what the pressures
alone know is a finding of the network's own. Either is over when the pressures came back, or a crew says that it repaired it,
and the night flow fell. What a layer does not see that should is said to be unseen, and set aside after four weeks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
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
    OVER_NOTES,
    OVER_PRESSURE,
    OVER_REPAIR,
    OVER_UNSEEN,
    STANDING_S,
    least_drop,
    nights_around,
    track,
)
from leak_detection.network_leaks import GAUGE, NETWORK, NetworkLeak, network_finding
from leak_detection.zone_claims import are_alike

_SUDDEN, _SLOW = timedelta(days=2), timedelta(days=21)
"""How far the onsets of one leak may lie apart for inflow and pressures."""
_NIGHTS, _LAST = 2, 7
"""Nights after the end that must be known, and so many at most on each side."""
_HOUR_S = 3600.0
_WAIT_S = 7 * 86400.0
"""With fewer nights by then they are not measured."""
_SAME = timedelta(days=3)
"""A leak that began so soon after a finding there was made is that one."""
UNSEEN, IN_BASELINE = "unseen", "in_baseline"
"""Notes of a finding that the layer does not see: though it should; and because it began before the days that teach."""
_SAY_UNSEEN, _SET_ASIDE = timedelta(days=4), timedelta(days=28)
"""A layer that sees every day has not seen it for so long. The day layer needs some days for what an hour has told."""
ZoneNow = Callable[[str], tuple[ZoneInputs, Learned] | None]
"""What is known of a zone now; None for one without inlets, or of which nothing is learnt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSpan:
    """What the layer in force has looked at."""

    start: datetime
    """Its first day."""
    opened: datetime
    """From then on it tells day by day; what stood then it has told."""
    until: datetime


class NetworkBook:
    """Which leak is which finding.

    Args:
        past: Findings that are over, from as far back as the layer looks.
    """

    def __init__(self, past: Iterable[Finding]) -> None:
        self._over = [f for f in past if not f.open and (f.places or f.detector == NETWORK)]
        self._linked: dict[str, str] = {}
        """Finding of each leak; empty for one that was over before anybody was told."""
        self._ended: dict[str, str] = {}
        """Finding that was, of each leak whose pressures came back before that was closed."""

    def settle(
        self,
        leaks: Sequence[NetworkLeak],
        open_findings: Mapping[str, Finding],
        zone_now: ZoneNow,
        span: LayerSpan | None,
        repaired: Mapping[str, datetime] | None = None,
    ) -> list[Finding]:
        """Findings that are new or have changed.

        Args:
            leaks: All that the layer knows.
            open_findings: Of all detectors, by key.
            zone_now: Of the zones' inflows.
            span: Of the layer; None while none is in force: then a repair and its nights alone end what the pressures had told.
            repaired: When a crew said that it has repaired it, by finding.
        """
        now = dict(open_findings)
        for leak in [leak for leak in leaks if leak.ended_at is None and leak.key in self._ended]:
            self._come_back(leak, now)
        for hour, day in _seen_elsewhere(leaks):
            self._take_over(hour, day, now)
        fresh = [leak for leak in leaks if leak.key not in self._linked]
        for leak in [leak for leak in fresh if not self._known(leak, now)]:
            self._link(leak, now, {key for key in (self._linked.get(other.key) for other in leaks) if key})
        by_finding: dict[str, list[NetworkLeak]] = {}
        for leak in leaks:
            by_finding.setdefault(self._linked[leak.key], []).append(leak)
        for key, finding in now.items():
            mine = by_finding.get(key, [])
            at = (repaired or {}).get(key)
            if finding.detector == NETWORK and span is None:
                now[key] = _repaired(finding, zone_now(finding.zone), at) or finding
            elif finding.detector == NETWORK and span is not None:
                now[key] = _followed(finding, mine, zone_now(finding.zone), span, at)
            elif mine:
                now[key] = _ended(finding, mine, zone_now(finding.zone)) or finding
            if not now[key].open:
                # If the inflow opens it again, it is the inflow's: these leaks have had their say.
                self._linked |= {leak.key: "" for leak in mine}
                self._ended |= {leak.key: key for leak in mine if leak.ended_at is not None}
        return [f for key, f in now.items() if open_findings.get(key) != f]

    def over(self, finding: Finding) -> None:
        """A finding that was closed, by whomever."""
        if finding.places:
            self._over.append(finding)

    def _come_back(self, leak: NetworkLeak, now: dict[str, Finding]) -> None:
        """Opens the finding of a leak that ended by itself and is back; what the inflow has opened again is the inflow's."""
        key = self._ended.pop(leak.key)
        finding = next((f for f in self._over if f.key == key), None)
        if finding is None or key in now:
            return
        self._over.remove(finding)
        self._linked[leak.key] = key
        notes = tuple(note for note in finding.notes if note not in OVER_NOTES)
        now[key] = replace(finding, open=True, flow_m3h=leak.flow_m3h, flow_error_m3h=leak.flow_error_m3h, notes=notes)

    def _take_over(self, hour: NetworkLeak, day: NetworkLeak, now: dict[str, Finding]) -> None:
        """A burst that the day sees elsewhere than the hour did stays its finding, at the day's pipes; the hour has had its say.

        A finding that a zone's inflow shows, too, stays where that inflow is.
        """
        key = self._linked.get(hour.key, hour.key)
        if day.key not in self._linked and key in now:
            found = now[key]
            if found.detector != NETWORK and found.zone not in day.near_zones | {day.zone}:
                return
            now[key] = moved(found, day)
            self._linked[day.key] = key
        self._linked[hour.key] = ""

    def _known(self, leak: NetworkLeak, now: dict[str, Finding]) -> bool:
        """Whether it is a finding, or was one; noted then."""
        if key := self._linked.get(leak.first_key):
            self._linked[leak.key] = key
            if key in now:
                now[key] = moved(now[key], leak)
            return True
        known = next((f for f in (*now.values(), *self._over) if _is_told(leak, f)), None)
        if known is not None:
            self._linked[leak.key] = known.key
        return known is not None

    def _link(self, leak: NetworkLeak, now: dict[str, Finding], taken: set[str]) -> None:
        """Makes one that nobody knows a finding, or another's pipes.

        Args:
            leak: Of the layer.
            now: Open findings; takes the result.
            taken: Those that another leak of the layer is.
        """
        before = nearest(leak.since, (f for f in now.values() if f.key not in taken and _is_placed_anew(leak, f)))
        if before is not None:
            now[before.key] = moved(before, leak)
            self._linked[leak.key] = before.key
        elif leak.ended_at is not None:
            self._linked[leak.key] = ""
        else:
            mine = nearest(leak.since, (f for f in now.values() if not f.places and is_same_water(leak, f)))
            finding = network_finding(leak) if mine is None else placed(mine, leak)
            now[finding.key] = finding
            self._linked[leak.key] = finding.key


def _seen_elsewhere(leaks: Sequence[NetworkLeak]) -> list[tuple[NetworkLeak, NetworkLeak]]:
    """Bursts that an hour told and no day has found there, each with the leak of about its onset and flow that a day has found.

    The day sees every leak that lasts: of two bursts it would tell two, and one of them near the hour's place.
    """
    hours = [leak for leak in leaks if leak.how == "hour" and not leak.followed and leak.ended_at is None]
    days = [leak for leak in leaks if leak.how == "day" and leak.followed and not leak.first_key]
    pairs = [
        (hour, day)
        for hour in hours
        for day in days
        if abs(hour.since - day.since) <= _SUDDEN and hour.told_at <= day.told_at and are_alike(hour.flow_m3h, day.flow_m3h)
    ]
    taken: set[str] = set()
    found = []
    for hour, day in sorted(pairs, key=lambda pair: (abs(pair[0].since - pair[1].since), pair[0].key, pair[1].key)):
        if taken.isdisjoint((hour.key, day.key)):
            taken |= {hour.key, day.key}
            found.append((hour, day))
    return found


def _is_told(leak: NetworkLeak, finding: Finding) -> bool:
    """Whether a finding is this leak: by its key, or because it lies there and was there."""
    if finding.key == leak.key:
        return True
    region = finding.region
    if region is None or not (leak.region.pipes[0] in region.pipes or region.pipes[0] in leak.region.pipes):
        return False
    # What stands when the layer begins anew has an onset that is known badly; what is new beside an old leak is not that leak.
    return (finding.open and leak.how == "history") or abs(leak.since - finding.found_at) <= _SAME or leak.since <= finding.since


def _is_placed_anew(leak: NetworkLeak, finding: Finding) -> bool:
    """Whether what stood when a layer began anew is an open finding that the layer before it had put elsewhere nearby."""
    if leak.how != "history" or finding.region is None or leak.around.isdisjoint(finding.region.pipes):
        return False
    delay = max(_SUDDEN, leak.told_at - leak.since, finding.found_at - finding.since)
    return abs(leak.since - finding.since) <= delay and are_alike(leak.flow_m3h, finding.flow_m3h)


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
    older, newer = (leak, finding) if leak.since <= finding.since else (finding, leak)
    if newer.kind is FindingKind.BURST and newer.since - _found(older) > _SAME:
        return False  # what bursts beside a leak that stands is not that leak
    sudden = leak.kind is FindingKind.BURST and finding.kind is FindingKind.BURST
    if FindingKind.STANDING not in (leak.kind, finding.kind) and abs(leak.since - finding.since) > (_SUDDEN if sudden else _SLOW):
        return False
    return are_alike(leak.flow_m3h, finding.flow_m3h)


def _found(leak: NetworkLeak | Finding) -> datetime:
    return leak.told_at if isinstance(leak, NetworkLeak) else leak.found_at


def nearest(since: datetime, findings: Iterable[Finding]) -> Finding | None:
    """The finding whose onset lies nearest."""
    return min(findings, key=lambda f: (abs(f.since - since), f.key), default=None)


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


def _followed(
    finding: Finding,
    mine: Sequence[NetworkLeak],
    zone: tuple[ZoneInputs, Learned] | None,
    span: LayerSpan,
    repaired: datetime | None,
) -> Finding:
    """An open finding of the network as it is now: older, or over."""
    closed = _repaired(finding, zone, repaired) or _ended(finding, mine, zone)
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
    note = IN_BASELINE if finding.since < span.start + _SLOW else UNSEEN
    if span.until - since >= _SET_ASIDE and note == UNSEEN:
        days = Evidence(name="unseen", observed=(span.until - since) / timedelta(days=1), expected=0.0, sd=0.0, unit="d")
        return replace(finding, open=False, notes=(*finding.notes, OVER_UNSEEN), evidence=(*finding.evidence, days))
    if span.until - since < _SAY_UNSEEN or note in finding.notes:
        return finding
    return replace(finding, notes=(*finding.notes, note), confidence=round(finding.confidence * DOUBT, 3))


def _repaired(finding: Finding, zone: tuple[ZoneInputs, Learned] | None, at: datetime | None) -> Finding | None:
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
    return _fell(finding, during, after, OVER, _NIGHTS)


def _without_nights(finding: Finding) -> Finding | None:
    """Closed on the word of the pressures alone; what the zone's inflow has seen, it must see end."""
    return replace(finding, open=False, notes=(*finding.notes, OVER_PRESSURE)) if finding.detector == NETWORK else None
