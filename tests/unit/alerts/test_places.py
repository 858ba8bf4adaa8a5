"""One leak, one alert; two leaks that lie apart, two: whatever the order in which detectors see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from alerts.book import PLACED, Book
from alerts.finding_links import alert_of, findings_of
from alerts.grouping import group
from alerts.incidents import is_event
from alerts.places import PIPE, may_be_one, pipes_of
from alerts.settling import settle
from alerts.topology import Topology
from domain.alerts import Alert, AlertState
from domain.findings import ConfidenceRegion, Finding, FindingKind, RankedPlace
from domain.points import PointKey
from domain.zones import Inlet, Zone, ZoneKind

START = datetime(2026, 5, 4, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
REACH = 3
"""Pipes of a region to each side of its middle, on a line of them."""
FAR = 4 * REACH + 1
ZONE_PIPES = 60


def zone_of(pipe: int) -> str:
    return f"z{pipe // ZONE_PIPES}"


ZONES = {
    key: Zone(key=key, kind=ZoneKind.DMA, names={}, inlets=(Inlet(point=PointKey(f"{key}.flow"), sign=1),)) for key in ("z0", "z1")
}
FED = ZONES | {
    "z0": replace(ZONES["z0"], inlets=(*ZONES["z0"].inlets, Inlet(point=PointKey("z1.flow"), sign=-1))),
}
"""The second zone is fed through the first."""


def loss(pipe: int | None, *, zone: str = "z0", since: timedelta = timedelta(), after: timedelta = HOUR, key: str = "") -> Finding:
    """What a detector says of a leak in a pipe, or in a zone."""
    region = None
    if pipe is not None:
        pipes = tuple(f"p{k}" for k in sorted(range(pipe - REACH, pipe + REACH + 1), key=lambda k: (abs(k - pipe), k)))
        region = ConfidenceRegion(probability=0.9, radius_m=150.0, pipes=pipes)
    return Finding(
        key=key or f"leak:{pipe}:{zone}:{since}", kind=FindingKind.BURST, zone=zone if pipe is None else zone_of(pipe),
        detector="flow_step" if pipe is None else "network_model", since=START + since, found_at=START + since + after,
        flow_m3h=12.0, flow_error_m3h=1.0, confidence=0.9, region=region,
        places=() if pipe is None else (RankedPlace(pipe=f"p{pipe}", probability=0.6),),
    )  # fmt: skip


def keys(findings: Sequence[Finding]) -> set[frozenset[str]]:
    return {frozenset(f.key for f in g.members) for g in group(findings)}


def test_two_leaks_of_one_zone_that_lie_apart_are_two_alerts() -> None:
    one, other = loss(10), loss(10 + 2 * REACH + 1)
    assert len(group([one, other])) == 2
    assert len(group([one, loss(10 + 2 * REACH)])) == 1
    assert len({g.key for g in group([one, other])}) == 2


def test_what_only_the_zone_is_known_of_goes_with_the_place_it_can_be() -> None:
    one, other, night = loss(10), loss(40, since=4 * DAY), loss(None, since=4 * DAY + HOUR)
    assert keys([one, other, night]) == {frozenset({one.key}), frozenset({other.key, night.key})}
    assert group([one, night, other])[1].spokesman == other, "the one with a place speaks, however sure the other is"
    assert keys([loss(70), night]) == {frozenset({loss(70).key}), frozenset({night.key})}, "another zone"


def test_a_new_burst_is_not_hidden_in_the_alarm_of_a_leak_that_has_stood_for_a_month() -> None:
    old, new = loss(10), loss(None, since=30 * DAY)
    assert len(group([old, new])) == 2
    assert len(group([old, loss(11, since=30 * DAY)])) == 2
    slow = loss(None, since=20 * DAY, after=25 * DAY)
    assert may_be_one(old, slow), "who took weeks to see it knows its beginning to weeks"


class Room:
    """The book over the rounds, and how often an alert was raised."""

    def __init__(self, zones: dict[str, Zone] | None = None) -> None:
        self.topology = Topology(ZONES if zones is None else zones)
        self.kept: dict[str, Alert] = {}
        self.raised: list[str] = []
        self.done: list[str] = []
        self.now = START

    def see(self, findings: Sequence[Finding], hours: float = 1.0) -> None:
        self.now += timedelta(hours=hours)
        book = Book(self.kept.values(), self.now)
        book.findings(group(findings))
        settle(book, self.topology)
        self.done += [c.action for c in book.changes]
        self.raised += [c.alert.key for c in book.changes if c.action == "raised"]
        self.kept = {a.key: a for a in book.alerts.values() if a.state is not AlertState.NORMAL}

    def of(self, finding: Finding) -> Alert:
        (found,) = [a for a in self.kept.values() if a.finding == finding.key and not is_event(a)]
        return found


def test_a_zones_alarm_stays_that_of_its_leak_when_the_pressures_place_it() -> None:
    room, zone, placed = Room(), loss(None), loss(10, since=HOUR)
    room.see([zone])
    room.see([zone, placed])
    room.see([replace(zone, places=placed.places, region=placed.region)])
    room.see([zone])
    (alert,) = room.kept.values()
    assert (room.raised, alert.finding, alert.parameters.get(PIPE)) == ([alert.key], zone.key, None)
    room.see([replace(placed, key="after a restart"), loss(40, since=HOUR)])
    assert len(room.raised) == 2
    assert room.of(replace(placed, key="after a restart")).key == alert.key


def test_the_place_is_a_number_of_the_alert_and_a_finding_that_moves_zone_keeps_its_alert() -> None:
    room, at_border = Room(), loss(ZONE_PIPES - 1)
    room.see([at_border])
    beyond = replace(loss(ZONE_PIPES), key=at_border.key)
    room.see([beyond])
    (alert,) = room.kept.values()
    assert (alert.zone, alert.parameters[PIPE], len(room.raised)) == ("z1", "p60", 1)
    assert room.done == ["raised", PLACED]


def test_that_the_pipe_is_known_by_now_is_news_once() -> None:
    room, zone = Room(), loss(None)
    placed = replace(zone, places=loss(10).places, region=loss(10).region)
    for findings in ([zone], [zone], [placed], [replace(placed, flow_m3h=13.0)]):
        room.see(findings)
    assert room.done == ["raised", PLACED, "updated"]
    room.see([])
    room.see([placed])
    assert room.done[-2:] == ["returned", "raised"]


@pytest.mark.parametrize("zones", [ZONES, FED], ids=["apart", "one fed through the other"])
def test_two_placed_bursts_of_one_hour_are_neither_an_event_nor_each_others_water(zones: dict[str, Zone]) -> None:
    room, one, other = Room(zones), loss(20), loss(90, since=HOUR / 2)
    room.see([one, other])
    assert [a.parent for a in room.kept.values()] == [None, None]
    room.see([one, other, loss(None, zone="z1", since=HOUR / 2)])
    assert len(room.raised) == 2


def test_a_finding_leads_to_the_alert_of_its_place() -> None:
    room, one, other = Room(), loss(10), loss(40)
    room.see([one, other])
    stored = [replace(a, finding="another detector's") for a in room.kept.values()]
    for finding in (one, other):
        found = alert_of(finding, stored)
        assert found is not None
        assert found.parameters[PIPE] == finding.places[0].pipe
        assert findings_of(found, [one, other]) == (finding,)


@dataclass(frozen=True)
class Sighting:
    """A detector's word of a leak, in the units of the test."""

    leak: int
    placed: bool
    off: int
    """Pipes from the true one."""
    early_h: int
    delay_h: int
    lingers_h: int
    """The zone's inflow beyond the end of the leak, which all detectors see until then."""


