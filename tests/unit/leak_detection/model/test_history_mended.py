"""What is held to stand though it ended with a repair near by is ended in hindsight; what stands is left alone."""

import numpy as np
import pytest

from leak_detection.model import history
from leak_detection.model.history import begin
from leak_detection.model.history_mended import MendedSettings, end_mended
from leak_detection.model.ledger import Ledger
from leak_detection.model.ledger_records import Course, Repair
from tests.support.pipe_line import GAUGES, open_leak, pipe_line

_DAYS = 150


@pytest.fixture(name="net", scope="module")
def _net():
    return pipe_line(error=0.1)


def _record(net, *leaks):
    """Noise, and leaks of place, flow, first day and last."""
    residual = np.random.default_rng(3).normal(0, 0.005, (_DAYS, GAUGES))
    for place, flow_m3h, start, end in leaks:
        course = Course(start_day=start, ramp_days=0, end_day=end).over(_DAYS)
        residual += course[:, None] * flow_m3h * net.at(flow_m3h)[place]
    return residual


def _ledger(net, *leaks):
    return Ledger(signatures=net, leaks=list(leaks))


def test_the_large_leak_that_a_repair_ended_is_not_saved_by_a_small_one_that_lay_nearer(net):
    residual = _record(net, (10, 12.0, 40, 90.4))
    small, large = open_leak(net, 11, 2.0, 44, 90), open_leak(net, 10, 12.0, 40)
    ended = end_mended(_ledger(net, small, large), residual, [Repair(day=90.4, place=11)])
    assert ended == [large]
    assert large.end_day == 90


def test_a_leak_that_stands_beside_a_repaired_one_is_left_alone(net):
    residual = _record(net, (10, 12.0, 40, 90.4), (12, 6.0, 60, None))
    repaired, standing = open_leak(net, 10, 12.0, 40, 90), open_leak(net, 12, 6.0, 60)
    assert end_mended(_ledger(net, repaired, standing), residual, [Repair(day=90.4, place=10)]) == []
    assert standing.end_day is None


@pytest.mark.parametrize(
    ("repair", "settings"),
    [
        (Repair(day=90.4, place=10), MendedSettings(near_m=10.0)),
        (Repair(day=90.4, place=None), MendedSettings()),
        (Repair(day=41.0, place=12), MendedSettings()),
        (Repair(day=_DAYS - 1.0, place=12), MendedSettings()),
        (Repair(day=90.4, place=12), MendedSettings(least_ended_m3h=20.0)),
    ],
    ids=["too far", "place not known", "the leak has just begun", "too late to say", "too little ended"],
)
def test_a_repair_that_says_nothing_of_it_ends_no_leak(net, repair, settings):
    residual = _record(net, (12, 12.0, 40, 90.4))
    leak = open_leak(net, 12, 12.0, 40)
    assert end_mended(_ledger(net, leak), residual, [repair], settings) == []


def test_it_is_ended_where_the_same_repair_is_near_and_late_enough(net):
    residual = _record(net, (12, 12.0, 40, 90.4))
    leak = open_leak(net, 12, 12.0, 40)
    assert end_mended(_ledger(net, leak), residual, [Repair(day=90.4, place=12)]) == [leak]


def test_growth_counts_as_the_leaks_own(net):
    residual = _record(net, (12, 6.0, 40, 100.5), (12, 8.0, 60, 100.5))
    leak = open_leak(net, 12, 6.0, 40)
    leak.growth.append(Course(start_day=60, ramp_days=0))
    assert end_mended(_ledger(net, leak), residual, [Repair(day=100.5, place=12)]) == [leak]


def test_a_past_without_leaks_or_repairs_ends_nothing(net):
    residual = _record(net)
    assert end_mended(_ledger(net), residual, [Repair(day=90.0, place=3)]) == []
    assert end_mended(_ledger(net, open_leak(net, 3, 5.0, 40)), residual, []) == []


def test_the_past_is_judged_so_before_anything_is_told(net, monkeypatch):
    # On so small a network what ended is seen to lose nothing, too: only that it is asked can be shown.
    residual, repair = _record(net, (25, 5.0, 70, None)), Repair(day=90.4, place=14)

    def end_all(ledger, seen_m, repairs):
        assert seen_m is residual
        assert repairs == [repair]
        for leak in ledger.leaks:
            leak.end_day = 90

    assert [leak.start_day for leak in begin(Ledger(signatures=net), residual, [repair])] == [70]
    monkeypatch.setattr(history, "end_mended", end_all)
    assert begin(Ledger(signatures=net), residual, [repair]) == []
