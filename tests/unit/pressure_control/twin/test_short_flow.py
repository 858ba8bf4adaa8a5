"""A day unlike the learned one: the forecast is lifted while it falls short, and never lowered."""

from __future__ import annotations

import numpy as np
import pytest

from domain.series import FloatArray
from pressure_control.flow_forecast import FlowForecaster
from pressure_control.twin.short_flow import forecasts, lift

MINUTE: FloatArray = np.asarray(np.arange(3 * 288) * 5.0 % 1440.0, dtype=np.float64)


def usual_day() -> FloatArray:
    rng = np.random.default_rng(2)
    flow: FloatArray = 100.0 * (1.0 + 0.4 * np.sin(MINUTE / 1440.0 * 2.0 * np.pi)) * np.exp(rng.normal(0.0, 0.01, MINUTE.size))
    return flow


@pytest.fixture(scope="module")
def learned() -> FlowForecaster:
    forecaster = FlowForecaster(300.0)
    for flow, minute in zip(usual_day(), MINUTE, strict=True):
        forecaster.learn(float(flow), float(minute))
    return forecaster


def test_on_a_usual_day_it_hardly_lifts(learned: FlowForecaster) -> None:
    flow = usual_day()[-60:]
    assert 1.0 <= lift(learned, flow, MINUTE[-60:]) < 1.01
    assert np.allclose(forecasts(learned, flow, MINUTE[-60:])[20:], flow[20:], rtol=0.06)


def test_a_rise_that_nobody_learned_lifts_and_a_fall_does_not_lower(learned: FlowForecaster) -> None:
    for slope, rises in ((0.01, True), (-0.01, False)):
        flow = usual_day()[-60:] * np.exp(np.maximum(0.0, np.arange(60) - 40) * slope)
        found = lift(learned, flow, MINUTE[-60:])
        assert (found > 1.002) if rises else (found == pytest.approx(1.0, abs=1e-3))


def test_a_single_wild_step_counts_no_more_than_four_standard_deviations(learned: FlowForecaster) -> None:
    flow = usual_day()[-60:]
    flow[-1] *= 3.0
    assert lift(learned, flow, MINUTE[-60:]) < 1.05
