"""How far a gauge stands off beside the others."""

import numpy as np
import pytest

from leak_detection.model.gauge_level import alone, leak_covariance, most_shifted
from leak_detection.model.gauge_windows import WINDOWS, window_after, window_covariance


def test_a_gauge_alone_is_held_against_what_the_others_let_expect():
    shift, sigma = alone(np.array([1.0, 0.0]), np.array([[2.0, 0.0], [0.0, 8.0]]))
    assert shift.tolist() == [1.0, 0.0]
    assert np.allclose(sigma, [2.0**0.5, 8.0**0.5])


def test_of_gauges_that_numbers_cannot_tell_apart_nothing_is_said():
    two = np.random.default_rng(1).normal(size=(4, 2))  # four gauges that see two things: by rounding the inverse is negative
    shift, sigma = alone(np.array([1.0, -1.0, 0.5, 0.0]), two @ two.T + 1e-16 * np.eye(4))
    assert np.isinf(sigma).any()
    assert np.isfinite(shift).all()
    assert (sigma > 0).all()
    assert (np.abs(shift)[np.isinf(sigma)] == 0).all()


def _near_one(gauges=8):
    """Places along a main, and one behind the last gauge that moves it far more than the others."""
    along, at = np.linspace(0, 3000, 40)[:, None], np.linspace(0, 3000, gauges)[None, :]
    signatures = -0.006 * np.exp(-np.abs(along - at) / 1000.0) - 0.003
    own = np.full((1, gauges), -0.003)
    own[0, -1] = -0.06
    return np.concatenate([signatures, own])


def _judged(x, window=WINDOWS[0]):
    signatures = _near_one()
    covariance = window_covariance(np.eye(8) * 0.006**2, window)
    return most_shifted(x, covariance, leak_covariance(signatures), signatures, window)


@pytest.mark.parametrize("shift_m", [-6.0, -3.0, 2.5])
def test_a_gauge_that_jumps_by_metres_is_at_fault_though_a_leak_beside_it_could_be_as_large(shift_m):
    x = np.random.default_rng(1).normal(0, 0.005, 8)
    x[-1] += shift_m
    found = _judged(x)
    assert found is not None
    assert found.gauge == 7
    assert found.shift_m == pytest.approx(shift_m, abs=0.1)


@pytest.mark.parametrize("flow_m3h", [4.0, 15.0, 40.0])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_leak_beside_one_gauge_is_a_leak_though_the_file_is_wrong_by_a_fifth(flow_m3h, seed):
    rng = np.random.default_rng(seed)
    x = flow_m3h * _near_one()[-1] * rng.uniform(0.8, 1.2, 8) + rng.normal(0, 0.005, 8)
    assert _judged(x) is None


def test_after_a_silence_the_others_may_have_moved_and_the_gauge_is_still_told():
    x = np.random.default_rng(4).normal(0, 0.03, 8)
    x[3] += 0.8
    found = _judged(x, window_after(40))
    assert found is not None
    assert found.gauge == 3
