"""EEMUA 191 by hand-made histories with known answers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.performance import MOST_BARS, TEN, Performance, Verdict, measure
from domain.alerts import Alert, AlertState, Annunciation, Priority
from tests.support.alarm_town import START, at

WEEK = START + timedelta(days=7)


def told(minute: float, subject: str = "a", priority: Priority = Priority.LOW, code: str = "gateway.offline") -> Annunciation:
    return Annunciation(at=at(minute), alert=f"{code}:{subject}", code=code, zone=None, subject=subject, priority=priority)


def figure(found: Performance, code: str) -> float:
    return next(m.value for m in found.measures if m.code == code)


def verdict(found: Performance, code: str) -> Verdict:
    return next(m.verdict for m in found.measures if m.code == code)


def test_a_quiet_week() -> None:
    found = measure([told(60 * 24 * day, str(day)) for day in range(7)], (), START, WEEK)
    assert (found.total, figure(found, "per_day"), figure(found, "peak")) == (7, 1.0, 1.0)
    assert figure(found, "per_ten_minutes") == pytest.approx(7 / (7 * 144))
    assert {m.verdict for m in found.measures} == {Verdict.GOOD}
    assert found.floods == found.chattering == ()
    assert len(found.bars) == 168
    assert found.bar_span == timedelta(hours=1)


def test_rates_are_per_operator() -> None:
    alarms = [told(10 * n + k, f"s{n % 30}") for n in range(1008) for k in range(3)]
    one, three = (measure(alarms, (), START, WEEK, operators=n) for n in (1, 3))
    assert (figure(one, "per_ten_minutes"), verdict(one, "per_ten_minutes")) == (pytest.approx(3), Verdict.BAD)
    assert (figure(three, "per_ten_minutes"), verdict(three, "per_ten_minutes")) == (pytest.approx(1), Verdict.GOOD)
    assert set(three.bars) == {1}


def test_a_flood_begins_above_ten_and_ends_below_five() -> None:
    counts = [0, 11, 7, 5, 4, 12]
    alarms = [told(10 * slot + n / 2, f"s{slot}.{n}") for slot, count in enumerate(counts) for n in range(count)]
    found = measure(alarms, (), START, START + 6 * TEN)
    assert [(f.start, f.end, f.count) for f in found.floods] == [(at(10), at(40), 23), (at(50), at(60), 12)]
    assert figure(found, "flooded") == pytest.approx(4 / 6)
    assert figure(found, "peak") == 12
    assert figure(found, "busy_hours") == 1


def test_who_chatters_and_who_makes_the_most() -> None:
    alarms = [*(told(n * 14, "bad") for n in range(3)), *(told(n * 16, "slow") for n in range(3)), told(5, "once", Priority.HIGH)]
    found = measure(alarms, (), START, WEEK)
    assert [s.place for s in found.chattering] == ["bad"]
    assert [(s.place, s.count) for s in found.top] == [("bad", 3), ("slow", 3), ("once", 1)]
    assert found.priorities == {Priority.HIGH: 1 / 7, Priority.MEDIUM: 0.0, Priority.LOW: 6 / 7}


def alert(key: str, state: AlertState, hours: float, *, active: bool = True) -> Alert:
    moment = WEEK - timedelta(hours=hours)
    return Alert(
        key=key, code="x", zone=None, priority=Priority.LOW, state=state, raised_at=moment, updated_at=moment, active=active
    )  # fmt: skip


def test_standing_stale_and_kept_back() -> None:
    alerts = [
        alert("new", AlertState.UNACKNOWLEDGED, 1),
        alert("old", AlertState.ACKNOWLEDGED, 25),
        alert("over", AlertState.RETURNED_UNACKNOWLEDGED, 50, active=False),
        alert("shelf", AlertState.SHELVED, 30),
        alert("child", AlertState.SUPPRESSED, 30),
    ]
    found = measure([], alerts, START, WEEK)
    assert [a.key for a in found.standing] == ["old", "new"]
    assert [a.key for a in found.stale] == ["old"]
    assert found.withheld == {AlertState.SHELVED: 1, AlertState.SUPPRESSED: 1, AlertState.OUT_OF_SERVICE: 0}
    assert found.priorities == {}


@pytest.mark.parametrize(("hours", "operators"), [(0, 1), (-1, 1), (1, 0)])
def test_nothing_cannot_be_measured(hours: int, operators: int) -> None:
    with pytest.raises(ValueError, match="must be more than nothing"):
        measure([], [], START, START + timedelta(hours=hours), operators=operators)


@given(st.lists(st.integers(0, 60 * 24 * 7 - 1), max_size=60), st.integers(1, 60 * 24 * 92), st.integers(1, 4))
def test_whatever_the_history_the_sums_agree(minutes: list[int], span_min: int, operators: int) -> None:
    alarms = [told(m, str(m % 5)) for m in minutes]
    end = at(span_min)
    found = measure(alarms, (), START, end, operators=operators)
    assert found.total == sum(m < span_min for m in minutes)
    assert sum(s.count for s in found.top) == found.total
    assert len(found.bars) <= MOST_BARS
    assert max(found.bars) == -(-max(found.bars) * operators // operators)
    assert not found.total or sum(found.priorities.values()) == pytest.approx(1)
    assert all(START <= f.start < f.end <= end for f in found.floods)
