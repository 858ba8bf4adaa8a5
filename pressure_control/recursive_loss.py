"""Head loss to one watched pressure, learned reading by reading.

d = p_out − p = θ · (1, X, sin, cos of the day)      X = (Q / Q0)^1.85, recursive least squares with forgetting
σ² = s0 + s1 · X²                                    of (loss that came − loss forecast one step before); grows with the head loss
margin = z · σ                                       z: empirical quantile of past errors, each over its σ
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np

from domain.series import FloatArray
from pressure_control.flow_forecast import vector

_FORGETTING = 0.999
_VARIANCE_FORGETTING = 0.998
_PRIOR = (1e3, 10.0, 1.0, 1.0)
"""How far a, r and the hour terms may lie from 0, over the noise, squared."""
_WIDEST = 100.0
_KEPT = 2000
_FIRST = 96
_TRUSTED_AFTER = 150
_LEAST_REJECT_M = 2.0
_REJECT_SD = 4.0
_ABNORMAL_SD = 6.0
_ABNORMAL_M = 1.0
_ACCEPT_AFTER = 24
"""A higher loss that lasts so many readings is the new truth; a lower one is never taken over unasked."""
_LOWEST_Z, _HIGHEST_Z = 2.4, 4.5


class RecursiveLoss:
    """What is known of the loss to one point."""

    def __init__(self) -> None:
        self._theta = np.zeros(4)
        self._spread = np.diag(_PRIOR)
        self._moments = np.array([[1.0, 0.0], [0.0, 1e-6]])
        self._squares = np.array([1.0, 0.0])
        self._scaled: deque[float] = deque(maxlen=_KEPT)
        self._z: tuple[int, float] = (0, _HIGHEST_Z)
        self._high = 0
        self.samples = 0
        self.first_m = 0.0
        """Mean loss of the first day of readings: before a law has changed anything."""
        self.rejected = 0
        """Readings in a row that were not believed."""

    def state(self) -> dict[str, Any]:
        """All that was learned, as plain values."""
        return {
            "theta": self._theta.tolist(),
            "spread": self._spread.tolist(),
            "moments": self._moments.tolist(),
            "squares": self._squares.tolist(),
            "scaled": [round(float(v), 4) for v in self._scaled],
            "z": list(self._z),
            "high": self._high,
            "samples": self.samples,
            "first_m": self.first_m,
            "rejected": self.rejected,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Takes over what ``state`` gave.

        Raises:
            KeyError, TypeError, ValueError: Not such a state.
        """
        self._theta, self._spread = vector(state["theta"], (4,)), vector(state["spread"], (4, 4))
        self._moments, self._squares = vector(state["moments"], (2, 2)), vector(state["squares"], (2,))
        self._scaled = deque((float(v) for v in state["scaled"]), maxlen=_KEPT)
        at, z = state["z"]
        self._z, self._high = (int(at), float(z)), int(state["high"])
        self.samples, self.rejected = int(state["samples"]), int(state["rejected"])
        self.first_m = float(state["first_m"])

    def at(self, x: FloatArray, minute: FloatArray) -> FloatArray:
        """Expected loss [m] at X and local minutes of the day."""
        angle = 2.0 * np.pi * minute / 1440.0
        a, r, s, c = self._theta
        return np.asarray(a + r * x + 0.3 * (s * np.sin(angle) + c * np.cos(angle)), dtype=np.float64)

    def sd(self, x: float) -> float:
        """Standard deviation of the one-step error at X [m]."""
        (a, b), (_, d) = self._moments
        det = a * d - b * b
        s1 = (a * self._squares[1] - b * self._squares[0]) / det if det > 1e-9 * a * d else 0.0
        s1 = max(0.0, float(s1))
        s0 = (float(self._squares[0]) - b * s1) / a
        if s0 < 0:
            s0, s1 = 0.0, max(0.0, float(self._squares[1]) / d)
        return math.sqrt(max(s0 + s1 * x * x, 1e-4))

    def margin(self, x: float, quantile: float, noise_m: float) -> float:
        """What a forecast loss at X was exceeded by in all but ``1 − quantile`` of cases [m]; wider while little is known.

        Args:
            x: X of the forecast.
            quantile: Share of moments to be covered.
            noise_m: Standard deviation of the readings' own noise: no customer feels it.
        """
        real = math.sqrt(max(self.sd(x) ** 2 - noise_m**2, 0.05**2))
        return self._quantile(quantile) * real * (1.0 + 30.0 / max(self.samples, 1))

    def implausible(self, error_m: float, x: float) -> bool:
        """Whether a loss lies so far below what is known that the sensor is not believed."""
        return self.samples >= _TRUSTED_AFTER and error_m < -max(_REJECT_SD * self.sd(x), _LEAST_REJECT_M)

    def learn(self, loss_m: float, x: float, x_forecast: float, minute: float) -> None:
        """Takes one reading: the loss, X then, and the X that had been forecast for then."""
        angle = 2.0 * math.pi * minute / 1440.0
        inputs = np.array([1.0, x, 0.3 * math.sin(angle), 0.3 * math.cos(angle)])
        error = loss_m - float(self._theta @ inputs)
        late_error = error + float(self._theta[1]) * (x - x_forecast)
        if self._abnormal(late_error, x_forecast):
            return
        gain = self._spread @ inputs / (_FORGETTING + float(inputs @ self._spread @ inputs))
        self._theta += gain * error
        self._spread -= np.outer(gain, inputs @ self._spread)
        # What the readings do not tell apart is not forgotten either: else the spread would grow without end.
        if float(self._spread.trace()) < _WIDEST:
            self._spread /= _FORGETTING
        self.samples += 1
        if self.samples <= _FIRST:
            self.first_m += (loss_m - self.first_m) / self.samples
        if self.samples > 24:
            self._learn_spread(late_error, x_forecast)

    def _abnormal(self, error: float, x: float) -> bool:
        if self.implausible(error, x):
            self.rejected += 1
            return True
        self.rejected = 0
        if self.samples < _TRUSTED_AFTER or error <= _ABNORMAL_SD * self.sd(x) + _ABNORMAL_M:
            self._high = 0
            return False
        self._high += 1
        return self._high < _ACCEPT_AFTER

    def _learn_spread(self, error: float, x: float) -> None:
        sd = self.sd(x)
        scaled = error / sd
        square = min(scaled * scaled, 16.0) * sd * sd
        weight = 1.0 / sd**4
        g = np.array([1.0, x * x])
        self._moments = _VARIANCE_FORGETTING * self._moments + weight * np.outer(g, g)
        self._squares = _VARIANCE_FORGETTING * self._squares + weight * square * g
        if self.samples > 48:
            self._scaled.append(scaled)

    def _quantile(self, quantile: float) -> float:
        if len(self._scaled) < 60:
            return _HIGHEST_Z
        if self.samples >= self._z[0] + 12 or self._z[0] == 0:
            z = float(np.quantile(np.array(self._scaled), quantile))
            self._z = (self.samples, min(max(z, _LOWEST_Z), _HIGHEST_Z))
        return self._z[1]
