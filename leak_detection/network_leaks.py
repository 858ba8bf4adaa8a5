"""What the network layer told, in the site's words: zone, moments, pipes, and the gauges that showed it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from domain.findings import ConfidenceRegion, Evidence, Finding, FindingKind, RankedPlace
from domain.points import PointKey
from leak_detection.life import DOUBT, STANDING_S
from leak_detection.network_past import LearnedNetwork
from leak_detection.network_run import RunLeak

NETWORK = "network_model"
"""Detector of a finding that the pressures alone know."""
GAUGE = "gauge:"
"""Begins the name of each gauge's evidence."""
DOUBTED = "network_doubts"
"""Note of a leak while the copy of the network does not agree with what is measured; which way, ``LearnedNetwork.doubts`` says."""
_SURE = 0.8
"""Probability that the smaller region must have to be told instead of the larger."""
_GAUGES = 4
"""Told as evidence: those that show the leak most."""
_LEAST_PROBABILITY = 0.005
_MOST_CONFIDENCE = 0.999
_DAY_S = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkPoints:
    """A network file and which of its names are points of the site."""

    network: Path
    gauges: Mapping[PointKey, str]
    """Pressure point and its node."""
    meters: Mapping[PointKey, str]
    """Flow point and its link."""
    tanks: Mapping[PointKey, str]
    """Level point and its tank."""
    zones: Mapping[str, str]
    """Zone of each pipe: the one it lies in, or the nearest."""
    step_s: int
    """Between two rows."""
    steered: Mapping[PointKey, PointKey] = field(default_factory=dict)
    """Gauges behind a valve that the site steers, and the pressure at that valve's outlet."""
    valves: Mapping[str, str] | None = field(default_factory=dict)
    """Valves of the network that the site steers, and their actuators; None where one of these is not known by a name there."""

    @property
    def points(self) -> tuple[PointKey, ...]:
        """Gauges, meters, tanks, in this order."""
        return (*self.gauges, *self.meters, *self.tanks)


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkLeak:
    """One leak as the layer knows it now."""

    key: str
    """Keeps as long as the layer keeps what it learnt."""
    zone: str
    near_zones: frozenset[str]
    """Of the pipes of its region."""
    kind: FindingKind
    since: datetime
    told_at: datetime
    how: str
    """``history``, ``hour`` or ``day``: who told it."""
    flow_m3h: float
    """As all open leaks together were fitted last, where that says more than the first days did."""
    flow_error_m3h: float
    confidence: float
    places: tuple[RankedPlace, ...]
    region: ConfidenceRegion
    evidence: tuple[Evidence, ...]
    ended_at: datetime | None
    """When the pressures came back."""
    followed: bool
    """Whether the ledger will notice its end; else only the zone's inflow can."""
    around: frozenset[str] = frozenset()
    """Pipes so near its best place that one model may put there what another puts here."""
    notes: tuple[str, ...] = ()
    """Codes of what lowers the confidence."""
    first_key: str = ""
    """Of the burst that it places anew."""


def network_leak(
    leak: RunLeak, learned: LearnedNetwork, points: NetworkPoints, start_s: float, notes: tuple[str, ...] = ()
) -> NetworkLeak:
    """A leak of a run that began at ``start_s`` (seconds since 1970 UTC) in the site's words.

    Args:
        leak: Of the run.
        learned: The run and its names.
        points: Of the site.
        start_s: Of its first day.
        notes: Of what made it less sure when it was told.
    """
    notes = (*notes, DOUBTED) if learned.doubts else notes
    told, place, pipes = leak.told, leak.told.place, learned.pipes
    region = _region(leak, learned)
    since, told_at = _at(start_s, told.start_day), _at(start_s, told.told_day)
    flow_m3h, flow_error_m3h = _flow(leak)
    return NetworkLeak(
        key=_key(leak, learned, start_s),
        first_key="" if leak.first is None else _key(leak.first, learned, start_s),
        zone=points.zones[pipes[place.index]],
        near_zones=frozenset(points.zones[pipe] for pipe in region.pipes),
        kind=_kind(leak),
        since=since,
        told_at=told_at,
        how=leak.how,
        flow_m3h=round(flow_m3h, 2),
        flow_error_m3h=round(flow_error_m3h, 2),
        confidence=round(min(place.far, _MOST_CONFIDENCE) * DOUBT ** len(notes), 3),
        places=_places(leak, learned),
        region=region,
        evidence=_evidence(leak, learned, points),
        ended_at=None if leak.ended_day is None else _at(start_s, leak.ended_day),
        followed=leak.line is not None,
        around=_within(leak, learned, learned.run.same_m),
        notes=notes,
    )


