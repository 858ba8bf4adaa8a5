"""A linear fit of a loss, reading by reading, and the spread of its late errors: what the learners of losses share.

y = θ · inputs                     recursive least squares with forgetting
σ² = s0 + s1 · x²                  of (loss that came − loss forecast one step before); x grows with the flow
z = quantile of past errors, each over its σ

Recursive least squares: Ljung, System Identification, 2nd ed., section 11.2.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np

from domain.series import FloatArray
from pressure_control.flow_forecast import vector

_HIGHEST_Z = 4.5
_FORGETTING = 0.999
_VARIANCE_FORGETTING = 0.998
_WIDEST = 100.0
_KEPT = 2000
_LEAST_SCALED = 60
_SORTED_EVERY = 12
_LEAST_REJECT_M = 2.0
_REJECT_SD = 4.0
_ABNORMAL_SD = 6.0
_ABNORMAL_M = 1.0
_ACCEPT_AFTER = 24
"""A higher loss that lasts so many readings is the new truth; a lower one is never taken over unasked."""
_LEAST_VARIANCE_M2 = 1e-4
_LEAST_SD_M = 0.05


class RecursiveFit:
    """θ of four inputs, and how far forecasts with it were ever wrong."""

    def __init__(self, *, prior: tuple[float, float, float, float], trusted_after: int, lowest_z: float) -> None:
        """Nothing learned yet.

        Args:
            prior: How far each entry of θ may lie from 0, over the noise, squared.
            trusted_after: Readings before an odd one can be told.
            lowest_z: Least quantile that is ever believed.
        """
        self._trusted_after, self._lowest_z = trusted_after, lowest_z
        self.theta = np.zeros(4)
        self._spread = np.diag(prior)
        self._moments = np.array([[1.0, 0.0], [0.0, 1e-6]])
        self._squares = np.array([1.0, 0.0])
        self._scaled: deque[float] = deque(maxlen=_KEPT)
        self._z: dict[float, tuple[int, float]] = {}
        self._high = 0
        self.samples = 0

    def state(self) -> dict[str, Any]:
        """All that was learned, as plain values."""
        return {
            "theta": self.theta.tolist(),
            "spread": self._spread.tolist(),
            "moments": self._moments.tolist(),
            "squares": self._squares.tolist(),
            "scaled": [round(float(v), 4) for v in self._scaled],
            "z": [[q, at, z] for q, (at, z) in self._z.items()],
            "high": self._high,
            "samples": self.samples,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Takes over what ``state`` gave.

        Raises:
            KeyError, TypeError, ValueError: Not such a state.
        """
        self.theta, self._spread = vector(state["theta"], (4,)), vector(state["spread"], (4, 4))
        self._moments, self._squares = vector(state["moments"], (2, 2)), vector(state["squares"], (2,))
        self._scaled = deque((float(v) for v in state["scaled"]), maxlen=_KEPT)
        self._z = {float(q): (int(at), float(z)) for q, at, z in state["z"]}
        self._high, self.samples = int(state["high"]), int(state["samples"])

    @property
    def known(self) -> bool:
        """Whether enough readings were seen to judge others by them."""
        return self.samples >= self._trusted_after

    def expected(self, x: FloatArray, minute: FloatArray | float) -> FloatArray:
        """θ · (1, x, hours) at local minutes of the day."""
        angle = 2.0 * np.pi * minute / 1440.0
        a, r, s, c = self.theta
        return np.asarray(a + r * x + 0.3 * (s * np.sin(angle) + c * np.cos(angle)), dtype=np.float64)

    @staticmethod
    def inputs(x: float, minute: float) -> FloatArray:
        """1, x and the terms of the hour."""
        angle = 2.0 * math.pi * minute / 1440.0
        return np.array([1.0, x, 0.3 * math.sin(angle), 0.3 * math.cos(angle)])

    def deviation(self, x: FloatArray) -> FloatArray:
        """Standard deviation of the one-step error [m] at each x."""
        (a, b), (_, d) = self._moments
        det = a * d - b * b
        s1 = max(0.0, float((a * self._squares[1] - b * self._squares[0]) / det) if det > 1e-9 * a * d else 0.0)
        s0 = (float(self._squares[0]) - b * s1) / a
        if s0 < 0:
            s0, s1 = 0.0, max(0.0, float(self._squares[1]) / d)
        return np.asarray(np.sqrt(np.maximum(s0 + s1 * x * x, _LEAST_VARIANCE_M2)), dtype=np.float64)

    def sd(self, x: float) -> float:
        """The same at one x."""
        return float(self.deviation(np.asarray(x)))

    def felt(self, x: FloatArray, noise_m: float) -> FloatArray:
        """What customers feel of it [m], without the readings' own noise; wider while little is known."""
        real = np.sqrt(np.maximum(self.deviation(x) ** 2 - noise_m**2, _LEAST_SD_M**2))
        return np.asarray(real * (1.0 + 30.0 / max(self.samples, 1)), dtype=np.float64)

    def quantile(self, quantile: float) -> float:
        """Errors over their standard deviation that all but ``1 − quantile`` of the past stayed below.

        Sorted anew every so many readings: at each it would cost most of a step.
        """
        if len(self._scaled) < _LEAST_SCALED:
            return _HIGHEST_Z
        at, z = self._z.get(quantile, (0, 0.0))
        if at == 0 or self.samples >= at + _SORTED_EVERY:
            z = min(max(float(np.quantile(np.array(self._scaled), quantile)), self._lowest_z), _HIGHEST_Z)
            self._z[quantile] = (self.samples, z)
        return z

    def implausible(self, error_m: float, x: float) -> bool:
        """Whether a loss lies so far below what is known that the sensor is not believed."""
        return self.known and error_m < -max(_REJECT_SD * self.sd(x), _LEAST_REJECT_M)

    def learn(self, inputs: FloatArray, error_m: float, late_error_m: float, x_forecast: float) -> bool:
        """Takes one reading, unless it is abnormal.

        Args:
            inputs: Shape (4,).
            error_m: Loss less what θ expects of the inputs.
            late_error_m: Loss less what had been forecast one step before.
            x_forecast: The x of that forecast.

        Returns:
            Whether it taught anything.
        """
        if self._abnormal(late_error_m, x_forecast):
            return False
        gain = self._spread @ inputs / (_FORGETTING + float(inputs @ self._spread @ inputs))
        self.theta += gain * error_m
        self._spread -= np.outer(gain, inputs @ self._spread)
        # What the readings do not tell apart is not forgotten either: else the spread would grow without end.
        if float(self._spread.trace()) < _WIDEST:
            self._spread /= _FORGETTING
        self.samples += 1
        if self.samples > 24:
            self._learn_spread(late_error_m, x_forecast)
        return True

    def _abnormal(self, error_m: float, x: float) -> bool:
        if self.implausible(error_m, x):
            return True
        if not self.known or error_m <= _ABNORMAL_SD * self.sd(x) + _ABNORMAL_M:
            self._high = 0
            return False
        self._high += 1
        return self._high < _ACCEPT_AFTER

    def _learn_spread(self, error_m: float, x: float) -> None:
        sd = self.sd(x)
        scaled = error_m / sd
        square = min(scaled * scaled, 16.0) * sd * sd
        weight = 1.0 / sd**4
        g = np.array([1.0, x * x])
        self._moments = _VARIANCE_FORGETTING * self._moments + weight * np.outer(g, g)
        self._squares = _VARIANCE_FORGETTING * self._squares + weight * square * g
        if self.samples > 48:
            self._scaled.append(scaled)
