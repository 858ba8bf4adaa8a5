"""One leak, one finding: who tells first, who joins, who closes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from domain.findings import ConfidenceRegion, Evidence, Finding, FindingKind, RankedPlace
from leak_detection import network_ends
from leak_detection.detection import Detection
from leak_detection.inputs import ZoneInputs
from leak_detection.learned import Learned
from leak_detection.life import OVER, OVER_INFLOW, OVER_PRESSURE, OVER_REPAIR, OVER_UNSEEN, reopened
from leak_detection.network_book import NetworkBook, ZoneNow
from leak_detection.network_ends import IN_BASELINE, UNSEEN, LayerSpan
from leak_detection.network_leaks import NETWORK, NetworkLeak
from leak_detection.network_match import is_same_water
from leak_detection.network_merge import adopted

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

SPAN = LayerSpan(start=SINCE - timedelta(days=60), opened=SINCE - timedelta(days=4), until=SINCE + timedelta(hours=4))


def nothing(_: str) -> None:
    """No zone is learnt."""


def settled(book: NetworkBook, leaks: list[NetworkLeak], *known: Finding) -> list[Finding]:
    return book.settle(leaks, {f.key: f for f in known}, nothing, SPAN)


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
    monkeypatch.setattr(network_ends, "nights_around", lambda *_, **__: (np.array(during), np.array(after)))


@pytest.mark.parametrize("seen", [[], [FLOW]], ids=["its own", "the zone's"])
def test_pressures_and_night_flow_close_it_together(monkeypatch: pytest.MonkeyPatch, seen: list[Finding]) -> None:
    book = NetworkBook([])
    (mine,) = settled(book, [LEAK], *seen)
    back = replace(LEAK, ended_at=SINCE + timedelta(days=4))
    nights(monkeypatch, [62.0, 61.0, 62.0], [61.0, 62.0])
    assert book.settle([back], {mine.key: mine}, in_zone(6), SPAN) == [], "the night flow has not fallen"
    nights(monkeypatch, [62.0, 61.0, 62.0], [50.0])
    assert book.settle([back], {mine.key: mine}, in_zone(6), SPAN) == [], "one night is no night"
    nights(monkeypatch, [62.0, 61.0, 62.0], [50.0, 51.0])
    assert book.settle([LEAK], {mine.key: mine}, in_zone(6), SPAN) == [], "the pressures have not come back"
    (over,) = book.settle([back], {mine.key: mine}, in_zone(6), SPAN)
    assert not over.open
    assert OVER in over.notes
    assert any(e.name == "night_after" and (e.observed, e.expected) == (50.5, 62.0) for e in over.evidence)
    again = reopened(over, SEEN_AGAIN)
    assert again.open
    assert OVER not in again.notes
    assert book.settle([back], {again.key: replace(again, detector="flow_step")}, in_zone(7), SPAN) == [], (
        "the inflow has the last word"
    )


def test_where_nights_are_not_measured_a_week_is_waited_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    book, back = NetworkBook([]), replace(LEAK, ended_at=SINCE + timedelta(days=4))
    (mine,) = settled(book, [LEAK])
    nights(monkeypatch, [62.0], [])
    assert book.settle([back], {mine.key: mine}, in_zone(8), SPAN) == []
    (over,) = book.settle([back], {mine.key: mine}, in_zone(12), SPAN)
    assert OVER_PRESSURE in over.notes


def test_without_nights_the_pressures_close_it_and_say_so() -> None:
    book = NetworkBook([])
    (mine,) = settled(book, [LEAK])
    (over,) = settled(book, [replace(LEAK, ended_at=SINCE + timedelta(days=4))], mine)
    assert OVER_PRESSURE in over.notes


def test_a_burst_that_no_day_confirmed_ends_by_the_inflow(monkeypatch: pytest.MonkeyPatch) -> None:
    book, alone = NetworkBook([]), replace(LEAK, followed=False)
    (mine,) = settled(book, [alone])
    monkeypatch.setattr(network_ends, "track", lambda finding, *_: replace(finding, open=False))
    (over,) = book.settle([alone], {mine.key: mine}, in_zone(1), SPAN)
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


def over_days(leak_days: float, opened: float = 30.0, start: float = -60.0) -> LayerSpan:
    """A layer learnt ``opened`` days after the onset that has looked on for so many."""
    return LayerSpan(
        start=SINCE + timedelta(days=start),
        opened=SINCE + timedelta(days=opened),
        until=SINCE + timedelta(days=opened + leak_days),
    )


def test_what_a_newly_learnt_layer_does_not_see_is_said_and_set_aside_after_four_weeks() -> None:
    book = NetworkBook(())
    (told,) = settled(book, [LEAK])
    known = {told.key: told}
    assert book.settle([], known, nothing, over_days(3.9)) == []
    (said,) = book.settle([], known, nothing, over_days(4.0))
    assert (said.open, said.notes, said.confidence < told.confidence) == (True, (UNSEEN,), True)
    assert book.settle([], {told.key: said}, nothing, over_days(27.9)) == [], "said once"
    assert NetworkBook(()).settle([], {told.key: said}, nothing, over_days(27.9)) == [], "a restart does not begin to count anew"
    (over,) = book.settle([], {told.key: said}, nothing, over_days(28.0))
    assert (over.open, over.notes[-1], over.evidence[-1].name) == (False, OVER_UNSEEN, "unseen")


def test_what_is_seen_again_is_as_sure_as_before() -> None:
    book = NetworkBook(())
    (told,) = settled(book, [LEAK])
    (said,) = book.settle([], {told.key: told}, nothing, over_days(10))
    (again,) = book.settle([replace(LEAK, how="history")], {told.key: said}, nothing, over_days(10))
    assert (again.notes, again.confidence) == ((), told.confidence)


def test_a_leak_older_than_what_teaches_is_not_set_aside_for_being_unseen() -> None:
    book = NetworkBook(())
    (told,) = settled(book, [LEAK])
    (said,) = book.settle([], {told.key: told}, nothing, over_days(60, start=-3))
    assert (said.open, said.notes) == (True, (IN_BASELINE,))


def test_an_unseen_leak_is_over_when_the_nights_fell(monkeypatch: pytest.MonkeyPatch) -> None:
    book = NetworkBook(())
    (told,) = settled(book, [LEAK])
    nights(monkeypatch, [62.0, 61.0, 62.0], [50.0, 51.0])
    (over,) = book.settle([], {told.key: told}, in_zone(33), over_days(3))
    assert (over.open, over.notes) == (False, (OVER,))


def test_a_burst_that_no_day_confirms_is_set_aside_without_an_inflow_too() -> None:
    book, alone = NetworkBook(()), replace(LEAK, followed=False)
    (told,) = settled(book, [alone])
    began = over_days(27.9, opened=-4.0)
    (said,) = book.settle([alone], {told.key: told}, nothing, began)
    assert said.notes == (UNSEEN,)
    late = replace(began, until=told.found_at + timedelta(days=28))
    (over,) = book.settle([alone], {told.key: said}, nothing, late)
    assert OVER_UNSEEN in over.notes


def test_an_inflow_that_takes_the_leak_for_normal_by_now_does_not_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    book, alone = NetworkBook(()), replace(LEAK, followed=False)
    (told,) = settled(book, [alone])
    monkeypatch.setattr(network_ends, "track", lambda finding, *_: replace(finding, open=False))
    assert book.settle([alone], {told.key: told}, in_zone(8), SPAN) == []


def test_a_crews_word_ends_it_with_the_night_after_and_not_before(monkeypatch: pytest.MonkeyPatch) -> None:
    book, repaired = NetworkBook(()), {LEAK.key: SINCE + timedelta(days=2)}
    (told,) = settled(book, [LEAK])
    known = {told.key: told}
    nights(monkeypatch, [62.0, 61.0], [])
    assert book.settle([LEAK], known, in_zone(2.2), SPAN, repaired) == [], "no night has passed"
    nights(monkeypatch, [62.0, 61.0], [61.0])
    assert book.settle([LEAK], known, in_zone(2.6), SPAN, repaired) == [], "the water still runs"
    nights(monkeypatch, [62.0, 61.0], [50.0])
    assert book.settle([LEAK], known, in_zone(2.6), SPAN, {}) == [], "nobody has repaired it and the pressures have not come back"
    (over,) = book.settle([LEAK], known, in_zone(2.6), SPAN, repaired)
    assert (over.open, over.notes, over.evidence[-1].name) == (False, (OVER_REPAIR,), "night_after")
    assert settled(book, [LEAK]) == [], "and it is not told again"


def test_what_a_newly_learnt_layer_puts_nearby_is_the_finding_it_was() -> None:
    (told,) = settled(NetworkBook(()), [LEAK])
    anew = replace(
        LEAK,
        key="leak:p12:2026-03-03T00:00Z",
        since=SINCE - timedelta(hours=14),
        told_at=SINCE + timedelta(days=30),
        how="history",
        places=(RankedPlace(pipe="p12", probability=0.9),),
        region=ConfidenceRegion(probability=0.9, radius_m=150.0, pipes=("p12", "p13")),
        around=frozenset({"p12", "p13", "p8"}),
        flow_m3h=14.0,
    )
    (now,) = settled(NetworkBook(()), [anew], told)
    assert (now.key, now.found_at, now.places, now.flow_m3h) == (told.key, told.found_at, anew.places, 14.0)
    beside = replace(anew, key="leak:p13:other", since=SINCE - timedelta(days=50))
    apart = replace(anew, around=frozenset({"p12", "p13"}))
    much_more = replace(anew, flow_m3h=40.0)
    by_the_day = replace(anew, how="day")
    for other in (apart, much_more, by_the_day):
        assert other.key in {f.key for f in settled(NetworkBook(()), [other], told)}, "a leak of its own"
    two = settled(NetworkBook(()), [anew, beside], told)
    assert {f.key for f in two} == {told.key, beside.key}, "one finding is one leak"


def test_while_no_layer_is_in_force_a_repair_and_its_night_end_it_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    book, repaired = NetworkBook(()), {LEAK.key: SINCE + timedelta(days=2)}
    (told,) = settled(book, [LEAK])
    nights(monkeypatch, [62.0, 61.0], [50.0])
    monkeypatch.setattr(network_ends, "track", lambda finding, *_: replace(finding, open=False))
    assert book.settle([], {told.key: told}, in_zone(2.6), None) == []
    (over,) = book.settle([], {told.key: told}, in_zone(2.6), None, repaired)
    assert over.notes == (OVER_REPAIR,)


def test_a_burst_beside_a_leak_that_stands_is_not_that_leak() -> None:
    stands = replace(FLOW, kind=FindingKind.STANDING, since=SINCE - timedelta(days=60), found_at=SINCE - timedelta(days=59))
    assert not is_same_water(LEAK, stands)
    assert [f.key for f in settled(NetworkBook(()), [LEAK], stands)] == [LEAK.key]
    badly_known = replace(LEAK, kind=FindingKind.STANDING, since=SINCE - timedelta(days=40), how="history")
    assert is_same_water(badly_known, stands)
    (both,) = settled(NetworkBook(()), [LEAK], replace(FLOW, key="a", since=SINCE - timedelta(days=1)), FLOW)
    assert both.key == FLOW.key, "of two the one with the nearer onset"


UNSEEN_BY_DAY = replace(LEAK, followed=False)
FAR = replace(
    LEAK,
    key="leak:p90:2026-03-03T00:00Z",
    how="day",
    zone="plateau",
    near_zones=frozenset({"plateau"}),
    since=SINCE - timedelta(hours=14),
    told_at=SINCE + timedelta(days=2),
    flow_m3h=9.0,
    places=(RankedPlace(pipe="p90", probability=0.8),),
    region=ConfidenceRegion(probability=0.9, radius_m=150.0, pipes=("p90", "p91")),
)


def test_a_day_that_sees_a_burst_far_from_where_the_hour_put_it_moves_the_finding() -> None:
    book = NetworkBook([])
    (first,) = settled(book, [UNSEEN_BY_DAY])
    (then,) = settled(book, [UNSEEN_BY_DAY, FAR], first)
    assert (then.key, then.found_at, then.since) == (first.key, first.found_at, first.since)
    assert (then.zone, then.places, then.region) == ("plateau", FAR.places, FAR.region)
    assert settled(book, [UNSEEN_BY_DAY, FAR], then) == [], "and stays"
    ended = [UNSEEN_BY_DAY, replace(FAR, ended_at=SINCE + timedelta(days=4))]
    (over,) = settled(book, ended, then)
    assert (over.key, over.open) == (first.key, False), "the hour's place waits for nothing"


def test_a_restart_knows_the_moved_finding_and_tells_the_hour_no_more() -> None:
    book = NetworkBook([])
    (first,) = settled(book, [UNSEEN_BY_DAY])
    (then,) = settled(book, [UNSEEN_BY_DAY, FAR], first)
    assert settled(NetworkBook([]), [UNSEEN_BY_DAY, FAR], then) == []
    gone = replace(then, open=False)
    assert settled(NetworkBook([gone]), [UNSEEN_BY_DAY, FAR]) == []
    assert [f.key for f in settled(NetworkBook([]), [UNSEEN_BY_DAY, FAR])] == [FAR.key], "told by nobody yet"


@pytest.mark.parametrize(
    ("hour", "day"),
    [
        (LEAK, FAR),
        (UNSEEN_BY_DAY, replace(FAR, since=SINCE - timedelta(days=3))),
        (UNSEEN_BY_DAY, replace(FAR, flow_m3h=40.0)),
        (UNSEEN_BY_DAY, replace(FAR, first_key="leak:p91:another")),
        (UNSEEN_BY_DAY, replace(FAR, told_at=SINCE)),
    ],
    ids=["both seen by the day", "onset", "flow", "another's place", "told before"],
)
def test_two_leaks_stay_two(hour: NetworkLeak, day: NetworkLeak) -> None:
    book = NetworkBook([])
    (first,) = settled(book, [hour])
    assert [f.key for f in settled(book, [hour, day], first)] == [day.key]


def test_a_finding_that_an_inflow_shows_does_not_leave_its_zone() -> None:
    book = NetworkBook([])
    (first,) = settled(book, [UNSEEN_BY_DAY], FLOW)
    assert [f.key for f in settled(book, [UNSEEN_BY_DAY, FAR], first)] == [FAR.key]
    book = NetworkBook([])
    (first,) = settled(book, [UNSEEN_BY_DAY], FLOW)
    near = replace(FAR, near_zones=frozenset({"plateau", "oued"}))
    (then,) = settled(book, [UNSEEN_BY_DAY, near], first)
    assert (then.key, then.zone, then.places) == (FLOW.key, "oued", FAR.places)


def test_a_leak_that_ended_by_itself_and_is_back_is_the_same_finding() -> None:
    book = NetworkBook([])
    (found,) = settled(book, [LEAK])
    (over,) = settled(book, [replace(LEAK, ended_at=SINCE + timedelta(days=2))], found)
    assert (over.open, over.notes) == (False, (OVER_PRESSURE,))
    book.over(over)
    assert settled(book, [replace(LEAK, ended_at=SINCE + timedelta(days=2))]) == []
    (back,) = settled(book, [replace(LEAK, flow_m3h=9.0)])
    assert (back.key, back.open, back.notes, back.found_at, back.flow_m3h) == (found.key, True, (), found.found_at, 9.0)
    assert settled(book, [replace(LEAK, flow_m3h=9.0)], back) == []
    (again,) = settled(book, [replace(LEAK, ended_at=SINCE + timedelta(days=9))], back)
    assert not again.open


def test_what_was_set_aside_while_the_layer_held_it_is_not_opened_again_by_it() -> None:
    book, leak = NetworkBook([]), replace(LEAK, followed=False)
    (found,) = settled(book, [leak])
    later = replace(SPAN, until=SINCE + timedelta(days=40))
    (over,) = book.settle([leak], {found.key: found}, nothing, later)
    assert OVER_UNSEEN in over.notes
    book.over(over)
    assert book.settle([leak], {}, nothing, later) == []


def test_what_the_inflow_has_opened_again_stays_the_inflows() -> None:
    book = NetworkBook([])
    (found,) = settled(book, [LEAK])
    (over,) = settled(book, [replace(LEAK, ended_at=SINCE + timedelta(days=2))], found)
    book.over(over)
    opened = reopened(over, SEEN_AGAIN)
    assert settled(book, [LEAK], opened) == []
