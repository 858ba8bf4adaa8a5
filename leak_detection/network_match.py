"""Which leak of the network layer is which finding: by key, place, onset and flow. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from domain.findings import Finding, FindingKind
from leak_detection.network_leaks import NETWORK, NetworkLeak
from leak_detection.zone_claims import are_alike

_SUDDEN, _SLOW = timedelta(days=2), timedelta(days=21)
"""How far the onsets of one leak may lie apart for inflow and pressures."""
_SAME = timedelta(days=3)
"""A leak that began so soon after a finding there was made is that one."""


def seen_elsewhere(leaks: Sequence[NetworkLeak]) -> list[tuple[NetworkLeak, NetworkLeak]]:
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


def is_told(leak: NetworkLeak, finding: Finding) -> bool:
    """Whether a finding is this leak: by its key, or because it lies there and was there."""
    if finding.key == leak.key:
        return True
    region = finding.region
    if region is None or not (leak.region.pipes[0] in region.pipes or region.pipes[0] in leak.region.pipes):
        return False
    # What stands when the layer begins anew has an onset that is known badly; what is new beside an old leak is not that leak.
    return (finding.open and leak.how == "history") or abs(leak.since - finding.found_at) <= _SAME or leak.since <= finding.since


def is_placed_anew(leak: NetworkLeak, finding: Finding) -> bool:
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
