"""What complaints say of a leak. Pure.

One complaint alone says nothing: pipes in houses break, taps are left open, people are mistaken. Only complaints that differ by
caller or place count as several, and only what exceeds the zone's usual complaints counts at all. Then they do three things:

- they take away part of the doubt that is left about a finding of their zone: confidence = 1 − doubt × 0.7^excess, never below a
  quarter of the doubt, for a crowd is no flow meter;
- those with a place on the map bring the pipes near them forward;
- several within hours in a zone without a finding are an alert of their own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.complaints import Complaint, ComplaintKind
from domain.findings import Finding, FindingKind

WEIGHT: Mapping[ComplaintKind, float] = {
    ComplaintKind.WET_STREET: 1.0,
    ComplaintKind.NOISE: 0.6,
    ComplaintKind.LOW_PRESSURE: 0.6,
    ComplaintKind.NO_WATER: 0.6,
    ComplaintKind.DIRTY_WATER: 0.3,
    ComplaintKind.HIGH_BILL: 0.0,
    ComplaintKind.OTHER: 0.0,
}
"""How much a complaint speaks of a leak in the street: a judgement, no measurement. A high bill speaks of a leak in the house."""
BEFORE = timedelta(hours=6)
"""Detectors date an onset late rather than early: complaints so long before it may be about it."""
USUAL_OVER = timedelta(days=28)
CLUSTER = 3
CLUSTER_WITHIN = timedelta(hours=6)
QUIET_AFTER = timedelta(hours=12)
"""A cluster is over so long after its last complaint."""
MOST_ENDS = 48
CHANCE = 0.01
"""So rarely may as many come by chance, by the zone's usual rate."""
DOUBT_LEFT = 0.7
LEAST_DOUBT = 0.25
REACH_M = 150.0
"""A complaint speaks of pipes so near (one standard deviation of a bell)."""
STRAY = 0.1
"""What a complaint leaves of a pipe far from it: it may be about something else."""


class Verdict(StrEnum):
    """What the complaints make of a finding; pages say it in words."""

    NONE = "none"
    ALONE = "alone"
    USUAL = "usual"
    RAISED = "raised"
    NO_LEAK = "no_leak"
    """The finding claims no leak: complaints say nothing of a meter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What complaints say of one finding."""

    verdict: Verdict
    complaints: tuple[Complaint, ...]
    """Those of its zone and time that may speak of it, oldest first."""
    independent: int
    """How many of them differ by caller or place."""
    usual: float
    """How many the zone usually has in as long."""
    confidence: float
    """With them, 0..1; never below the finding's own."""


def independent(complaints: Iterable[Complaint]) -> tuple[Complaint, ...]:
    """One complaint of each caller or place, the most telling one, oldest first."""
    best: dict[object, Complaint] = {}
    for complaint in sorted(complaints, key=lambda c: (-WEIGHT[c.kind], c.noticed_at, c.key)):
        best.setdefault(_who(complaint), complaint)
    return tuple(sorted(best.values(), key=lambda c: (c.noticed_at, c.key)))


def _who(complaint: Complaint) -> object:
    """What tells one complaint from another. Nameless and placeless ones of a kind cannot be told apart, so they count once."""
    digits = "".join(c for c in complaint.phone or "" if c.isdigit())
    if digits:
        return digits[-9:]
    if complaint.address:
        return " ".join(complaint.address.casefold().split())
    if complaint.x is not None and complaint.y is not None:
        return round(complaint.x / 10.0), round(complaint.y / 10.0)
    return complaint.kind


def heard(finding: Finding, complaints: Iterable[Complaint], until: datetime) -> Heard:
    """What complaints say of a finding.

    Args:
        finding: Any finding.
        complaints: Complaints from ``USUAL_OVER`` + ``BEFORE`` ahead of its onset on; those of other zones are passed over.
        until: Its end, or now.
    """
    start = finding.since - BEFORE
    telling = [c for c in complaints if c.zone == finding.zone and WEIGHT[c.kind] > 0]
    about = tuple(sorted((c for c in telling if start <= c.noticed_at <= until), key=lambda c: (c.noticed_at, c.key)))
    several = independent(about)
    earlier = independent(c for c in telling if start - USUAL_OVER <= c.noticed_at < start)
    usual = len(earlier) * max((until - start) / USUAL_OVER, 0.0)
    mean = sum(WEIGHT[c.kind] for c in several) / len(several) if several else 0.0
    excess = max(0.0, len(several) - max(usual, 1.0)) * mean
    raised = 1.0 - (1.0 - finding.confidence) * max(LEAST_DOUBT, DOUBT_LEFT**excess)
    if finding.kind is FindingKind.METER_FAULT:
        verdict = Verdict.NO_LEAK
    elif len(several) < 2:
        verdict = Verdict.ALONE if about else Verdict.NONE
    else:
        verdict = Verdict.RAISED if excess > 0 else Verdict.USUAL
    confidence = round(min(raised, 0.999), 3) if verdict is Verdict.RAISED else finding.confidence
    return Heard(
        verdict=verdict, complaints=about, independent=len(several), usual=usual, confidence=max(confidence, finding.confidence)
    )


