"""The life of an alarm: a closed table, random lives, clear refusals."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.definitions import COMMAND_SUSPECT, DEFINITIONS, LONGEST_SHELF
from alerts.lifecycle import (
    TABLE,
    URGENCY,
    Acknowledged,
    ByCode,
    ByCondition,
    Event,
    Explained,
    ImpossibleTransition,
    PutBack,
    Raised,
    Reset,
    Returned,
    Shelved,
    Suppressed,
    TakenOut,
    Unshelved,
    Unsuppressed,
    Worsened,
    apply,
    is_shelf_over,
    possible,
)
from domain.alerts import LISTED, UNSEEN, WITHHELD, Alert, AlertState, Priority

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
PLAIN: list[Event] = [Raised(), Returned(), Acknowledged(), Reset(), Unshelved(), Unsuppressed(), PutBack(), Explained()]
ASIDE: list[Event] = [Suppressed(reason="works", parent="leak:up"), TakenOut(until=START + HOUR, reason="sensor is out")]
EVENTS: list[Event] = [*PLAIN, *ASIDE, SHELF, Worsened(priority=Priority.HIGH)]
LIVES = st.lists(
    st.one_of(
        st.sampled_from([*PLAIN, *ASIDE]),
        st.integers(-60, 15 * 60).map(lambda m: Shelved(until=START + timedelta(minutes=m), reason="works")),
        st.sampled_from(Priority).map(lambda p: Worsened(priority=p)),
    ),
    max_size=40,
)
CODES = st.sampled_from(["leak.burst", COMMAND_SUSPECT, "a code of tomorrow"])


@pytest.mark.parametrize(("state", "event"), list(itertools.product(AlertState, EVENTS)))
@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize("code", ["leak.burst", COMMAND_SUSPECT])
def test_every_event_in_every_state_does_what_the_table_says_or_is_refused(
    state: AlertState, event: Event, active: bool, code: str
) -> None:
    before = replace(NEW, state=state, active=active, code=code)
    if not possible(state, type(event)):
        with pytest.raises(ImpossibleTransition, match=f"leak:medina:1 is {state.value}: it cannot be"):
            apply(before, event, START, "amina")
        return
    match TABLE[(state, type(event))]:
        case ByCondition(there=there, over=over):
            expected = there if active else over
        case ByCode(plain=plain, latching=latching):
            expected = latching if code == COMMAND_SUSPECT else plain
        case AlertState() as expected:
            pass
    assert apply(before, event, START, "amina").state is expected


def test_every_state_can_be_reached_and_left() -> None:
    reached = set()
    for target in TABLE.values():
        match target:
            case ByCondition(there=one, over=other) | ByCode(plain=one, latching=other):
                reached |= {one, other}
            case _:
                reached.add(target)
    assert reached == set(AlertState)
    assert {state for (state, _), target in TABLE.items() if target is not state} == set(AlertState)
    assert (LISTED | WITHHELD | {AlertState.NORMAL}, LISTED & WITHHELD) == (set(AlertState), set())


@given(LIVES, CODES)
def test_whatever_happens_an_alarm_is_consistent_and_none_is_lost_unseen(events: list[Event], code: str) -> None:
    alert = replace(NEW, code=code)
    for minute, event in enumerate(events):
        at, before = START + timedelta(minutes=minute), alert
        try:
            alert = apply(alert, event, at, "amina")
        except ImpossibleTransition:
            assert alert is before
            continue
        assert (alert.state is AlertState.SHELVED) == (alert.shelved_until is not None) == (alert.shelved_reason is not None)
        aside = alert.state in (AlertState.SUPPRESSED, AlertState.OUT_OF_SERVICE)
        assert aside == (alert.withheld_by is not None) == (alert.withheld_reason is not None)
        # What is there is in the list or recorded as kept back; what is closed is over, and was seen or kept back by somebody.
        assert not alert.active or alert.state in {AlertState.UNACKNOWLEDGED, AlertState.ACKNOWLEDGED} | WITHHELD
        if alert.state is AlertState.NORMAL:
            assert not alert.active
            assert before.state not in UNSEEN or isinstance(event, Acknowledged)
        if alert.state in (AlertState.ACKNOWLEDGED, AlertState.LATCHED_ACKNOWLEDGED):
            assert alert.acknowledged_by == "amina"
        if alert.shelved_until is not None and before.shelved_until is None:
            assert at < alert.shelved_until <= at + LONGEST_SHELF[alert.priority]
        if before.state in WITHHELD and alert.state not in WITHHELD:
            assert alert.state is (AlertState.UNACKNOWLEDGED if before.active else AlertState.NORMAL)
        assert URGENCY[alert.priority] >= URGENCY[before.priority]
        assert alert.updated_at >= before.updated_at
        assert (alert.key, alert.code, alert.zone) == (NEW.key, code, NEW.zone)


@given(LIVES, CODES)
def test_from_wherever_a_life_has_led_people_can_close_it_once_it_is_over(events: list[Event], code: str) -> None:
    alert = replace(NEW, code=code)
    for event in [*events, Returned(), Unshelved(), Unsuppressed(), PutBack(), Acknowledged(), Reset()]:
        if possible(alert.state, type(event)) and not isinstance(event, Shelved | Worsened):
            alert = apply(alert, event, START, "amina")
    assert alert.state is AlertState.NORMAL


@pytest.mark.parametrize(
    ("priority", "until", "reason", "words"),
    [
        (Priority.LOW, START + HOUR, "  ", "without a reason"),
        (Priority.LOW, START, "works", "within 12 h"),
        (Priority.LOW, START + 12 * HOUR + timedelta(seconds=1), "works", "within 12 h"),
        (Priority.MEDIUM, START + 8 * HOUR + timedelta(seconds=1), "works", "medium priority .* within 8 h"),
        (Priority.HIGH, START + 2 * HOUR + timedelta(seconds=1), "works", "high priority .* within 2 h"),
        (Priority.LOW, datetime(2026, 5, 3, 3, 0), "works", "within 12 h"),
    ],
)
def test_a_shelf_needs_a_reason_and_an_end_that_is_near_by_its_urgency(
    priority: Priority, until: datetime, reason: str, words: str
) -> None:
    with pytest.raises(ImpossibleTransition, match=words):
        apply(replace(NEW, priority=priority), Shelved(until=until, reason=reason), START, "amina")


def test_what_worsens_on_the_shelf_stays_there_no_longer_than_its_new_urgency_allows() -> None:
    shelved = apply(NEW, Shelved(until=START + 12 * HOUR, reason="works"), START, "amina")
    worse = apply(shelved, Worsened(priority=Priority.HIGH), START + HOUR, "system")
    assert (worse.state, worse.shelved_until) == (AlertState.SHELVED, START + 3 * HOUR)


def test_at_its_end_a_shelved_alarm_alarms_again_if_its_condition_is_there() -> None:
    shelved = apply(NEW, SHELF, START, "amina")
    assert not is_shelf_over(shelved, START + HOUR - timedelta(seconds=1))
    assert is_shelf_over(shelved, START + HOUR)
    assert apply(shelved, Unshelved(), START + HOUR, "system").state is AlertState.UNACKNOWLEDGED
    over = apply(shelved, Returned(), START, "system")
    assert over.state is AlertState.SHELVED, "a nuisance that comes and goes stays on the shelf"
    assert apply(over, Unshelved(), START + HOUR, "system").state is AlertState.NORMAL
    assert not is_shelf_over(NEW, START + HOUR)


def test_an_alarm_that_latches_stays_until_somebody_resets_it() -> None:
    alert = replace(NEW, code=COMMAND_SUSPECT)
    for event, state in (
        (Returned(), AlertState.LATCHED_UNACKNOWLEDGED),
        (Acknowledged(), AlertState.LATCHED_ACKNOWLEDGED),
        (Raised(), AlertState.UNACKNOWLEDGED),
        (Acknowledged(), AlertState.ACKNOWLEDGED),
        (Returned(), AlertState.LATCHED_ACKNOWLEDGED),
        (Reset(), AlertState.NORMAL),
    ):
        alert = apply(alert, event, START, "amina")
        assert alert.state is state


def test_a_child_that_is_closed_stays_its_parents_child() -> None:
    child = apply(NEW, Suppressed(reason="accounted for", parent="leak:up"), START, "system")
    closed = apply(apply(child, Returned(), START, "system"), Unsuppressed(), START, "system")
    assert (closed.state, closed.parent) == (AlertState.NORMAL, "leak:up")
    assert apply(child, Unsuppressed(), START, "system").parent is None


def test_what_gets_worse_or_is_explained_must_be_looked_at_again() -> None:
    seen = apply(NEW, Acknowledged(), START, "amina")
    worse = apply(seen, Worsened(priority=Priority.HIGH), START, "system")
    assert (worse.state, worse.priority, worse.acknowledged_by) == (AlertState.UNACKNOWLEDGED, Priority.HIGH, None)
    with pytest.raises(ImpossibleTransition, match="is not worse"):
        apply(worse, Worsened(priority=Priority.MEDIUM), START, "system")
    explained = apply(seen, Explained(), START, "system")
    assert (explained.state, explained.acknowledged_by) == (AlertState.UNACKNOWLEDGED, None)


def test_every_alarm_has_a_time_to_respond() -> None:
    assert all(d.respond_within > timedelta(0) for d in DEFINITIONS.values())
