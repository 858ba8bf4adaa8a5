"""Leaks near each other in the past are judged together, and told as many as they are, where the largest lies."""

from __future__ import annotations

import numpy as np
import pytest

from leak_detection.model.history import begin
from leak_detection.model.history_clusters import clusters, taken_apart
from leak_detection.model.ledger import Ledger
from leak_detection.model.ledger_records import Course, OpenLeak
from leak_detection.model.signatures import SignatureSet
from tests.support.pipe_line import GAUGES, open_leak, pipe_line

_DAYS = 160


@pytest.fixture(name="net", scope="module")
def _net() -> SignatureSet:
    return pipe_line(error=0.1)


def _near(leak: OpenLeak, other: OpenLeak) -> bool:
    return abs(leak.place.index - other.place.index) <= 2


def test_the_first_has_the_courses_of_all_while_they_are_judged(net: SignatureSet):
    first, second, far = open_leak(net, 10, 2.0, 30), open_leak(net, 11, 9.0, 70), open_leak(net, 20, 5.0, 50)
    second.growth.append(Course(start_day=80, ramp_days=10))
    found = clusters([first, second, far], _near)
    assert [cluster.first for cluster in found] == [first, far]
    assert [course.start_day for course in first.courses] == [30, 70, 80]
    assert [course.start_day for course in far.courses] == [50]


def test_a_leak_is_gathered_about_the_first_and_not_about_the_last(net: SignatureSet):
    chain = [open_leak(net, place, 5.0, 30 + place) for place in (10, 12, 14)]
    assert [cluster.first for cluster in clusters(chain, _near)] == [chain[0], chain[2]]


def test_what_is_small_beside_the_largest_is_told_with_it_where_that_lies(net: SignatureSet):
    small, large = open_leak(net, 10, 2.0, 30), open_leak(net, 11, 9.0, 70)
    small.growth.append(Course(start_day=40, ramp_days=0))
    found = clusters([small, large], _near)
    assert taken_apart([small], found) == [large]
    assert [course.start_day for course in large.courses] == [70, 30, 40]


def test_leaks_of_like_size_are_told_one_by_one_each_with_its_own_growth(net: SignatureSet):
    one, two, third = open_leak(net, 10, 7.0, 30), open_leak(net, 11, 9.0, 70), open_leak(net, 12, 2.5, 90)
    one.growth.append(Course(start_day=40, ramp_days=0))
    other = open_leak(net, 25, 4.0, 20)
    found = clusters([one, two, third], _near)
    assert taken_apart([other, one], found) == [other, one, two]
    assert [course.start_day for course in one.courses] == [30, 40]
    assert [course.start_day for course in two.courses] == [70, 90]


def test_what_was_judged_to_have_ended_has_ended_whole(net: SignatureSet):
    one, two = open_leak(net, 10, 7.0, 30), open_leak(net, 11, 9.0, 70)
    found = clusters([one, two], _near)
    one.end_day = 120
    assert taken_apart([one], found) == [one]


def test_two_leaks_beside_each_other_stand_at_the_opening_as_two(net: SignatureSet):
    residual = np.random.default_rng(5).normal(0, 0.004, (_DAYS, GAUGES))
    for place, flow_m3h, start in ((10, 7.0, 40), (11, 16.0, 100)):
        residual[start:] += flow_m3h * net.at(flow_m3h)[place]
    told = begin(Ledger(signatures=net), residual, [])
    assert sorted(leak.start_day for leak in told) == [40, 100]
    assert all(abs(leak.place.index - 10) <= 2 for leak in told)


def test_the_large_one_is_told_where_it_lies_and_not_where_the_small_one_was_seen_first(net: SignatureSet):
    residual = np.random.default_rng(6).normal(0, 0.004, (_DAYS, GAUGES))
    for place, flow_m3h, start in ((8, 2.0, 40), (10, 16.0, 100)):
        residual[start:] += flow_m3h * net.at(flow_m3h)[place]
    (told,) = begin(Ledger(signatures=net), residual, [])
    assert abs(told.place.index - 10) <= 1
    assert told.place.flow_m3h > 10.0
