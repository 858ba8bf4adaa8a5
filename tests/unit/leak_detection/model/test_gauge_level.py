"""How far a gauge stands off beside the others."""

import numpy as np

from leak_detection.model.gauge_level import alone


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
