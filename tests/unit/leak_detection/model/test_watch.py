"""A burst whose place is not sure is followed for some hours: told when it is, never when it fades."""

from types import SimpleNamespace

import numpy as np
import pytest

from leak_detection.model.bursts import BurstCandidate
from leak_detection.model.hourly import HourNews
from leak_detection.model.ledger_records import OpenLeak
from leak_detection.model.listener import Listener
from leak_detection.model.places import locate
from leak_detection.model.residuals import FlowRegression
from leak_detection.model.signatures import with_balance
from leak_detection.model.watch import NetworkWatch
from tests.support.pipe_line import GAUGES, pipe_line

_PER_DAY = 24


@pytest.fixture(name="net", scope="module")
def _net():
    return pipe_line(error=0.02)


def _listener(per_day=_PER_DAY, drivers=1, switched=None):
    features = drivers + drivers * (drivers + 1) // 2
    regression = FlowRegression(weights=np.zeros((features, GAUGES)), centre=np.zeros(drivers), scale=np.ones(drivers))
    net = pipe_line(error=0.02)
    return Listener(per_day=per_day, regression=regression, signatures=net.at(10.0), distance_m=net.distance_m, switched=switched)


def _watch(net):
    return NetworkWatch(listener=_listener(), gauges=net, whole=net)


def _seen(net, hour, flow_m3h, sd_m, odd_m=0.0):
    """A burst at place 12, ``hour`` hours after it began; ``odd_m`` is what no leak explains."""
    change = flow_m3h * net.at(flow_m3h)[12] + odd_m * (-1.0) ** np.arange(GAUGES)
    return BurstCandidate(
        place=12,
        rows_ago=hour,
        flow_m3h=flow_m3h,
        flow_error_m3h=1.0,
        glr=200.0,
        fit=0.9,
        change_m=change,
        covariance=np.diag(np.full(GAUGES, sd_m**2)),
        left_out=(),
    )


def _hours(net, *seen):
    """News of one burst: first as new, then followed."""
    return [
        HourNews(rows=1, burst=one if hour == 0 else None, verdict=None, followed=() if hour == 0 else (one,))
        for hour, one in enumerate(_seen(net, hour + 2, *what) for hour, what in enumerate(seen))
    ]


def _told(net, *seen):
    """Hours at which a burst is told, and what."""
    watch = _watch(net)
    return [(hour, told) for hour, news in enumerate(_hours(net, *seen)) for told in watch.hour(news)]


def test_a_burst_whose_place_is_sure_is_told_at_once_and_once(net):
    ((hour, told),) = _told(net, *[(10.0, 0.005)] * 6)
    assert hour == 0
    assert net.distance_m[told.place.index, 12] <= 100


def test_one_whose_place_is_not_sure_is_told_when_later_hours_say_where(net):
    ((hour, told),) = _told(net, (10.0, 0.2), (10.0, 0.2), (10.0, 0.005), (10.0, 0.005))
    assert hour == 2
    assert told.told_day == pytest.approx(3 / _PER_DAY)
    assert told.start_day == pytest.approx(-1 / _PER_DAY)


def test_what_a_leak_explains_in_part_is_told_when_it_has_stood_for_hours(net):
    odd = (10.0, 0.01, 0.105)
    assert 0.6 < locate(_seen(net, 2, *odd).change_m, np.diag(np.full(GAUGES, 1e-4)), net).fit < 0.72
    assert [hour for hour, _ in _told(net, *[odd] * 7)] == [4]


def test_what_fades_is_never_told(net):
    odd = [(flow, 0.01, 0.0105 * flow) for flow in (10.0, 8.0, 6.0, 5.0, 4.0, 4.0, 4.0)]
    assert _told(net, *odd) == []


def test_what_the_day_holds_already_is_not_told_by_a_later_hour(net):
    watch, (first, second) = _watch(net), _hours(net, (10.0, 0.2), (10.0, 0.005))
    assert watch.hour(first) == []
    one = _seen(net, 2, 10.0, 0.005)
    place = locate(one.change_m, one.covariance, net)
    watch.ledger.leaks.append(OpenLeak(start_day=0, ramp_days=0, found_day=1, place=place, loading_m=one.change_m, glr=500.0))
    assert watch.hour(second) == []


def test_a_balance_that_is_off_for_a_day_leaves_no_leak_behind(net):
    rng, per_day = np.random.default_rng(4), 4
    whole = with_balance(net, np.arange(net.places) >= 20)

    def told(balance_m3h):
        watch = NetworkWatch(listener=_listener(per_day), gauges=net, whole=whole)
        out = []
        for value in balance_m3h:
            watch.hour(watch.listener.hour(rng.normal(50.0, 0.2, (per_day, GAUGES)), np.zeros((per_day, 1)), seek=False))
            out += watch.day(watch.listener.end_day(), [value])
        return out

    balance_m3h = rng.normal(11.5, 0.2, 60)
    balance_m3h[40] -= 8.0
    assert told(balance_m3h) == []
    balance_m3h[41:] += 8.0
    assert len(told(balance_m3h)) == 1


def test_the_ledger_is_told_what_the_utility_switches(net):
    watch = NetworkWatch(listener=_listener(2, 2, np.array([False, True])), gauges=net, whole=net)
    for flow_m3h in (44.0, 22.0):
        watch.hour(watch.listener.hour(np.zeros((2, GAUGES)), np.array([[5.0, flow_m3h], [7.0, np.nan]]), seek=False))
        watch.day(watch.listener.end_day(), seek=flow_m3h < 30.0)
    assert watch.ledger.switched is not None
    assert watch.ledger.switched.tolist() == [[44.0], [22.0]]


def test_who_watches_valves_sees_every_day_of_the_gauges_alone_and_the_teaching_days_too(net, monkeypatch):
    watch = NetworkWatch(listener=_listener(4), gauges=net, whole=with_balance(net, np.arange(net.places) >= 20))
    seen: list[np.ndarray] = []
    monkeypatch.setattr(watch, "valves", SimpleNamespace(look=seen.append))
    for day in range(5):
        watch.hour(watch.listener.hour(np.full((4, GAUGES), 50.0 + day), np.zeros((4, 1)), seek=False))
        watch.day(watch.listener.end_day(), [3.0], seek=day == 4)
    assert [days.shape for days in seen] == [(day, GAUGES) for day in range(1, 6)]


def test_a_leak_of_the_afternoon_is_told_before_the_next_day_is_over_and_once(net):
    rng, began = np.random.default_rng(8), 40 * _PER_DAY + 15
    watch, told = _watch(net), []
    for row in range(50 * _PER_DAY):
        pressure = rng.normal(50.0, 0.02, (1, GAUGES))
        pressure += 2.0 * net.at(2.0)[12] if row >= began else 0.0
        told += watch.hour(watch.listener.hour(pressure, np.zeros((1, 1)), seek=row >= 30 * _PER_DAY))
        if (row + 1) % _PER_DAY == 0:
            told += watch.day(watch.listener.end_day())
    (leak,) = told
    assert leak.told_day < 42.0
    assert leak.told_day * _PER_DAY % 6 == 0
    assert net.distance_m[leak.place.index, 12] <= 200
