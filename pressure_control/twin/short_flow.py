"""The flow forecast, lifted by what it has lately fallen short of.

The usual day is learned in days; a holiday, a match or the first weekend has another. Then the one-step errors, else without
memory, all point one way for hours. Their recent mean, where it is above 0, is added to the next forecast.
"""

from __future__ import annotations

import math

import numpy as np

from domain.series import FloatArray
from pressure_control.flow_forecast import FlowForecaster

_MEMORY = 0.15
"""Share of the newest error in the mean."""
_WILD_SD = 4.0
_OFFSET_SHARE = 0.05
"""The forecaster's logarithm is of the flow plus this share of its scale."""


def forecasts(flow: FlowForecaster, flow_m3h: FloatArray, minute: FloatArray) -> FloatArray:
    """Flow that was to be expected at each step of the past, one step before it, shape (T,) [m³/h]; NaN where nothing was."""
    error = _errors(flow, flow_m3h, minute)
    short = _short(error, math.sqrt(flow.variance))
    before = np.concatenate(([0.0], short[:-1]))
    offset = _OFFSET_SHARE * flow.scale_m3h
    return np.asarray((flow_m3h + offset) * np.exp(before - error) - offset, dtype=np.float64)


def lift(flow: FlowForecaster, flow_m3h: FloatArray, minute: FloatArray) -> float:
    """Factor on the forecast of the next steps, at least 1."""
    short = _short(_errors(flow, flow_m3h, minute), math.sqrt(flow.variance))
    return float(math.exp(short[-1])) if short.size else 1.0


def _errors(flow: FlowForecaster, flow_m3h: FloatArray, minute: FloatArray) -> FloatArray:
    x = flow.deviations(flow_m3h, minute)
    return np.asarray(x - flow.expected(x), dtype=np.float64)


def _short(error: FloatArray, sd: float) -> FloatArray:
    """Mean of the recent errors after each step, not below 0."""
    mean, found = 0.0, np.zeros(error.size)
    for k, e in enumerate(np.clip(error, -_WILD_SD * sd, _WILD_SD * sd)):
        if math.isfinite(e):
            mean += _MEMORY * (e - mean)
        found[k] = max(mean, 0.0)
    return found
