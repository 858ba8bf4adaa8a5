"""What no hour shows is told by the parts of the day, a house left with its leak by its stillness."""

from __future__ import annotations

import numpy as np
import pytest

from leak_detection.customer_flows import Look, lasting_flows
from leak_detection.customer_leaks import find_customer_leaks
from leak_detection.customer_memory import CustomerMemory
from leak_detection.customer_settings import LENGTHS, SLOTS, WINDOW_H, CustomerSettings

DAYS, START = 60, 40 * 24
HOURS = DAYS * 24
CLOCK = np.arange(HOURS) % 24


def _by_pulses(use, pulse=10.0):
    """Hourly differences of a register that counts by so many litres."""
    return np.diff(np.floor(np.concatenate(([0.0], np.cumsum(use))) / pulse) * pulse)


def _lively(seed, night=0.5):
    """A house that hardly rests, half as busy at night."""
    return np.random.default_rng(seed).gamma(6.0, 8.0, HOURS) * np.where(CLOCK < 6, night, 1.0)


def _home(seed, night=0.12, often=2.1):
    rng = np.random.default_rng(seed)
    events = rng.poisson(often * np.where((CLOCK > 5) & (CLOCK < 23), 1.3, night))
    return np.where(events > 0, rng.gamma(2.2 * np.maximum(events, 1), 3.0), 0.0)


def _told(*meters):
    return find_customer_leaks(np.stack(meters, axis=1), tuple(f"m{k}" for k in range(len(meters))))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_leak_behind_a_lively_house_is_told_by_the_parts_of_the_day(seed):
    use = _lively(seed)
    assert _told(_by_pulses(use)) == ()
    use[START:] += 40.0
    (leak,) = _told(_by_pulses(use))
    assert START + 84 <= leak.found_h <= START + 168
    assert 20.0 <= leak.flow_l_h <= 60.0


@pytest.mark.parametrize("seed", [1, 2])
def test_parts_that_are_all_but_equal_tell_it_after_four_days(seed):
    use = _lively(seed)
    use[START : START + 104] += 40.0
    (leak,) = _told(_by_pulses(use))
    assert START + 84 <= leak.found_h <= START + 104


def test_by_day_alone_or_more_by_day_than_by_night_is_no_leak():
    by_day, cooling = _lively(1), _lively(2)
    by_day[START:] += np.where(CLOCK >= 6, 40.0, 0.0)[START:]
    cooling[START:] += 40.0 * (1.6 + 0.9 * np.cos(2 * np.pi * (CLOCK - 15) / 24))[START:]
    assert _told(_by_pulses(by_day), _by_pulses(cooling)) == ()


def test_a_house_that_is_left_with_its_leak_is_told_though_it_uses_less_than_before():
    use = np.floor(_home(4)) + np.where((CLOCK >= 12) & (CLOCK < 18), 300.0, 0.0)  # a garden that nobody waters any more
    use[START:] = 12.0 + (np.arange(HOURS - START) % 3 == 0)
    (leak,) = _told(use)
    assert leak.found_h <= START + 126
    assert leak.flow_l_h == pytest.approx(12.0)


@pytest.mark.parametrize("seed", [1, 3])
def test_a_leak_that_widens_behind_a_home_that_is_up_at_night_is_told_by_its_days(seed):
    """Too few hours stand at its floor, and no two days have one."""
    use = _home(seed, night=0.8)
    use[START:] += 3.0 * np.arange(HOURS - START) / 24
    (leak, *_) = _told(np.floor(use))
    assert START + 96 <= leak.found_h <= START + 132
    assert 11.0 <= leak.flow_l_h <= 16.5


