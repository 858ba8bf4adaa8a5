"""A finding with what another layer says of the same leak. Pure."""

from __future__ import annotations

from dataclasses import replace

from domain.findings import Finding
from leak_detection.evidence import confidence_of_both, joined
from leak_detection.network_leaks import GAUGE, NETWORK, NetworkLeak


def placed(finding: Finding, leak: NetworkLeak) -> Finding:
    """The zone's finding with the pipes of the leak, and what the gauges say."""
    return replace(
        finding,
        places=leak.places,
        region=leak.region,
        confidence=confidence_of_both(finding.confidence, leak.confidence),
        notes=tuple(dict.fromkeys((*finding.notes, *leak.notes))),
        evidence=joined(finding.evidence, leak.evidence),
    )


def moved(finding: Finding, leak: NetworkLeak) -> Finding:
    """A finding whose place a whole day of pressures knows better than the first hours did; it stays the same finding."""
    now = replace(
        finding,
        places=leak.places,
        region=leak.region,
        notes=tuple(dict.fromkeys((*finding.notes, *leak.notes))),
        evidence=joined(leak.evidence, [e for e in finding.evidence if not e.name.startswith(GAUGE)]),
    )
    return replace(now, zone=leak.zone, confidence=leak.confidence) if finding.detector == NETWORK else now


def adopted(finding: Finding, seen: Finding) -> Finding:
    """A finding of the network that the zone's inflow now shows, too: key and place stay, flow and end go by the inflow."""
    return replace(
        finding,
        detector=seen.detector,
        flow_m3h=seen.flow_m3h,
        flow_error_m3h=seen.flow_error_m3h,
        confidence=confidence_of_both(finding.confidence, seen.confidence),
        evidence=joined(seen.evidence, finding.evidence),
        notes=tuple(dict.fromkeys((*finding.notes, *seen.notes))),
    )
