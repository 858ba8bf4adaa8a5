"""The ledger of a zone's open leaks: steps are leaks, growth belongs to the newest, a fall takes the nearest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leak_detection.zone_open import OpenLeak, fallen, grown


def _leaks(*flows):
    return [OpenLeak(since_h=100 * n, flow_m3h=f) for n, f in enumerate(flows)]


def test_a_step_is_a_leak_and_a_slow_rise_growth_of_the_newest():
    leaks = grown([], since_h=-5, found_h=30, flow_m3h=1.0, step=False)
    assert leaks == [OpenLeak(since_h=0, found_h=30, flow_m3h=1.0)]
    leaks = grown(grown(leaks, since_h=50, found_h=72, flow_m3h=3.0, step=True), since_h=90, found_h=120, flow_m3h=0.5, step=False)
    assert leaks == [OpenLeak(since_h=0, found_h=30, flow_m3h=1.0), OpenLeak(since_h=50, found_h=72, flow_m3h=3.5)]


def test_a_repair_ends_the_leak_of_its_size():
    assert fallen(_leaks(3.7, 1.0, 2.0), fall_m3h=1.9, left_m3h=4.8) == pytest.approx(
        [OpenLeak(since_h=0, flow_m3h=3.7 * 4.8 / 4.7), OpenLeak(since_h=100, flow_m3h=4.8 / 4.7)]
    )


def test_a_fall_smaller_than_any_leak_ends_none():
    assert [leak.since_h for leak in fallen(_leaks(3.0, 4.0), fall_m3h=1.0, left_m3h=6.0)] == [0, 100]


def test_nothing_left_is_nothing_open():
    assert fallen(_leaks(3.0, 4.0), fall_m3h=7.0, left_m3h=0.0) == []


@given(
    st.lists(st.floats(0.1, 20.0), min_size=1, max_size=6),
    st.floats(0.0, 1.0).filter(lambda part: part == 0.0 or part > 1e-9),
)
def test_what_is_left_is_shared_by_the_leaks_that_stay(flows, part):
    left = part * sum(flows)
    after = fallen(_leaks(*flows), fall_m3h=sum(flows) - left, left_m3h=left)
    assert sum(leak.flow_m3h for leak in after) == pytest.approx(left)
    assert len(after) <= len(flows)
    assert all(leak.flow_m3h > 0 for leak in after)
