"""Which finding is which leak: by onset, by the balance's book, never two findings for one entry."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.findings import Finding, FindingKind
from leak_detection.detection import BookedLeak, Detection
from leak_detection.zone_claims import BALANCE, STEP, claims, nearest, not_told_apart, owner

DAY = 86400.0


def finding(day: float, flow: float = 4.0, *, detector: str = BALANCE, is_open: bool = True) -> Finding:
    since = datetime.fromtimestamp(day * DAY, UTC)
    return Finding(
        key=f"leak:z:{day}", kind=FindingKind.BURST, zone="z", detector=detector, since=since, found_at=since, flow_m3h=flow,
        flow_error_m3h=0.5, confidence=0.9, open=is_open,
    )  # fmt: skip


def entry(day: float, flow: float = 4.0) -> BookedLeak:
    return BookedLeak(since_s=day * DAY, found_s=(day + 2) * DAY, flow_m3h=flow)


def seen(day: float, *, by: str = STEP, kind: FindingKind = FindingKind.BURST, of: BookedLeak | None = None) -> Detection:
    return Detection(
        detector=by, kind=kind, since_s=day * DAY, flow_m3h=4.0, flow_error_m3h=0.5, confidence=0.9, evidence=(), booked=of
    )


def test_each_finding_claims_the_entry_of_its_onset() -> None:
    old, new = finding(100), finding(106)
    assert claims([old, new], [entry(106.4), entry(99.2)]) == {old.key: entry(99.2), new.key: entry(106.4)}
    assert claims([old, new], [entry(106.4)]) == {new.key: entry(106.4)}


def test_an_entry_weeks_away_is_claimed_where_it_is_of_like_size_alone() -> None:
    assert claims([finding(100, 4.0)], [entry(110, 5.0)])
    assert claims([finding(100, 4.0)], [entry(110, 40.0)]) == {}
    assert claims([finding(100, 4.0)], [entry(122, 4.0)]) == {}


def test_what_a_book_made_anew_dates_otherwise_is_not_over() -> None:
    old, new = finding(100, 4.0), finding(130, 4.0)
    book = [entry(130), entry(60)]
    claimed = claims([old, new], book)
    assert set(claimed) == {new.key}
    assert not_told_apart(claimed, [old, new], book) == {old.key}
    assert not_told_apart(claimed, [old, new], book[:1]) == frozenset()


@given(
    st.lists(st.floats(0, 60), max_size=5, unique=True),
    st.lists(st.tuples(st.floats(0, 60), st.floats(0.1, 30)), max_size=5, unique_by=lambda pair: pair[0]),
)
def test_no_entry_is_claimed_twice(days: list[float], book: list[tuple[float, float]]) -> None:
    claimed = claims([finding(d) for d in days], [entry(*b) for b in book])
    entries = [e.found_s for e in claimed.values()]
    assert len(set(entries)) == len(entries)


@pytest.mark.parametrize(("later", "another"), [(0.1, False), (0.9, False), (1.2, True), (30, True)])
def test_a_step_a_day_after_every_onset_is_another_leak(later: float, another: bool) -> None:
    leaks = [finding(90, detector=STEP), finding(100, detector=STEP)]
    assert (owner(leaks, seen(100 + later)) is None) is another


def test_a_step_while_one_has_just_closed_and_a_night_are_of_what_is_there() -> None:
    assert owner([finding(100, is_open=False)], seen(104)) is not None
    old, new = finding(100), finding(106)
    night = owner([old, new], seen(105, by="night_flow"))
    assert night is new
    assert owner([], seen(105)) is None


def test_what_the_balance_books_beside_a_leak_it_knows_is_another() -> None:
    old = finding(100)
    assert owner([old], seen(103, by=BALANCE, of=entry(103)), [entry(100), entry(103)]) is None
    assert owner([old], seen(104, by=BALANCE, of=entry(104, 40.0)), [entry(104, 40.0)]) is None
    late = finding(102, detector=STEP)
    assert owner([old, late], seen(103, by=BALANCE, of=entry(103)), [entry(100), entry(103)]) is late


def test_slow_growth_is_of_the_leak_that_grows() -> None:
    old, new = finding(100), finding(106)
    slow = FindingKind.CREEPING
    assert owner([old, new], seen(120, by=BALANCE, kind=slow, of=entry(106)), [entry(100), entry(106)]) is new
    assert owner([old], seen(160, by=BALANCE, kind=slow, of=entry(160)), [entry(160)]) is old


def test_a_fall_is_of_the_leak_nearest_to_it() -> None:
    leaks = [finding(100, 9.0), finding(106, 3.0)]
    assert nearest(leaks, 4.0) is leaks[1]
    assert nearest(leaks, 11.0) is leaks[0]
