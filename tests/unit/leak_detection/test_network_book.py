"""One leak, one finding: who tells first, who joins, who closes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from domain.findings import ConfidenceRegion, Evidence, Finding, FindingKind, RankedPlace
from leak_detection import network_book
from leak_detection.detection import Detection
from leak_detection.inputs import ZoneInputs
from leak_detection.learned import Learned
from leak_detection.life import OVER, OVER_INFLOW, OVER_PRESSURE, reopened
from leak_detection.network_book import NetworkBook, ZoneNow, adopted, is_same_water
from leak_detection.network_leaks import NETWORK, NetworkLeak

SINCE = datetime(2026, 3, 3, 14, 30, tzinfo=UTC)
LEAK = NetworkLeak(
    key="leak:p7:2026-03-03T14:30Z",
    zone="oued",
    near_zones=frozenset({"oued", "plateau"}),
    kind=FindingKind.BURST,
    since=SINCE,
    told_at=SINCE + timedelta(hours=3),
    how="hour",
    flow_m3h=12.0,
    flow_error_m3h=1.0,
    confidence=0.95,
    places=(RankedPlace(pipe="p7", probability=0.6), RankedPlace(pipe="p8", probability=0.3)),
    region=ConfidenceRegion(probability=0.9, radius_m=150.0, pipes=("p7", "p8")),
    evidence=(Evidence(name="place_fit", observed=0.9, expected=0.0, sd=0.0, unit="1"),),
    ended_at=None,
    followed=True,
)
FLOW = Finding(
    key="leak:oued:2026-03-03T15:00Z",
    kind=FindingKind.BURST,
    zone="oued",
    detector="flow_step",
    since=SINCE + timedelta(minutes=30),
    found_at=SINCE + timedelta(hours=1),
    flow_m3h=10.0,
    flow_error_m3h=2.0,
    confidence=0.8,
    evidence=(Evidence(name="flow_step", observed=60.0, expected=50.0, sd=2.0, unit="m3/h"),),
)

SEEN_AGAIN = Detection(
    kind=FindingKind.BURST,
    detector="flow_step",
    since_s=(SINCE + timedelta(days=7)).timestamp(),
    flow_m3h=11.0,
    flow_error_m3h=1.0,
    confidence=0.9,
    evidence=(),
)


def nothing(_: str) -> None:
    """No zone is learnt."""


def settled(book: NetworkBook, leaks: list[NetworkLeak], *known: Finding) -> list[Finding]:
    return book.settle(leaks, {f.key: f for f in known}, nothing)


def test_what_the_pressures_alone_know_is_a_finding_of_its_own_told_once() -> None:
    book = NetworkBook([])
    (found,) = settled(book, [LEAK])
    assert (found.key, found.zone, found.detector, found.places, found.region) == (
        LEAK.key,
        "oued",
        NETWORK,
        LEAK.places,
        LEAK.region,
    )
    assert found.found_at == LEAK.told_at
    assert settled(book, [LEAK], found) == []


def test_a_leak_that_the_inflow_shows_gives_that_finding_its_pipes() -> None:
    (found,) = settled(NetworkBook([]), [LEAK], FLOW)
    assert (found.key, found.detector, found.places) == (FLOW.key, "flow_step", LEAK.places)
    assert found.confidence > FLOW.confidence
    assert {e.name for e in found.evidence} == {"flow_step", "place_fit"}


@pytest.mark.parametrize(
    "other",
    [
        replace(FLOW, zone="industrie"),
        replace(FLOW, since=SINCE - timedelta(days=5)),
        replace(FLOW, flow_m3h=2.0),
        replace(FLOW, kind=FindingKind.METER_FAULT),
        replace(FLOW, cause="slope"),
        replace(FLOW, places=(RankedPlace(pipe="p90", probability=1.0),)),
    ],
    ids=["zone", "onset", "flow", "meter", "cause", "has its place"],
)
def test_what_does_not_fit_stays_apart(other: Finding) -> None:
    assert [f.key for f in settled(NetworkBook([]), [LEAK], other)] == [LEAK.key]


def test_an_inflow_that_follows_takes_the_finding_over_under_its_key() -> None:
    (mine,) = settled(NetworkBook([]), [LEAK])
    assert is_same_water(mine, FLOW)
    both = adopted(mine, FLOW)
    assert (both.key, both.detector, both.flow_m3h, both.places) == (LEAK.key, "flow_step", 10.0, LEAK.places)


def test_a_restart_knows_its_finding_by_key_or_by_place() -> None:
    (mine,) = settled(NetworkBook([]), [LEAK])
    assert settled(NetworkBook([]), [LEAK], mine) == []
    moved = replace(LEAK, key="leak:p8:2026-03-03T16:30Z", region=replace(LEAK.region, pipes=("p8", "p7")))
    assert settled(NetworkBook([]), [moved], mine) == []
    stands = replace(moved, key="leak:p8:2026-02-01T00:00Z", since=SINCE - timedelta(days=30), how="history")
    assert settled(NetworkBook([]), [stands], mine) == []


def test_what_was_closed_is_not_told_again_yet_a_new_leak_there_is() -> None:
    over = replace(settled(NetworkBook([]), [LEAK])[0], open=False)
    book = NetworkBook([over])
    assert settled(book, [LEAK]) == []
    later = replace(LEAK, key="leak:p7:later", since=SINCE + timedelta(days=40))
    assert [f.key for f in settled(book, [LEAK, later])] == ["leak:p7:later"]


def test_a_new_leak_beside_one_that_stands_is_a_new_finding() -> None:
    (mine,) = settled(NetworkBook([]), [LEAK])
    later = replace(LEAK, key="leak:p8:later", since=SINCE + timedelta(days=40))
    assert [f.key for f in settled(NetworkBook([]), [LEAK, later], mine)] == ["leak:p8:later"]


def test_what_came_and_went_while_nobody_looked_is_not_told() -> None:
    assert settled(NetworkBook([]), [replace(LEAK, ended_at=SINCE + timedelta(days=2))]) == []


def in_zone(days: float) -> ZoneNow:
    """The zone so many days after the onset."""
    inputs = SimpleNamespace(end_s=(SINCE + timedelta(days=days)).timestamp())
    return lambda _: (cast("ZoneInputs", inputs), cast("Learned", None))


def nights(monkeypatch: pytest.MonkeyPatch, during: list[float], after: list[float]) -> None:
    monkeypatch.setattr(network_book, "nights_around", lambda *_: (np.array(during), np.array(after)))


@pytest.mark.parametrize("seen", [[], [FLOW]], ids=["its own", "the zone's"])
def test_pressures_and_night_flow_close_it_together(monkeypatch: pytest.MonkeyPatch, seen: list[Finding]) -> None:
    book = NetworkBook([])
    (mine,) = settled(book, [LEAK], *seen)
    back = replace(LEAK, ended_at=SINCE + timedelta(days=4))
    nights(monkeypatch, [62.0, 61.0, 62.0], [61.0, 62.0])
    assert book.settle([back], {mine.key: mine}, in_zone(6)) == [], "the night flow has not fallen"
    nights(monkeypatch, [62.0, 61.0, 62.0], [50.0])
    assert book.settle([back], {mine.key: mine}, in_zone(6)) == [], "one night is no night"
    nights(monkeypatch, [62.0, 61.0, 62.0], [50.0, 51.0])
    assert book.settle([LEAK], {mine.key: mine}, in_zone(6)) == [], "the pressures have not come back"
    (over,) = book.settle([back], {mine.key: mine}, in_zone(6))
    assert not over.open
    assert OVER in over.notes
    assert any(e.name == "night_after" and (e.observed, e.expected) == (50.5, 62.0) for e in over.evidence)
    again = reopened(over, SEEN_AGAIN)
    assert again.open
    assert OVER not in again.notes
    assert book.settle([back], {again.key: replace(again, detector="flow_step")}, in_zone(7)) == [], "the inflow has the last word"


def test_where_nights_are_not_measured_a_week_is_waited_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    book, back = NetworkBook([]), replace(LEAK, ended_at=SINCE + timedelta(days=4))
    (mine,) = settled(book, [LEAK])
    nights(monkeypatch, [62.0], [])
    assert book.settle([back], {mine.key: mine}, in_zone(8)) == []
    (over,) = book.settle([back], {mine.key: mine}, in_zone(12))
    assert OVER_PRESSURE in over.notes


def test_without_nights_the_pressures_close_it_and_say_so() -> None:
    book = NetworkBook([])
    (mine,) = settled(book, [LEAK])
    (over,) = settled(book, [replace(LEAK, ended_at=SINCE + timedelta(days=4))], mine)
    assert OVER_PRESSURE in over.notes


def test_a_burst_that_no_day_confirmed_ends_by_the_inflow(monkeypatch: pytest.MonkeyPatch) -> None:
    book, alone = NetworkBook([]), replace(LEAK, followed=False)
    (mine,) = settled(book, [alone])
    monkeypatch.setattr(network_book, "track", lambda finding, *_: replace(finding, open=False))
    (over,) = book.settle([alone], {mine.key: mine}, in_zone(1))
    assert OVER_INFLOW in over.notes


def test_a_burst_that_the_day_places_anew_stays_one_finding() -> None:
    book, day = NetworkBook(()), timedelta(hours=10)
    (told,) = settled(book, [LEAK])
    anew = replace(
        LEAK,
        key="leak:p30:2026-03-03T00:00Z",
        first_key=LEAK.key,
        zone="plateau",
        how="day",
        told_at=LEAK.told_at + day,
        flow_m3h=9.0,
        confidence=0.97,
        places=(RankedPlace(pipe="p30", probability=0.9),),
        region=ConfidenceRegion(probability=0.95, radius_m=150.0, pipes=("p30",)),
        evidence=(Evidence(name="place_fit", observed=0.97, expected=0.0, sd=0.0, unit="1"),),
    )
    (now,) = settled(book, [LEAK, anew], told)
    assert (now.key, now.since, now.found_at) == (told.key, told.since, told.found_at)
    assert (now.zone, now.places, now.region, now.flow_m3h) == ("plateau", anew.places, anew.region, 9.0)
    assert [(e.name, e.observed) for e in now.evidence] == [("place_fit", 0.97), ("first_flow", 12.0)]
    assert settled(book, [LEAK, anew], now) == []
    assert settled(NetworkBook(()), [LEAK, anew], now) == [], "a restart changes nothing"


def test_the_flow_of_what_the_pressures_alone_know_follows_the_joint_fit() -> None:
    book = NetworkBook(())
    (told,) = settled(book, [LEAK])
    (now,) = settled(book, [replace(LEAK, flow_m3h=15.5, flow_error_m3h=3.0)], told)
    assert (now.key, now.flow_m3h, now.flow_error_m3h) == (told.key, 15.5, 3.0)
