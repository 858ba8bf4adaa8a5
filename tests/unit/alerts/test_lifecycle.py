"""The life of an alert: a closed table, random lives, clear refusals."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.lifecycle import (
    TABLE,
    URGENCY,
    Acknowledged,
    Event,
    ImpossibleTransition,
    Raised,
    Returned,
    Shelved,
    Unshelved,
    Worsened,
    apply,
    is_shelf_over,
    possible,
)
from domain.alerts import Alert, AlertState, Priority

START = datetime(2026, 5, 3, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
NEW = Alert(
    key="leak:medina:1",
    code="leak.burst",
    zone="medina",
    priority=Priority.LOW,
    state=AlertState.UNACKNOWLEDGED,
    raised_at=START,
    updated_at=START,
)
SHELF = Shelved(until=START + HOUR, reason="crew is on its way")
EVENTS: list[Event] = [Raised(), Returned(), Acknowledged(), SHELF, Unshelved(), Worsened(priority=Priority.HIGH)]
LIVES = st.lists(
    st.one_of(
        st.sampled_from([Raised(), Returned(), Acknowledged(), Unshelved()]),
        st.integers(-60, 15 * 60).map(lambda m: Shelved(until=START + timedelta(minutes=m), reason="works")),
        st.sampled_from(Priority).map(lambda p: Worsened(priority=p)),
    ),
    max_size=30,
)


@pytest.mark.parametrize(("state", "event"), list(itertools.product(AlertState, EVENTS)))
def test_every_event_in_every_state_does_what_the_table_says_or_is_refused(state: AlertState, event: Event) -> None:
    before = replace(NEW, state=state)
    if possible(state, type(event)):
        assert apply(before, event, START, "amina").state is TABLE[(state, type(event))]
    else:
        with pytest.raises(ImpossibleTransition, match=f"leak:medina:1 is {state.value}: it cannot be"):
            apply(before, event, START, "amina")


@given(LIVES)
def test_whatever_happens_an_alert_is_consistent_and_none_is_lost_unseen(events: list[Event]) -> None:
    alert = NEW
    for minute, event in enumerate(events):
        at, before = START + timedelta(minutes=minute), alert
        try:
            alert = apply(alert, event, at, "amina")
        except ImpossibleTransition:
            continue
        assert (alert.state is AlertState.SHELVED) == (alert.shelved_until is not None) == (alert.shelved_reason is not None)
        if alert.state is AlertState.ACKNOWLEDGED:
            assert alert.acknowledged_by == "amina"
        if alert.state is AlertState.NORMAL:  # closed only after a person has done something about it
            assert before.state in (AlertState.ACKNOWLEDGED, AlertState.SHELVED, AlertState.RETURNED_UNACKNOWLEDGED)
            assert before.state is not AlertState.RETURNED_UNACKNOWLEDGED or isinstance(event, Acknowledged)
        if alert.shelved_until is not None and before.shelved_until is None:
            assert at < alert.shelved_until <= at + 12 * HOUR
        assert URGENCY[alert.priority] >= URGENCY[before.priority]
        assert alert.updated_at >= before.updated_at
        assert (alert.key, alert.code, alert.zone) == (NEW.key, NEW.code, NEW.zone)


@pytest.mark.parametrize(
    ("until", "reason", "words"),
    [
        (START + HOUR, "  ", "without a reason"),
        (START, "works", "within 12 h"),
        (START + 12 * HOUR + timedelta(seconds=1), "works", "within 12 h"),
        (datetime(2026, 5, 3, 3, 0), "works", "within 12 h"),
    ],
)
def test_a_shelf_needs_a_reason_and_a_near_end(until: datetime, reason: str, words: str) -> None:
    with pytest.raises(ImpossibleTransition, match=words):
        apply(NEW, Shelved(until=until, reason=reason), START, "amina")


def test_at_its_end_a_shelved_alert_alarms_again() -> None:
    shelved = apply(NEW, SHELF, START, "amina")
    assert not is_shelf_over(shelved, START + HOUR - timedelta(seconds=1))
    assert is_shelf_over(shelved, START + HOUR)
    assert apply(shelved, Unshelved(), START + HOUR, "system").state is AlertState.UNACKNOWLEDGED
    assert not is_shelf_over(NEW, START + HOUR)


def test_what_gets_worse_must_be_looked_at_again() -> None:
    seen = apply(NEW, Acknowledged(), START, "amina")
    worse = apply(seen, Worsened(priority=Priority.HIGH), START, "system")
    assert (worse.state, worse.priority, worse.acknowledged_by) == (AlertState.UNACKNOWLEDGED, Priority.HIGH, None)
    with pytest.raises(ImpossibleTransition, match="is not worse"):
        apply(worse, Worsened(priority=Priority.MEDIUM), START, "system")
