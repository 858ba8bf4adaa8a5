"""A change is the growth, the return or the end of the right leak, and else none's."""

from dataclasses import replace

import numpy as np
import pytest

from leak_detection.model.ledger_match import end_of, growth_of, mended, return_of
from leak_detection.model.ledger_records import LedgerSettings, OpenLeak
from tests.support.pipe_line import GAUGES, open_leak, pipe_line

_S = LedgerSettings()
_ERROR = 1e-6 * np.eye(GAUGES)


@pytest.fixture(name="net", scope="module")
def _net():
    return pipe_line(error=0.1)


def _line(net, place, flow_m3h=6.0, start=50, end=None) -> OpenLeak:
    leak = open_leak(net, place, flow_m3h, start, end)
    return replace(leak, glr=99.0, place=replace(leak.place, index=place, flow_m3h=flow_m3h))


def test_a_leak_grows_where_it_is_an_open_one_before_one_that_has_just_ended(net):
    new = _line(net, 12, start=60)
    away_m = net.distance_m[:, 12]
    near, nearer, far = _line(net, 14), _line(net, 13), _line(net, 20)
    assert growth_of(new, [far, near, nearer], away_m, _S) is nearer
    nearer.end_day = 59
    assert growth_of(new, [nearer, near], away_m, _S) is near
    assert growth_of(new, [nearer], away_m, _S) is nearer, "what a repair leaves"
    nearer.end_day = new.found_day - _S.quiet_days
    assert growth_of(new, [nearer, far], away_m, _S) is None


def test_what_is_much_larger_or_comes_long_after_is_another(net):
    away_m = net.distance_m[:, 12]
    old = _line(net, 13, 4.0)
    assert growth_of(_line(net, 12, 11.9, start=60), [old], away_m, _S) is old
    assert growth_of(_line(net, 12, 12.0, start=60), [old], away_m, _S) is None
    rested = old.last_day + _S.rest_days
    assert growth_of(_line(net, 12, 4.0, start=rested), [old], away_m, _S) is old
    assert growth_of(_line(net, 12, 4.0, start=rested + 1), [old], away_m, _S) is None
    assert growth_of(_line(net, 12, 0.7, start=rested + 1), [old], away_m, _S) is old, "as small as that it is its swing"


def test_what_closed_by_itself_is_back_and_what_was_repaired_is_not(net):
    away_m = net.distance_m[:, 12]
    new, old = _line(net, 12, start=80), _line(net, 12, end=60)
    assert return_of(new, _ERROR, [old], away_m, _S) is old
    assert return_of(replace(new, start_day=60 + _S.back_days + 1), _ERROR, [old], away_m, _S) is None
    assert return_of(new, _ERROR, [_line(net, 12, 1.9, end=60)], away_m, _S) is None, "not as large"
    assert return_of(new, _ERROR, [replace(old, loading_m=_line(net, 25).loading_m)], away_m, _S) is None, "not alike"
    assert return_of(new, _ERROR, [_line(net, 12)], away_m, _S) is None, "still open"
    old.final = True
    assert return_of(new, _ERROR, [old], away_m, _S) is None


def test_what_gets_better_ends_the_open_leak_that_it_resembles(net):
    one, other = _line(net, 5), _line(net, 25)
    assert end_of(-one.loading_m, _ERROR, [other, one], _S) is one
    assert end_of(-0.4 * one.loading_m, _ERROR, [other, one], _S) is None, "less than half of it is its swing"
    assert end_of(-one.loading_m - 4.0 * other.loading_m, _ERROR, [one], _S) is None, "most of it is not its own"
    assert end_of(-one.loading_m, _ERROR, [other, _line(net, 5, end=70)], _S) is None, "that one has ended already"


def test_a_repair_ends_all_leaks_that_lie_as_near_as_places_are_known(net):
    near, next_to_it, far = (_line(net, k, start=1) for k in (13, 14, 16))
    assert mended([far, next_to_it, near], 10.0, net.distance_m[12], 500.0) == [next_to_it, near]
    assert mended([far], 10.0, net.distance_m[12], 300.0) == []
