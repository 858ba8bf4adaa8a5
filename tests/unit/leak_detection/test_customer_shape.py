"""A leak shows in every part of the day by one amount; lively nights and cooling do not, and growth is brought up to now."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leak_detection.customer_shape import PARTS, brought_up, part_mean, risen_alike, rises, shown_all_day, used_more

DAYS, LASTED_H = 28, 120
CLOCK = np.arange(24 * DAYS) % 24


def _flats(hours, seed=1):
    """A house that is never quite still, half as busy at night."""
    return np.random.default_rng(seed).gamma(20.0, 5.0, hours) * np.where(np.arange(hours) % 24 < 6, 0.5, 1.0)


def _rises(more, newest=1, seed=1, town=1.0):
    """Of the parts of the day, where so much runs beside the use of these flats."""
    before = _flats(24 * DAYS, seed).reshape(-1, 6)
    window = _flats(LASTED_H, seed + 50) + more
    past = part_mean(before)[None].astype(np.float32)[:, : before.shape[0] - newest]
    return rises(window[None], past, newest, np.full(PARTS, town))


def _shown(more, flow, newest=1, seed=1, plain=False):
    """Whether what runs beside the use of these flats is a leak's of ``flow``."""
    return bool(shown_all_day(_rises(more, newest, seed), np.array([flow]), np.array([1.2]), np.array([plain]))[0])


def _alike(more, flow, most=1.5, **of):
    return bool(risen_alike(_rises(more, **of), np.array([flow]), np.array([1.2]), most)[0])


HOUR = np.arange(LASTED_H) % 24
SHAPES = {
    "a leak": (np.full(LASTED_H, 60.0), True),
    "nights of a month of fasting": (np.where(HOUR < 6, 60.0, 0.0), False),
    "an afternoon's use": (np.where((HOUR >= 12) & (HOUR < 18), 60.0, 0.0), False),
    "all day but in the afternoon": (np.where((HOUR >= 12) & (HOUR < 18), 0.0, 60.0), False),
    "cooling": (60.0 * (1.6 + 0.6 * np.cos(2 * np.pi * (HOUR - 15) / 24)), False),
    "a leak and one busy part of the day": (60.0 + np.where(HOUR >= 18, 20.0, 0.0), True),
}


@pytest.mark.parametrize("what", SHAPES)
def test_a_leak_shows_in_every_part_of_the_day_by_one_amount(what):
    more, is_leak = SHAPES[what]
    assert _shown(more, 60.0) is is_leak


@pytest.mark.parametrize("newest", [1, 2, 3, 4, 5, 29])
def test_a_part_is_compared_with_the_same_hours_of_the_days_before(newest):
    """Wherever the past ends: half of what runs by day is no leak by night."""
    assert _shown(60.0, 60.0, newest)
    assert not _shown(np.where(HOUR < 6, 60.0, 0.0), 60.0, newest)


def test_an_unknown_past_and_an_unknown_part_contradict_nothing():
    window, one = np.full((1, LASTED_H), 60.0), np.array([60.0])
    unknown, known = np.full((1, 112), np.nan, dtype=np.float32), np.ones((1, 112), dtype=np.float32)
    for found in (rises(window, unknown, 1, np.ones(PARTS)), rises(window * np.nan, known, 1, np.ones(PARTS))):
        assert shown_all_day(found, one, one / 50).all()
        assert not risen_alike(found, one, one / 50, 1.5).any()
    assert np.isnan(part_mean(np.array([[1.0, np.nan, np.nan, 1.0, np.nan, 1.0]]))).all()


def test_days_may_rise_by_more_where_the_floor_is_plain_but_none_by_less():
    """People came home to their leak."""
    assert not _shown(60.0 + np.where(HOUR >= 6, 90.0, 0.0), 60.0)
    assert _shown(60.0 + np.where(HOUR >= 6, 90.0, 0.0), 60.0, plain=True)
    assert not _shown(np.where(HOUR >= 6, 60.0, 0.0), 60.0, plain=True)


