"""Leaks of the network layer as findings: one physical leak, one finding, whoever saw it first. Pure.

A leak that the zone's inflow shows too is the zone's finding with pipes: its flow follows the inflow. Only what the pressures
alone know is a finding of the network's own. Either is over when the pressures came back, or a crew says that it repaired it,
and the night flow fell. What a layer does not see that should is said to be unseen, and set aside after four weeks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from domain.findings import Finding
from leak_detection.inputs import ZoneInputs
from leak_detection.learned import Learned
from leak_detection.life import OVER_NOTES
from leak_detection.network_ends import LayerSpan, by_pressures, by_repair, followed
from leak_detection.network_leaks import NETWORK, NetworkLeak, network_finding
from leak_detection.network_match import is_placed_anew, is_same_water, is_told, nearest, seen_elsewhere
from leak_detection.network_merge import moved, placed

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
        for hour, day in seen_elsewhere(leaks):
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
                now[key] = by_repair(finding, zone_now(finding.zone), at) or finding
            elif finding.detector == NETWORK and span is not None:
                now[key] = followed(finding, mine, zone_now(finding.zone), span, at)
            elif mine:
                now[key] = by_pressures(finding, mine, zone_now(finding.zone)) or finding
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
        known = next((f for f in (*now.values(), *self._over) if is_told(leak, f)), None)
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
        before = nearest(leak.since, (f for f in now.values() if f.key not in taken and is_placed_anew(leak, f)))
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