def nearer(
    places: Mapping[str, float], at: Mapping[str, tuple[float, float]], complaints: Iterable[Complaint]
) -> dict[str, float] | None:
    """Probabilities of pipes with the complaints' places counted in, most probable first; None where they say nothing.

    p ∝ prior × ∏ (STRAY + (1 − STRAY) exp(−d² / 2 REACH_M²)), over complaints that differ by caller or place.

    Args:
        places: Prior probability of each pipe, > 0.
        at: Middle of each pipe [m]; pipes that are not on the map keep their prior times the mean of the others' factors.
        complaints: Those that may speak of the leak.
    """
    where = [(c.x, c.y) for c in independent(complaints) if c.x is not None and c.y is not None]
    if len(where) < 2 or not any(pipe in at for pipe in places):
        return None
    factors = {pipe: _factor(at[pipe], where) for pipe in places if pipe in at}
    mean = sum(factors.values()) / len(factors)
    weighed = {pipe: prior * factors.get(pipe, mean) for pipe, prior in places.items()}
    total = sum(weighed.values())
    return dict(sorted(((p, w / total) for p, w in weighed.items()), key=lambda pair: (-pair[1], pair[0]))) if total > 0 else None


def _factor(pipe: tuple[float, float], where: Sequence[tuple[float, float]]) -> float:
    return math.prod(
        STRAY + (1.0 - STRAY) * math.exp(-((pipe[0] - x) ** 2 + (pipe[1] - y) ** 2) / (2.0 * REACH_M**2)) for x, y in where
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Complaints of one zone that came too fast for chance."""

    zone: str
    count: int
    """How many differ by caller or place."""
    first: datetime
    last: datetime
    usual: float
    """How many the zone usually has in as long."""


def clusters(complaints: Iterable[Complaint], findings: Iterable[Finding], now: datetime) -> dict[str, Cluster]:
    """Zones whose complaints ask for a look, by zone.

    Args:
        complaints: Those of the last ``USUAL_OVER`` + ``QUIET_AFTER`` + ``CLUSTER_WITHIN``.
        findings: What is open now: a zone with a finding of a leak has its alert already.
        now: Process time; complaints dated later are not looked at yet.
    """
    explained = {f.zone for f in findings if f.open and f.kind is not FindingKind.METER_FAULT}
    by_zone: dict[str, list[Complaint]] = {}
    for complaint in complaints:
        if (
            complaint.zone is not None
            and complaint.zone not in explained
            and WEIGHT[complaint.kind] > 0
            and complaint.noticed_at <= now
        ):
            by_zone.setdefault(complaint.zone, []).append(complaint)
    found = ((zone, _cluster(zone, rows, now)) for zone, rows in by_zone.items())
    return {zone: cluster for zone, cluster in found if cluster is not None}


def _cluster(zone: str, rows: Sequence[Complaint], now: datetime) -> Cluster | None:
    """The largest cluster that ended within ``QUIET_AFTER``."""
    found: list[Cluster] = []
    for end in _ends([c.noticed_at for c in rows if now - c.noticed_at <= QUIET_AFTER]):
        start = end - CLUSTER_WITHIN
        several = independent(c for c in rows if start <= c.noticed_at <= end)
        earlier = independent(c for c in rows if start - USUAL_OVER <= c.noticed_at < start)
        usual = max(len(earlier), 1) * (CLUSTER_WITHIN / USUAL_OVER)
        if len(several) >= CLUSTER and at_least(len(several), usual) < CHANCE:
            moments = [c.noticed_at for c in several]
            found.append(Cluster(zone=zone, count=len(several), first=min(moments), last=max(moments), usual=usual))
    return max(found, key=lambda c: (c.count, c.last), default=None)


def _ends(moments: Sequence[datetime]) -> Sequence[datetime]:
    """Where windows end: at each complaint, and where there are very many, at the last one of each half hour."""
    if len(moments) <= MOST_ENDS:
        return moments
    return list({m.timestamp() // 1800: m for m in sorted(moments)}.values())


def at_least(count: int, mean: float) -> float:
    """Chance of ``count`` or more where ``mean`` are usual (Poisson)."""
    term = math.exp(-mean)
    less = 0.0
    for k in range(count):
        less += term
        term *= mean / (k + 1)
    return max(0.0, 1.0 - less)