ENDS_H = 500


@st.composite
def towns(draw: st.DrawFn) -> tuple[list[tuple[int, int]], list[Sighting]]:
    """Leaks (pipe, hour) that lie apart, and what is said of them; a zone's inflow has one word for all its losses."""
    pipes = draw(st.lists(st.sampled_from(range(8, 2 * ZONE_PIPES - 8, FAR)), min_size=1, max_size=4, unique=True))
    pipes = [p for p in pipes if REACH < p % ZONE_PIPES < ZONE_PIPES - REACH]
    leaks = [(p, draw(st.integers(0, 200))) for p in pipes]
    said = st.builds(
        Sighting,
        leak=st.integers(0, max(len(leaks) - 1, 0)),
        placed=st.booleans(),
        off=st.integers(-REACH, REACH),
        early_h=st.integers(-24, 24),
        delay_h=st.integers(0, 200),
        lingers_h=st.integers(0, 100),
    )
    sightings = draw(st.lists(said, max_size=8)) if leaks else []
    by_inflow = {zone_of(leaks[s.leak][0]): s for s in sightings if not s.placed}
    return leaks, [s for s in sightings if s.placed or by_inflow[zone_of(leaks[s.leak][0])] is s]


@settings(max_examples=200)
@given(towns())
def test_one_leak_never_raises_two_alerts_and_two_that_lie_apart_never_share_one(
    town: tuple[list[tuple[int, int]], list[Sighting]],
) -> None:
    leaks, sightings = town
    findings = []
    for n, said in enumerate(sightings):
        pipe, hour = leaks[said.leak]
        since = timedelta(hours=hour + said.early_h)
        # Regions hold the true pipe, so their middles lie at most REACH off.
        found = loss(pipe + said.off if said.placed else None, zone=zone_of(pipe), since=since, key=f"f{n}")
        findings.append(
            (
                said.leak,
                replace(found, found_at=START + timedelta(hours=hour + 24 + said.delay_h)),
                0 if said.placed else said.lingers_h,
            )
        )
    note(f"{leaks} {sightings}")
    room, seen = Room(), set[int]()
    ends = {f.key: START + timedelta(hours=ENDS_H + lingers_h) for _, f, lingers_h in findings}
    moments = sorted({f.found_at for _, f, _ in findings} | set(ends.values()))
    for moment in moments:
        there = [(leak, f) for leak, f, _ in findings if f.found_at <= moment < ends[f.key]]
        seen |= {leak for leak, _ in there}
        room.now = moment - HOUR
        room.see([f for _, f in there])
        for one in there:
            for other in there:
                if one[0] != other[0] and pipes_of(one[1]) and pipes_of(other[1]):
                    mine, theirs = alert_of(one[1], room.kept.values()), alert_of(other[1], room.kept.values())
                    assert mine is not None
                    assert theirs is not None
                    assert (mine.parent or mine.key) != (theirs.parent or theirs.key)
    assert len(set(room.raised)) <= len(seen)