@pytest.mark.parametrize(("times", "told"), [(1.0, True), (2.6, False), (0.5, False)])
def test_each_part_of_the_day_rises_by_what_widens_and_not_by_many_times_that(times, told):
    """Floors of 4, 6, 9, 13, 17 L/h; cooling that warms up rises by more than the least hour of its days does."""
    memory = CustomerMemory(1)
    for _ in range(SLOTS):
        memory.add(np.zeros((1, len(LENGTHS))), np.full((1, 2), 80.0), np.full(1, 30.0))
    floors = np.array([4.0, 6.0, 9.0, 13.0, 17.0])
    floor = np.repeat(floors, 24)
    busy = (6 * (30.0 + times * floor) - floor) / 5  # so that each six hours have their mean
    values = np.where(np.arange(WINDOW_H) % 6 == 3, floor, busy)[None]
    look = Look(
        values_l_h=values, pulse_l=np.ones(1), days_l_h=floors[None, ::-1], lasting_l_h=np.array([[13.0, 9.0, 4.0]]),
        town=np.ones(4),
    )  # fmt: skip
    found = lasting_flows(look, memory, CustomerSettings(), np.ones(1, dtype=np.bool_))
    assert bool(found.told[0]) is told
    if told:
        assert (found.flow_l_h[0], found.level_l_h[0]) == (17.0, 0.0)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_drip_behind_a_register_of_ten_litres_is_told_where_no_gap_is_as_long_as_every_day_had(seed):
    use = _home(seed, night=0.02, often=0.7)
    assert _told(_by_pulses(use)) == ()
    use[START:] += 3.0
    (leak,) = _told(_by_pulses(use))
    assert START + 96 <= leak.found_h <= START + 168
    assert 1.0 <= leak.flow_l_h <= 3.0


def test_gaps_as_short_as_in_two_days_before_are_no_drip():
    use = _home(1, night=0.02, often=0.7)
    use[START - 15 * 24 :][:60] += 4.0
    use[START:] += 3.0
    assert _told(_by_pulses(use)) == ()


def test_what_stands_at_the_first_reading_is_nobodys_news_and_what_begins_soon_after_is():
    standing, begins = np.floor(_home(5)) + 20.0, np.floor(_home(6))
    begins[6 * 24 :] += 20.0
    (leak,) = _told(standing, begins)
    assert leak.meter == "m1"
    assert leak.found_h <= 12 * 24


def test_a_leak_beside_what_stood_from_the_first_reading_on_is_told():
    """A school whose urinals rinse by the clock, and a pipe that bursts later."""
    use = np.floor(_home(7)) + 20.0
    use[START:] += 25.0
    (leak,) = _told(use)
    assert START < leak.found_h <= START + 130
    assert leak.flow_l_h == pytest.approx(25.0, abs=3.0)


@pytest.mark.parametrize(("town", "told"), [(1.0, True), (2.0, False)])
def test_what_others_use_more_in_these_days_must_be_gone_beyond(town, told):
    """A floor of 5 L/h that is one of 12 now, in a month in which a town uses twice as much."""
    memory = CustomerMemory(1)
    for _ in range(SLOTS):
        memory.add(np.full((1, len(LENGTHS)), 5.0), np.full((1, 2), 80.0), np.full(1, 30.0))
    values = np.where(np.arange(WINDOW_H) % 2 == 0, 12.0, 62.0)[None]
    look = Look(
        values_l_h=values, pulse_l=np.ones(1), days_l_h=np.full((1, 5), 12.0), lasting_l_h=np.full((1, len(LENGTHS)), 12.0),
        town=np.full(4, town),
    )  # fmt: skip
    found = lasting_flows(look, memory, CustomerSettings(), np.ones(1, dtype=np.bool_))
    assert bool(found.told[0]) is told
    if told:
        assert (found.flow_l_h[0], found.level_l_h[0]) == (7.0, 5.0)
    assert not lasting_flows(look, memory, CustomerSettings(), np.zeros(1, dtype=np.bool_)).told.any()


def test_one_value_that_odd_hours_interrupt_is_a_leak_by_a_register_of_large_pulses():
    """10.4 L/h behind an empty house and a register of 10 L: 10, 10, … 10, 20, 10, …"""
    use = _home(8)
    use[START - 100 :] = 0.0
    use[START:] += 10.4
    (leak,) = _told(_by_pulses(use))
    assert leak.found_h <= START + 168
