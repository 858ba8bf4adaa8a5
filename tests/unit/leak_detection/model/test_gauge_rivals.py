"""What one leak makes of all gauges is likeliest by that leak; what one gauge shows alone by none."""

import numpy as np
import pytest

from leak_detection.model.gauge_rivals import best_leak, with_signature_error

_GAUGES = 6


def _signatures():
    along, at = np.linspace(0, 2000, 30)[:, None], np.linspace(0, 2000, _GAUGES)[None, :]
    return -0.01 * np.exp(-np.abs(along - at) / 800.0) - 0.002


def test_a_leak_explains_what_it_does_and_nothing_has_no_misfit():
    covariance = 0.01**2 * np.eye(_GAUGES)
    nothing = best_leak(np.zeros(_GAUGES), covariance, _signatures(), 8.0)
    assert nothing.misfit == pytest.approx(0.0)
    assert nothing.deviance == pytest.approx(np.log(0.01**2) * _GAUGES)
    leak = best_leak(12.0 * _signatures()[11], covariance, _signatures(), 8.0)
    assert leak.misfit < 3.0
    assert leak.deviance < nothing.deviance + 40.0


def test_what_no_leak_does_is_paid_by_misfit_or_by_the_error_of_a_leak_that_covers_it():
    covariance = 0.01**2 * np.eye(_GAUGES)
    alone = np.zeros(_GAUGES)
    alone[2] = 1.5
    nothing = best_leak(np.zeros(_GAUGES), covariance, _signatures(), 8.0)
    assert best_leak(alone, covariance, _signatures(), 8.0).deviance > nothing.deviance + 30.0


def test_the_error_of_a_leak_grows_with_it_and_none_brings_none():
    covariance = np.eye(_GAUGES)
    assert np.array_equal(with_signature_error(covariance, np.zeros(_GAUGES)), covariance)
    small, large = (np.diag(with_signature_error(covariance, flow * _signatures()[3])) for flow in (5.0, 50.0))
    assert (large > small).all()
