"""What is remembered of meters: a state goes on where it stopped, a leak is no habit, what others use more counts as used."""

from __future__ import annotations

import numpy as np
import pytest

from leak_detection.customer_memory import LASTED, NUMBERS, PART, CustomerMemory
from leak_detection.customer_settings import LENGTHS, RECENT_DAYS, SLOTS, TICK_H, CustomerSettings

FINE = np.ones(2)
DAY = 24 // TICK_H


def _memory(looks=SLOTS, lasted=5.0, meters=2):
    memory = CustomerMemory(meters)
    for _ in range(looks):
        memory.add(np.full((meters, len(LENGTHS)), lasted), np.full((meters, 2), 80.0), np.full(meters, 30.0))
    return memory


def _before(memory, k=2, pulse=FINE, town=1.0):
    return memory.lasted_before(k, LENGTHS[k], pulse, CustomerSettings(), town)


def test_a_state_goes_on_where_it_stopped_and_is_of_so_many_meters():
    memory = _memory(20)
    memory.take(np.array([True, False]), np.full(2, 40.0), np.full(2, 5.0), sudden=True)
    again = CustomerMemory(2, memory.packed())
    np.testing.assert_array_equal(again.past, memory.past)
    assert again.open_l_h.tolist() == [40.0, 0.0]
    assert again.level_l_h.tolist() == [5.0, 0.0]
    assert again.sudden.tolist() == [True, False]
    assert CustomerMemory.understands(memory.packed(), 2)
    assert not CustomerMemory.understands(memory.packed(), 3)
    with pytest.raises(ValueError, match="for 3 meters"):
        CustomerMemory(3, memory.packed())


def test_what_a_leak_lets_run_is_no_habit_of_the_customer_until_it_is_over():
    memory = _memory(20)
    memory.take(np.array([True, False]), np.full(2, 40.0), np.full(2, 5.0), sudden=False)
    memory.add(np.full((2, 3), 45.0), np.full((2, 2), 90.0), np.full(2, 70.0))
    assert np.isnan(memory.past[0, LASTED, -1]).all()
    assert np.isnan(memory.past[0, PART, -1])
    assert memory.past[1, :, -1].tolist() == [45.0, 45.0, 45.0, 90.0, 90.0, 70.0]
    memory.close(np.array([True, False]))
    assert memory.open_l_h.tolist() == [0.0, 0.0]
    assert memory.past.shape == (2, NUMBERS, SLOTS)


def test_a_leak_must_reach_more_where_the_past_swings_is_young_or_is_counted_coarsely():
    level, need, known = _before(_memory())
    assert (level.tolist(), known.tolist()) == ([5.0, 5.0], [True, True])
    assert need == pytest.approx([7.0, 7.0])
    assert (_before(_memory(), pulse=np.full(2, 10.0))[1] == 10.0).all()
    young = _before(_memory(70))
    assert (young[1] > need).all()
    assert young[2].all()
    assert not _before(_memory(39))[2].any()
    swings = _memory()
    swings.past[:, 2, 40] = 9.0
    assert (_before(swings)[1] > need + 4.0).all()


def test_the_newest_days_are_no_past_but_of_a_young_record():
    for looks, level in ((SLOTS, 5.0), (45, 50.0)):
        memory = _memory(looks)
        memory.past[:, LASTED, -(24 * RECENT_DAYS // TICK_H) :] = 50.0
        assert _before(memory)[0].tolist() == [level, level]


def test_what_others_use_more_in_these_days_counts_as_used_before():
    level, need, _ = _before(_memory(), town=2.0)
    assert level.tolist() == [10.0, 10.0]
    assert need == pytest.approx([13.0, 13.0])


def test_what_was_seen_to_rest_was_seen_to_begin():
    memory, rows = _memory(30, lasted=20.0), np.array([0, 1])
    assert not memory.rested(rows, np.full(2, 6.0)).any()
    memory.past[1, 0, -5] = 0.0
    assert memory.rested(rows, np.full(2, 6.0)).tolist() == [False, True]
    assert not CustomerMemory(2).rested(rows, np.full(2, 6.0)).any()


def test_the_parts_of_the_day_before_end_where_they_are_asked_to():
    memory = _memory()
    memory.past[:, PART] = np.arange(SLOTS)
    past, newest = memory.parts_before(72)
    assert past[0, -1] == SLOTS - 72 // TICK_H - 1
    assert past[0, -1] + newest == SLOTS  # the look that is now
    assert newest == 3 * DAY + 1


def test_what_lasted_lately_is_of_all_looks_up_to_now_leaks_and_all():
    memory = CustomerMemory(2)
    for look in range(10):
        memory.take(np.array([look == 5, False]), np.full(2, 40.0), np.full(2, 5.0), sudden=False)
        memory.add(np.full((2, 3), 1.0), np.array([[look, 500.0], [look + 100.0, 500.0]]), np.full(2, 30.0))
    lately = memory.lasted_lately(2 * 24, np.array([10.0, 110.0]))
    assert lately[0].tolist() == [3, 4, 5, 6, 7, 8, 9, 10]
    assert lately[1].tolist() == [103, 104, 105, 106, 107, 108, 109, 110]
