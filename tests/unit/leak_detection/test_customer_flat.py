"""What is flat: hours crowd at the floor and use falls back to it; how many are wanted depends on what is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from leak_detection.customer_flat import Lasting, alike, flatness, is_left_alone, least
from leak_detection.customer_settings import LENGTHS, CustomerSettings

SHORT, MIDDLE, LONG = LENGTHS
SETTINGS = CustomerSettings()


def _lasting(values, *, level=0.0, pulse=1.0, known=True, rounding=1.2):
    """Of one meter, whose floor is its least hour."""
    values = np.asarray(values, dtype=np.float64)[None]
    days = np.stack([values[:, k : k + 24].min(axis=1) for k in range(values.shape[1] - 24, -1, -24)], axis=1)
    return Lasting(
        values_l_h=values, floor_l_h=values.min(axis=1), days_l_h=days, rounding_l_h=np.array([rounding]),
        pulse_l=np.array([pulse]), level_l_h=np.array([level]), need_l_h=np.array([2.0]), known=np.array([known]),
    )  # fmt: skip


def _hours(length, floor, at_floor_h, use=90.0):
    """A day of which so many hours stand at the floor, each beside an hour of use, the others far above."""
    day = np.full(24, floor + use)
    day[np.round(np.linspace(0, 23, at_floor_h)).astype(int)] = floor
    return np.tile(day, length.hours // 24 + 1)[: length.hours]


def _flat(lasting, length, begun=True):
    return bool(flatness(lasting, length, SETTINGS, np.array([begun])).flat[0])


@pytest.mark.parametrize(("hours", "flat"), [(3, False), (7, True)])
def test_so_many_hours_a_day_stand_at_a_leaks_floor(hours, flat):
    assert _flat(_lasting(_hours(MIDDLE, 20.0, hours)), MIDDLE) is flat


@pytest.mark.parametrize(
    ("floor", "hours", "pulse", "flat"), [(9.0, 14, 1.0, True), (9.0, 9, 1.0, False), (9.0, 14, 10.0, False), (18.0, 9, 1.0, True)]
)
def test_a_small_flow_is_told_soon_where_most_hours_stand_at_it(floor, hours, pulse, flat):
    assert _flat(_lasting(_hours(SHORT, floor, hours), pulse=pulse), SHORT) is flat


def test_flow_that_sinks_to_its_floor_hour_by_hour_must_stand_there_longer():
    """A float valve closes slowly; a leak is back at its floor within the hour."""
    sinks = np.tile(np.concatenate((np.linspace(80.0, 21.0, 17), np.full(7, 20.0))), 3)
    returns = np.tile(np.concatenate((np.full(17, 80.0), np.full(7, 20.0))), 3)
    assert not _flat(_lasting(sinks, level=10.0), MIDDLE)
    assert _flat(_lasting(returns, level=10.0), MIDDLE)


def test_what_stood_at_the_first_reading_is_not_told_and_what_was_seen_to_begin_is():
    lasting = _lasting(_hours(LONG, 20.0, 9), known=False)
    assert _flat(lasting, LONG, begun=True)
    assert not _flat(lasting, LONG, begun=False)
    assert _flat(replace(lasting, known=np.array([True])), LONG, begun=False)


@pytest.mark.parametrize(("hours", "plain"), [(12, True), (7, False)])
def test_a_floor_is_plain_where_use_falls_back_to_many_hours_of_it(hours, plain):
    def found(length):
        return bool(flatness(_lasting(_hours(length, 20.0, hours)), length, SETTINGS, np.array([True])).plain[0])

    assert found(MIDDLE) is plain
    assert not found(SHORT)


@pytest.mark.parametrize(("hours", "left"), [(23, True), (12, False)])
def test_a_house_is_left_alone_where_nearly_every_hour_stands_at_the_floor(hours, left):
    assert bool(is_left_alone(_lasting(_hours(LONG, 12.0, hours)), SETTINGS)[0]) is left


def test_floors_of_days_are_compared_where_they_are_known_and_so_is_the_least_hour():
    days = np.array([[10.0, 14.0, np.nan], [10.0, 18.0, 10.0], [np.nan, np.nan, np.nan]])
    assert alike(days, 0.3, np.zeros(3)).tolist() == [True, False, True]
    assert alike(days, 0.3, np.full(3, 3.0)).tolist() == [True, True, True]
    assert least(np.array([[3.0, 2.0, np.nan, 4.0, 5.0]])) == pytest.approx([2.0])
    assert np.isnan(least(np.array([[3.0, 2.0, np.nan, np.nan, 5.0]]))).all()
