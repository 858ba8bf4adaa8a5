"""All open leaks fitted together: one flow each, none below zero, with errors that hold."""

import numpy as np
import pytest

from leak_detection.model import refit
from leak_detection.model.ledger import Ledger
from leak_detection.model.refit import Loadings, joint_flows, loadings_today, non_negative
from tests.support.pipe_line import GAUGES, pipe_line

_DAYS = 120


def _loadings(residual, courses, own):
    return loadings_today(residual, courses, own, np.ones(residual.shape, dtype=bool))


@pytest.fixture(name="net", scope="module")
def _net():
    return pipe_line(error=0.1)


def _step(day):
    return (np.arange(_DAYS) >= day).astype(float)


def _town(net, leaks, seed=3):
    """Noise and leaks as (day, place, flow)."""
    rest = np.random.default_rng(seed).normal(0, 0.005, (_DAYS, GAUGES))
    for day, place, flow in leaks:
        rest += _step(day)[:, None] * flow * net.at(flow)[place]
    return rest


def test_two_leaks_near_each_other_share_what_is_lost(net):
    leaks = [(40, 10, 8.0), (70, 14, 4.0)]
    today = _loadings(_town(net, leaks), [_step(40), _step(70)], [[0], [1]])
    found = joint_flows(today, [10, 14], net)
    assert np.all(np.abs(found.flow_m3h - [8.0, 4.0]) < 3.0 * found.error_m3h)
    assert np.all(np.abs(found.flow_m3h - [8.0, 4.0]) < 1.0)
    assert np.all(found.error_m3h < 0.5 * found.flow_m3h)


def test_a_leak_that_is_none_has_no_flow_and_none_below_zero(net):
    today = _loadings(_town(net, [(40, 10, 8.0)]), [_step(40), _step(70)], [[0], [1]])
    found = joint_flows(today, [10, 25], net)
    assert 0 <= found.flow_m3h[1] <= 2.0 * found.error_m3h[1]


def test_growth_seen_later_counts_with_the_leak_that_grew(net):
    leaks = [(40, 10, 4.0), (90, 10, 5.0)]
    today = _loadings(_town(net, leaks), [_step(40), _step(90)], [[0, 1]])
    assert joint_flows(today, [10], net).flow_m3h[0] == pytest.approx(9.0, rel=0.2)


def test_the_error_holds_in_nine_of_ten_towns(net):
    rng, within = np.random.default_rng(8), 0
    for seed in range(40):
        flow = float(rng.uniform(3, 15))
        today = _loadings(_town(net, [(60, 12, flow)], seed), [_step(60)], [[0]])
        found = joint_flows(today, [12], net)
        within += abs(found.flow_m3h[0] - flow) <= 2.0 * found.error_m3h[0]
    assert within >= 36


@pytest.mark.parametrize("exchanges", [0, 10])
def test_non_negative_least_squares_meets_the_conditions_of_its_optimum(monkeypatch, exchanges):
    monkeypatch.setattr(refit, "_EXCHANGES", exchanges)
    rng = np.random.default_rng(5)
    for _ in range(50):
        design, along = rng.normal(size=(20, 6)) + 3.0 * rng.normal(size=(20, 1)), rng.normal(size=20)
        gram, a = design.T @ design, design.T @ along
        x = non_negative(gram, a)
        slope = gram @ x - a
        assert np.all(x >= 0)
        assert np.all(slope >= -1e-6)
        assert abs(float(x @ slope)) < 1e-6


def test_loadings_that_nothing_is_known_of_have_a_wide_error(net):
    today = Loadings(change_m=4.0 * net.at(4.0)[[10]], shares=np.array([[4000.0]]), noise_m2=np.diag(np.full(GAUGES, 0.005**2)))
    assert joint_flows(today, [10], net).error_m3h[0] > 2.0


def test_the_ledger_says_what_each_open_leak_loses_today(net):
    residual = _town(net, [(40, 8, 6.0), (80, 22, 9.0)])
    ledger = Ledger(signatures=net)
    for day in range(1, _DAYS + 1):
        ledger.look(residual[:day])
    assert all(leak.today is None for leak in ledger.leaks)
    ledger.refit(residual)
    by_place = sorted((leak.place.index, leak.today) for leak in ledger.leaks if leak.today is not None)
    assert [now.day for _, now in by_place] == [_DAYS, _DAYS]
    assert all(abs(now.flow_m3h - flow) < 3.0 * now.error_m3h for (_, now), flow in zip(by_place, (6.0, 9.0), strict=True))
