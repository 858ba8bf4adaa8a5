import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from simulator.town import STEP_S, STRIDE_S, steps_due

START = datetime(2026, 11, 17, 1, 0, tzinfo=UTC)


def test_steps_are_whole_minutes_and_never_past_now():
    now = START + timedelta(minutes=2, seconds=59)
    assert list(steps_due(START, now)) == [START + timedelta(minutes=1), START + timedelta(minutes=2)]
    assert list(steps_due(START, START + timedelta(seconds=59))) == []
    assert list(steps_due(START, START - timedelta(hours=1))) == []


def test_far_behind_it_takes_strides_and_ends_with_minutes():
    found = list(steps_due(START + timedelta(minutes=2), START + timedelta(minutes=31, seconds=5)))
    assert found[:2] == [START + timedelta(minutes=5), START + timedelta(minutes=10)]
    assert found[-1] == START + timedelta(minutes=31)
    assert found[-1] - found[-2] == timedelta(minutes=1)


@given(seconds=st.integers(0, 86_400), offset=st.integers(0, 3600))
def test_steps_grow_are_not_too_long_and_reach_the_last_minute(seconds: int, offset: int):
    last, now = START + timedelta(seconds=offset), START + timedelta(seconds=offset + seconds)
    found = [last, *steps_due(last, now)]
    lengths = [(b - a).total_seconds() for a, b in itertools.pairwise(found)]
    assert all(0 < length <= STRIDE_S for length in lengths)
    assert found[-1] <= now or found == [last]
    assert (now - found[-1]).total_seconds() < STEP_S
