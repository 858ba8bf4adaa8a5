from __future__ import annotations

import numpy as np
import pytest

from leak_detection.baseline import SLOTS
from leak_detection.flow_step import LEAST_THRESHOLD, fit_steps, learn_steps
from tests.support.toy_zone import PER_DAY, ar1

DAYS = 14
DAY = np.repeat(np.arange(DAYS), PER_DAY)
MINUTE = np.tile(np.arange(PER_DAY) * 5.0, DAYS)
SPREAD = np.full(SLOTS, 2.0)


def wander(seed: int, size: int = DAYS * PER_DAY) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return 2.0 * (0.8 * ar1(rng, size, 1.0, 36.0) + 0.5 * rng.normal(0, 1, size))


def test_the_step_is_measured_with_its_onset() -> None:
    model = learn_steps(wander(1), DAY, MINUTE, SPREAD, 300.0)
    residual = wander(2, 200)
    residual[-18:] += 12.0
    fit = fit_steps(residual, np.full(200, 2.0), model)
    best = int(np.argmax(fit.ratio[-1]))
    assert model.ages[best] == pytest.approx(18, abs=1)
    assert fit.flow_m3h[-1, best] == pytest.approx(12.0, abs=3.0)
    assert fit.ratio[-1, best] > model.thresholds[0, best]


def test_the_promised_standard_error_is_the_real_one() -> None:
    model = learn_steps(wander(1), DAY, MINUTE, SPREAD, 300.0)
    fit = fit_steps(wander(5), np.full(DAYS * PER_DAY, 2.0), model)
    assert fit.ratio.std() == pytest.approx(1.0, abs=0.25)


def test_history_without_steps_stays_below_its_thresholds_elsewhere_too() -> None:
    model = learn_steps(wander(1), DAY, MINUTE, SPREAD, 300.0)
    assert model.thresholds.min() >= LEAST_THRESHOLD
    for seed in range(10, 20):
        fit = fit_steps(wander(seed), np.full(DAYS * PER_DAY, 2.0), model)
        assert (fit.ratio / model.thresholds[0]).max() < 1.0


def test_a_habit_of_one_hour_raises_the_threshold_of_that_hour_alone() -> None:
    residual = wander(1)
    hour = (MINUTE >= 6 * 60) & (MINUTE < 7 * 60)
    residual[hour] += np.repeat(np.random.default_rng(0).normal(0, 25.0, DAYS), 12)
    model = learn_steps(residual, DAY, MINUTE, SPREAD, 300.0)
    assert model.thresholds[26].max() > 1.3 * model.thresholds[60].max()


def test_holes_are_not_steps() -> None:
    model = learn_steps(wander(1), DAY, MINUTE, SPREAD, 300.0)
    residual = wander(2, 200) + 50.0
    residual[-3:] = np.nan
    assert (fit_steps(residual, np.full(200, 2.0), model).ratio[-1] == 0.0).all()
    residual = wander(2, 200)
    residual[-72:-20] = np.nan
    assert (fit_steps(residual, np.full(200, 2.0), model).ratio[-1] == 0.0).all()


def test_too_short_a_past_fits_nothing() -> None:
    model = learn_steps(wander(1), DAY, MINUTE, SPREAD, 300.0)
    assert fit_steps(np.zeros(10), np.ones(10), model).ratio.shape[0] == 0
