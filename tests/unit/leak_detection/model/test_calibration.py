"""Draws moved by measurements come to the known answer of the linear case."""

import numpy as np
import pytest

from leak_detection.model.calibration import smooth


def test_a_linear_case_comes_to_the_posterior_that_is_known():
    rng = np.random.default_rng(3)
    matrix = rng.normal(size=(6, 3))
    truth = np.array([0.8, -0.5, 0.3])
    draws = rng.normal(size=(1500, 3))
    measured = matrix @ truth
    after = smooth(draws, draws @ matrix.T, measured, rng)
    covariance = np.linalg.inv(np.eye(3) + matrix.T @ matrix)
    assert after.mean(axis=0) == pytest.approx(covariance @ matrix.T @ measured, abs=0.06)
    assert np.cov(after.T) == pytest.approx(covariance, abs=0.03)


def test_what_is_not_measured_stays_as_it_was():
    rng = np.random.default_rng(4)
    draws = rng.normal(size=(1000, 2))
    after = smooth(draws, draws[:, :1], np.array([2.0]), rng)
    assert after[:, 0].mean() == pytest.approx(1.0, abs=0.1)
    assert after[:, 1].mean() == pytest.approx(0.0, abs=0.1)
    assert after[:, 1].std() == pytest.approx(1.0, abs=0.1)