@pytest.mark.parametrize("what", SHAPES)
def test_parts_that_rise_alike_are_a_leak_though_no_hour_shows_it(what):
    more, is_leak = SHAPES[what]
    assert _alike(more, 60.0) is is_leak


def test_a_rise_of_the_parts_counts_above_what_others_use_more_and_above_the_swings_of_use():
    assert _alike(60.0, 60.0)
    assert not _alike(60.0, 60.0, town=1.5)
    assert not _alike(np.where(HOUR < 6, 25.0, 60.0), 60.0)  # by night less than half of it
    assert not _alike(60.0, 30.0)  # use that rose by twice what does not stop
    assert not _alike(60.0 + np.where(HOUR >= 6, 30.0, 0.0), 60.0, most=1.1)
    assert _alike(60.0 + np.where(HOUR >= 6, 30.0, 0.0), 60.0, most=1.6)


@pytest.mark.parametrize(("flow", "told"), [(7.0, False), (12.0, True)])
def test_less_than_a_tenth_of_the_use_before_is_within_its_swings(flow, told):
    found = rises(np.full((1, LASTED_H), 100.0 + flow), np.full((1, 4 * DAYS), 100.0, dtype=np.float32), 1, np.ones(PARTS))
    assert bool(risen_alike(found, np.array([flow]), np.array([1.2]), 1.5)[0]) is told


def _town(meters, night):
    """Hours and looks before of homes, whose nights are so many times as lively as they were."""
    use = np.random.default_rng(5).gamma(4.0, 4.0, (meters, 24 * DAYS + LASTED_H))
    use[:, -LASTED_H:] *= np.where(HOUR < 6, night, 1.0)
    before = use[:, : 24 * DAYS].reshape(meters, -1, 6)
    past = np.stack([part_mean(before[:, k]) for k in range(before.shape[1])], axis=1).astype(np.float32)
    return use[:, -LASTED_H:], past


def _more(meters, night):
    values, past = _town(meters, night)
    return used_more(values, past, 1)


def test_what_a_whole_town_uses_more_is_known_by_the_part_of_the_day():
    nights = _more(60, 2.0)
    assert nights[3] == pytest.approx(2.0, rel=0.05)  # the newest part is the evening
    assert nights[:3] == pytest.approx(1.0, abs=0.05)
    assert (_more(60, 0.5) >= 1.0).all()


def test_few_meters_and_a_leak_at_a_few_of_many_are_no_town():
    assert (_more(30, 2.0) == 1.0).all()
    values, past = _town(60, 1.0)
    values[:12] += 90.0
    assert used_more(values, past, 1).max() < 1.1
    assert (used_more(values, past * np.nan, 1) == 1.0).all()


@given(rate=st.floats(0.0, 40.0), first=st.floats(1.0, 50.0), odd=st.integers(0, 4))
def test_what_grows_evenly_is_flat_once_brought_up_and_one_odd_day_bends_nothing(rate, first, odd):
    leak = first + rate * np.arange(LASTED_H) / 24.0
    days = np.stack([leak[k : k + 24].min() for k in range(LASTED_H - 24, -1, -24)])[None]
    values, floors = brought_up(leak[None], days)
    assert values == pytest.approx(leak[-1])
    assert floors == pytest.approx(days[0, 0])
    days[0, odd] += 3.0
    bent, _ = brought_up(leak[None], days)
    assert bent.min() >= leak[-1] - 5.0
    assert bent.max() <= leak[-1] + 5.0


@given(st.lists(st.floats(0.0, 50.0), min_size=5, max_size=5))
def test_hours_are_never_brought_down(days):
    values = np.full((1, LASTED_H), 9.0)
    raised, floors = brought_up(values, np.array([days]))
    assert (raised >= values).all()
    assert (floors >= np.array([days])).all()
    falling, _ = brought_up(values, np.sort(np.array([days]), axis=1))
    np.testing.assert_array_equal(falling, values)


def test_a_day_that_is_not_known_gives_no_growth():
    values, days = np.full((1, 72), 5.0), np.array([[8.0, np.nan, 4.0]])
    np.testing.assert_array_equal(brought_up(values, days)[0], values)
