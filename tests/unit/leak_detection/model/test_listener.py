"""What the listener brings does not depend on how the rows come, nor on what comes after them."""

from dataclasses import replace

import numpy as np
import pytest

from leak_detection.model.hourly import HourNews
from leak_detection.model.listener import DayNews, Listener, RawRows, listen
from leak_detection.model.residuals import daily_residuals, learn_regression
from leak_detection.model.tank_rises import TankRises
from tests.support.pipe_line import GAUGES, pipe_line

_PER_DAY, _DAYS, _SEEK = 24, 60, 50
_STEP_DAY, _GAUGE = 45, 2


@pytest.fixture(name="recording", scope="module")
def _recording():
    """Pressures that follow a flow, and one gauge that jumps by a metre."""
    rng, rows = np.random.default_rng(3), _DAYS * _PER_DAY
    flow = 50.0 + 20.0 * np.sin(np.arange(rows) * 2 * np.pi / _PER_DAY)[:, None] + rng.normal(0.0, 2.0, (rows, 1))
    pressure = 50.0 - 0.05 * flow + rng.normal(0.0, 0.02, (rows, GAUGES))
    pressure[_STEP_DAY * _PER_DAY + 12 :, _GAUGE] += 1.0
    return pressure, flow


def _listener(recording):
    net, (pressure, flow) = pipe_line(error=0.02), recording
    return Listener(
        per_day=_PER_DAY,
        regression=learn_regression(pressure, flow, 7 * _PER_DAY),
        signatures=net.at(10.0),
        distance_m=net.distance_m,
    )


def _brought(recording, pieces_days):
    """All news of the recording, listened to in pieces."""
    pressure, flow = recording
    listener, row = _listener(recording), 0
    news: list[HourNews | DayNews] = []
    for days in pieces_days:
        part = slice(row, row + round(days * _PER_DAY))
        listener, some = listen(listener, RawRows(pressure_m=pressure[part], drivers=flow[part], seek_from_day=_SEEK))
        news += some
        row = part.stop
    return news


def _days(news):
    return [one for one in news if isinstance(one, DayNews)]


def test_whatever_the_pieces_the_news_are_the_same(recording):
    whole, pieces = _brought(recording, [_DAYS]), _brought(recording, [1, 29, 30])
    assert [type(one) for one in whole] == [type(one) for one in pieces]
    assert [isinstance(one, HourNews) for one in whole[:26]] == [True] * 24 + [False] + [True]
    for one, other in zip(_days(whole), _days(pieces), strict=True):
        assert one.first == other.first
        assert np.array_equal(one.residual_m, other.residual_m, equal_nan=True)


def test_a_fault_found_late_is_taken_out_of_the_days_in_which_it_began_and_no_other_day_is_told_twice(recording):
    days = _days(_brought(recording, [_DAYS]))
    again = [(day, news.first) for day, news in enumerate(days) if news.first < day]
    assert again
    found, since = again[0]
    assert _STEP_DAY <= since < found <= _STEP_DAY + 3
    assert np.isfinite(days[since].residual_m[-1, _GAUGE]), "on its day nobody knew"
    assert np.isnan(days[found].residual_m[:, _GAUGE]).all()
    assert all(len(news.residual_m) == day + 1 - news.first for day, news in enumerate(days))


def test_what_comes_later_changes_nothing_of_what_was_said_before(recording):
    pressure, flow = recording
    other = pressure.copy()
    other[40 * _PER_DAY :] -= 5.0
    listener = _listener(recording)
    rows = RawRows(pressure_m=pressure, drivers=flow, seek_from_day=_SEEK)
    (_, one), (_, two) = listen(listener, rows), listen(_listener(recording), replace(rows, pressure_m=other))
    same = [np.array_equal(a.residual_m, b.residual_m, equal_nan=True) for a, b in zip(_days(one), _days(two), strict=True)]
    assert all(same[:40])
    assert not any(same[40:42])


def test_hours_of_a_day_that_is_not_over_are_heard_and_close_nothing(recording):
    news = _brought(recording, [2.5])
    assert len(_days(news)) == 2
    assert len(news) == 2 * 25 + 12


def test_rises_of_floating_tanks_are_drivers_of_what_a_day_leaves(recording):
    rng, net = np.random.default_rng(1), pipe_line(error=0.02)
    level = 3.0 + np.cumsum(rng.normal(0.0, 0.1, (14 * _PER_DAY, 1)), axis=0)
    drivers = np.concatenate([recording[1][: len(level)], level], axis=1)
    rises = TankRises(per_day=_PER_DAY, tanks=(1,))
    pressure = 40.0 - 0.5 * rises.anew().add(drivers)[:, 2:] + rng.normal(0.0, 0.001, (len(level), GAUGES))
    regression = learn_regression(pressure, rises.anew().add(drivers), 7 * _PER_DAY)
    listener = Listener(per_day=_PER_DAY, regression=regression, signatures=net.at(10.0), distance_m=net.distance_m, rises=rises)
    listener, _ = listen(listener, RawRows(pressure_m=pressure, drivers=drivers, seek_from_day=_SEEK))
    assert listener.rest_m.shape == (14, GAUGES)
    assert listener.rest_m.std(axis=0).max() < 0.001


def test_the_largest_thing_it_holds_can_be_shared(recording):
    listener = _listener(recording)
    away_m = listener.distance_m.copy()
    listener.share(away_m)
    assert listener.distance_m is listener.layer.distance_m is listener.layer.bursts.distance_m is away_m


def test_how_the_rows_lie_in_memory_moves_no_last_figure(recording):
    """Rows that another process was sent lie otherwise, and sums over them would be taken in another order."""
    per_day, rng = 12 * _PER_DAY, np.random.default_rng(5)
    pressure, flow = (np.repeat(values, 12, axis=0) + rng.normal(0.0, 0.01, (12 * len(values), 1)) for values in recording)
    listener = replace(_listener(recording), per_day=per_day)

    def found(order):
        rows = RawRows(pressure_m=order(pressure), drivers=order(flow), seek_from_day=_DAYS)
        return [fault.size for fault in listen(replace(listener), rows)[0].layer.screener.record.faults]

    assert found(np.ascontiguousarray)
    assert found(np.ascontiguousarray) == found(np.asfortranarray)


def test_the_last_24_hours_are_told_thrice_a_day_as_if_they_were_a_day(recording):
    pressure, flow = recording
    told = [one for one in _brought(recording, [_DAYS]) if isinstance(one, HourNews)]
    hours = [hour for hour, one in enumerate(told) if one.last_day is not None]
    assert hours == [day * _PER_DAY + hour for day in range(_SEEK, _DAYS) for hour in (5, 11, 17)]
    noon = (_DAYS - 1) * _PER_DAY + 12
    regression = _listener(recording).regression
    expected = daily_residuals(pressure[noon - _PER_DAY : noon], flow[noon - _PER_DAY : noon], regression, _PER_DAY)[0]
    last_day = told[noon - 1].last_day
    assert last_day is not None
    good = np.arange(GAUGES) != _GAUGE
    assert last_day.residual_m[good] == pytest.approx(expected[good])
    # The gauge that jumped is set right or has no say.
    assert not abs(last_day.residual_m[_GAUGE]) > 0.5