def network_finding(leak: NetworkLeak) -> Finding:
    """A finding of its own."""
    first = Evidence(name="first_flow", observed=leak.flow_m3h, expected=0.0, sd=leak.flow_error_m3h, unit="m3/h")
    return Finding(
        key=leak.key,
        kind=leak.kind,
        zone=leak.zone,
        detector=NETWORK,
        since=leak.since,
        found_at=leak.told_at,
        flow_m3h=leak.flow_m3h,
        flow_error_m3h=leak.flow_error_m3h,
        confidence=leak.confidence,
        evidence=(*leak.evidence, first),
        places=leak.places,
        region=leak.region,
        notes=leak.notes,
    )


def _at(start_s: float, day: float) -> datetime:
    return datetime.fromtimestamp(round(start_s + day * _DAY_S), UTC)


def _key(leak: RunLeak, learned: LearnedNetwork, start_s: float) -> str:
    return f"leak:{learned.pipes[leak.told.place.index]}:{_at(start_s, leak.told.start_day):%Y-%m-%dT%H:%MZ}"


def _flow(leak: RunLeak) -> tuple[float, float]:
    """Flow and its error [m³/h]: of today, unless that says no more than that something may be lost."""
    today, place = None if leak.line is None else leak.line.today, leak.told.place
    if today is not None and today.flow_m3h > today.error_m3h:
        return today.flow_m3h, today.error_m3h
    return place.flow_m3h, place.flow_error_m3h


def _kind(leak: RunLeak) -> FindingKind:
    told = leak.told
    if leak.how != "hour" and (told.told_day - told.start_day) * _DAY_S > STANDING_S:
        return FindingKind.STANDING
    grows = leak.how != "hour" and leak.line is not None and leak.line.ramp_days > 0
    return FindingKind.CREEPING if grows else FindingKind.BURST


def _places(leak: RunLeak, learned: LearnedNetwork) -> tuple[RankedPlace, ...]:
    """Pipes worth a look, the most probable first."""
    ranked = leak.told.place.ranked
    worth = [(k, p) for n, (k, p) in enumerate(ranked) if n == 0 or p >= _LEAST_PROBABILITY]
    return tuple(RankedPlace(pipe=learned.pipes[k], probability=round(p, 4)) for k, p in worth)


def _region(leak: RunLeak, learned: LearnedNetwork) -> ConfidenceRegion:
    """The pipes within the nearer of the place's two distances where that is sure enough, else within the farther."""
    place = leak.told.place
    radius, probability = (place.near_m, place.near) if place.near >= _SURE else (place.far_m, place.far)
    distance = learned.run.watch.gauges.distance_m[place.index]
    order = np.argsort(distance, kind="stable")
    inside = [int(k) for k in order if distance[k] <= radius]
    return ConfidenceRegion(probability=round(probability, 3), radius_m=radius, pipes=tuple(learned.pipes[k] for k in inside))


def _within(leak: RunLeak, learned: LearnedNetwork, radius_m: float) -> frozenset[str]:
    distance = learned.run.watch.gauges.distance_m[leak.told.place.index]
    return frozenset(learned.pipes[int(k)] for k in np.flatnonzero(distance <= radius_m))


def _evidence(leak: RunLeak, learned: LearnedNetwork, points: NetworkPoints) -> tuple[Evidence, ...]:
    """How well the place explains the pressures, and the gauges that say most."""
    place = leak.told.place
    fit = Evidence(name="place_fit", observed=round(place.fit, 3), expected=0.0, sd=0.0, unit="1")
    change, sd = leak.told.change_m, leak.told.sd_m
    if change is None:
        return (fit,)
    names = [key for key, used in zip(points.gauges, learned.gauges, strict=True) if used]
    # What the place explains counts: a gauge that drifts the other way speaks of something else, however loud.
    signature = learned.run.watch.gauges.at(place.flow_m3h)[place.index]
    spread = np.ones(len(change)) if sd is None else np.maximum(np.nan_to_num(sd), 1e-6)
    told = np.nan_to_num(change) * signature[: len(change)] / spread**2
    order = [int(k) for k in np.argsort(-told, kind="stable")[:_GAUGES] if np.isfinite(change[k])]
    return (fit, *(_gauge(names[k], float(change[k]), None if sd is None else float(sd[k])) for k in order))


def _gauge(point: PointKey, change_m: float, sd_m: float | None) -> Evidence:
    """A gauge's change that the flows do not explain."""
    return Evidence(name=f"{GAUGE}{point}", observed=round(change_m, 3), expected=0.0, sd=round(sd_m or 0.0, 4), unit="m")
