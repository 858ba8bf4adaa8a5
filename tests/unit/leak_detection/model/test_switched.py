"""A pump's hours swing from day to day and take the gauges beside it along: no leak; what changes for good is one."""

import numpy as np
import pytest

from leak_detection.model.ledger import Ledger
from leak_detection.model.switched import is_switched, swings
from tests.support.pipe_line import GAUGES, pipe_line

_DAYS = 130


@pytest.fixture(name="net", scope="module")
def _net():
    return pipe_line(error=0.1)


def _hours(rng, days=30):
    """Of a fixed pump, of a demand, of a valve that is shut for good, and of nothing that was ever read."""
    t = np.arange(days * 24)
    pump = np.where((t // 10) % 2, 44.0, 0.0) + rng.normal(0, 0.2, len(t))
    demand = 60.0 + 50.0 * np.sin(t / 24 * 2 * np.pi) + rng.normal(0, 3.0, len(t))
    return np.stack([pump, demand, np.zeros(len(t)), np.full(len(t), np.nan)], axis=1)


def test_a_pump_is_switched_and_a_demand_is_not():
    flows = _hours(np.random.default_rng(1))
    assert is_switched(flows).tolist() == [True, False, False, False]
    flows[::7] = np.nan
    flows[:, 0] *= -1.0
    assert is_switched(flows).tolist() == [True, False, False, False], "whatever its sign, with gaps"
    always = np.full((100, 1), 44.0)
    assert not is_switched(always)[0], "what never stands still is not switched"


def test_a_swing_is_in_one_piece_at_a_time_and_nothing_where_the_flow_is_missing():
    flow = 30.0 + 10.0 * (-1.0) ** np.arange(_DAYS, dtype=np.float64)
    flow[20] = np.nan
    pieces = swings(flow[:, None])
    assert [int(np.flatnonzero(piece)[0]) for piece in pieces] == [70, 10, 0]
    assert (np.count_nonzero(pieces, axis=0) <= 1).all()
    together = np.sum(pieces, axis=0)
    assert together[20] == 0.0
    assert together.std() == pytest.approx(1.0, abs=0.05)
    assert swings(np.full((_DAYS, 1), 7.0)) == []


def test_what_changes_for_good_is_hardly_a_swing():
    flow = np.where(np.arange(_DAYS) >= 60, 40.0, 30.0)
    assert np.abs(sum(swings(flow[:, None])))[list(range(40)) + list(range(80, _DAYS))].max() == 0.0


def _told(net, record, switched):
    ledger = Ledger(signatures=net, switched=switched)
    return [leak for day in range(1, len(record) + 1) for leak in ledger.look(record[:day])]


def test_gauges_that_go_with_a_pump_tell_no_leak_and_hide_none(net):
    rng = np.random.default_rng(3)
    hours = 15.0 + np.where(np.arange(_DAYS) % 2, 8.0, -8.0) * (np.arange(_DAYS) >= 70)
    record = rng.normal(0, 0.005, (_DAYS, GAUGES)) - 5.0 / 8.0 * (hours - 15.0)[:, None] * net.at(5.0)[12]
    assert _told(net, record, None), "without the pump it looks like leaks that come and go"
    assert _told(net, record, hours[:, None]) == []
    record[100:] += 6.0 * net.at(6.0)[5]
    leaks = _told(net, record, hours[:, None])
    assert len(leaks) == 1
    assert 100 < leaks[0].found_day <= 103
    assert net.distance_m[leaks[0].place.index, 5] <= 200
