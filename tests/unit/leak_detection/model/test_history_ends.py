"""What ended in the past is judged again in hindsight: a leak beside one that was repaired stands, one that ended does not."""

from dataclasses import replace

import numpy as np
import pytest

from leak_detection.model.drift import channels, learn_drift
from leak_detection.model.history import begin
from leak_detection.model.history_ends import _open_again, judge_ends
from leak_detection.model.history_joint import Part, Past, beside, joint, learn_spread
from leak_detection.model.history_options import EndSettings, Line, Year, other_ends
from leak_detection.model.ledger import Ledger
from leak_detection.model.ledger_records import Course, Repair
from tests.support.pipe_line import GAUGES, open_leak, pipe_line

_DAYS = 150


@pytest.fixture(name="net", scope="module")
def _net():
    return pipe_line(error=0.1)


def _course(start, end=None):
    return Course(start_day=start, ramp_days=0, end_day=end)


def _record(net, *leaks, seed=1):
    """Noise, and leaks of place, flow and course."""
    residual = np.random.default_rng(seed).normal(0, 0.005, (_DAYS, GAUGES))
    for place, flow_m3h, course in leaks:
        residual += course.over(_DAYS)[:, None] * flow_m3h * net.at(flow_m3h)[place]
    return residual


def _line(net, place, flow_m3h, start, end=None, growth=()):
    """A leak as the ledger had it."""
    return replace(open_leak(net, place, flow_m3h, start, end), growth=list(growth))


def _past(net, residual):
    noise = _record(net, seed=2)
    turned = channels(learn_drift(noise, np.ones_like(noise, dtype=bool)), np.zeros(GAUGES, dtype=bool))
    return Past(turned=turned, signatures=net, values=(residual - residual.mean(axis=0)) @ turned.turn.T)


def test_flows_of_leaks_that_overlap_are_fitted_together(net):
    true = (8, 6.0, _course(40)), (20, 9.0, _course(70, 110.0))
    past = _past(net, _record(net, *true))
    parts = [Part(course=course, place=place, flow_m3h=1.0) for place, _, course in true]
    fit = joint(past, parts)
    assert [part.flow_m3h for part in fit.parts] == pytest.approx([6.0, 9.0], rel=0.1)
    less = joint(past, parts[:1])
    assert fit.gain > less.gain + 100 > joint(past, []).gain + 200
    learn_spread(past, fit)
    assert past.spread == pytest.approx(np.ones(GAUGES), abs=0.5)


def test_what_a_leak_explains_another_of_the_same_course_cannot(net):
    past, course = _past(net, _record(net, (8, 6.0, _course(40)))), _course(40)
    direction = past.turned.turn @ net.at(6.0)[8]
    before, after = (
        beside(past, joint(past, parts), course.over(_DAYS)[:, None]).scores(direction)[0]
        for parts in ([], [Part(course=course, place=8, flow_m3h=6.0)])
    )
    assert before > 15
    assert abs(after) < 0.3 * before


def test_a_repair_booked_days_late_ends_no_neighbour(net):
    true = (12, 6.0, _course(40)), (15, 8.0, _course(80, 110.0))
    ledger = Ledger(signatures=net)
    (leak,) = begin(ledger, _record(net, *true), [Repair(day=114.5, place=15)])
    assert abs(leak.place.index - 12) <= 1
    assert leak.start_day in (39, 40)
    assert leak.place.flow_m3h == pytest.approx(6.0, rel=0.3)


def test_of_a_leak_and_its_growth_that_were_two_the_one_that_was_not_repaired_stands(net):
    true = (12, 9.0, _course(40)), (13, 6.0, _course(70, 110.0))
    ledger = Ledger(signatures=net, leaks=[_line(net, 12, 9.0, 40, 110, [_course(70)])])
    (leak,) = judge_ends(ledger, _record(net, *true), [Repair(day=112.5, place=15)])
    assert leak is ledger.leaks[0]
    assert leak.end_day is None
    assert abs(leak.place.index - 12) <= 1
    assert (leak.start_day, leak.growth) == (40, [])
    assert leak.place.flow_m3h == pytest.approx(9.0, rel=0.2)


def test_a_leak_that_nobody_saw_may_have_been_the_one_that_was_repaired(net):
    true = (12, 9.0, _course(40)), (15, 6.0, _course(70, 110.0))
    ledger = Ledger(signatures=net, leaks=[_line(net, 12, 9.0, 40, 110)])
    assert judge_ends(ledger, _record(net, *true), [Repair(day=112.5, place=15)]) == ledger.leaks
    unknown = Ledger(signatures=net, leaks=[_line(net, 12, 9.0, 40, 110)])
    assert judge_ends(unknown, _record(net, *true), []) == []


@pytest.mark.parametrize("repaired", [12, 15])
def test_what_ended_has_ended_though_seen_late(net, repaired):
    ledger = Ledger(signatures=net, leaks=[_line(net, 12, 9.0, 40, 110)])
    assert judge_ends(ledger, _record(net, (12, 9.0, _course(40, 107.0))), [Repair(day=112.5, place=repaired)]) == []
    assert ledger.leaks[0].end_day == 110


def _compared(net, repaired):
    """Fits of other ends of a leak at 12 that ended, with a crew somewhere in these days."""
    past = _past(net, _record(net, (12, 9.0, _course(40, 110.0))))
    line = Line(leak=_line(net, 12, 9.0, 40, 110), parts=[Part(course=_course(40, 110), place=12, flow_m3h=9.0)])
    year = Year(past=past, lines=[line], repairs=[Repair(day=112.5, place=repaired)], settings=EndSettings())
    return [fit for fit, _ in other_ends(year, line, [])]


def test_an_end_is_doubted_only_where_a_crew_worked_near_by_yet_not_at_the_leak(net):
    standing = [
        any(part.course.end_day is None for fit in _compared(net, place) for part in fit.parts) for place in (12, 13, 15, 22)
    ]
    assert standing == [False, False, True, False]


def test_wherever_a_crew_worked_something_ended(net):
    for fit in _compared(net, 15):
        (ended,) = (part for part in fit.parts if part.course.end_day is not None)
        assert ended.flow_m3h >= 1.2
        assert net.distance_m[ended.place, 15] <= 300


def test_an_end_of_the_last_days_is_left_alone(net):
    ledger = Ledger(signatures=net, leaks=[_line(net, 12, 9.0, 40, _DAYS - 5), _line(net, 15, 6.0, 70, _DAYS - 5)])
    true = (12, 9.0, _course(40)), (15, 6.0, _course(70, _DAYS - 5.0))
    assert judge_ends(ledger, _record(net, *true), [Repair(day=_DAYS - 4.5, place=15)]) == []


def test_a_ledger_without_leaks_has_nothing_to_judge(net):
    assert judge_ends(Ledger(signatures=net), _record(net), []) == []


def test_a_leak_of_many_small_parts_is_opened_again_with_all_of_them(net):
    # As fitted each part was almost nothing; all together they were 6 m3/h.
    residual, courses = _record(net, (8, 6.0, _course(60))), (_course(60), _course(64))
    past, leak = _past(net, residual), _line(net, 8, 6.0, 60, end=100, growth=courses[1:])
    stands = [Part(course=course, place=8, flow_m3h=0.2) for course in courses]
    seen = beside(past, joint(past, []), courses[0].over(_DAYS)[:, None])
    assert _open_again(Ledger(signatures=net, leaks=[leak]), leak, stands, past, seen)
    assert leak.end_day is None
    assert leak.courses == [Course(start_day=60, ramp_days=0), courses[1]]
