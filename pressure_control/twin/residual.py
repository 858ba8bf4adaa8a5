"""What the copy does not know of one watched point: its height, its friction, its hours, and how far forecasts are ever wrong.

d − s − F = θ · (1, F, sin, cos of the day)        d = p_out − p measured, s and F the copy's height difference and friction
σ² = s0 + s1 · F²                                  of (loss that came − loss forecast one step before)
z = quantile of past errors, each over its σ

A copy that is right leaves θ at 0; one whose pipes are a tenth too smooth is found out by its second entry within a day.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from domain.series import FloatArray

_FORGETTING = 0.999
_VARIANCE_FORGETTING = 0.998
_PRIOR = (1e3, 0.3, 1.0, 1.0)
"""How far θ may lie from 0, over the noise, squared: a gauge's height is unknown, friction known to some tens of percent."""
_FRICTION_M = 5.0
_WIDEST = 100.0
_KEPT = 2000
_TRUSTED_AFTER = 48
_LEAST_REJECT_M = 2.0
_REJECT_SD = 4.0
_ABNORMAL_SD = 6.0
_ABNORMAL_M = 1.0
_ACCEPT_AFTER = 24
"""A higher loss that lasts so many readings is the new truth; a lower one is never taken over unasked."""
_LEAST_SCALED = 60
_LEAST_SD_M = 0.05
_LOWEST_Z, _HIGHEST_Z = 2.0, 4.5


class Residual:
    """The learned difference between a copy and one watched point."""

    def __init__(self) -> None:
        self._theta = np.zeros(4)
        self._spread = np.diag(_PRIOR)
        self._moments = np.array([[1.0, 0.0], [0.0, 1e-6]])
        self._squares = np.array([1.0, 0.0])
        self._scaled: deque[float] = deque(maxlen=_KEPT)
        self._z: dict[float, tuple[int, float]] = {}
        self._high = 0
        self.samples = 0

    @property
    def known(self) -> bool:
        """Whether enough readings were seen for it to be used."""
        return self.samples >= _TRUSTED_AFTER

    def at(self, friction_m: FloatArray, minute: float) -> FloatArray:
        """What is to be added to the copy's loss [m] at its friction and a local minute of the day."""
        a, r, s, c = self._theta
        angle = 2.0 * math.pi * minute / 1440.0
        hours = 0.3 * (s * math.sin(angle) + c * math.cos(angle))
        return np.asarray(a + r * friction_m / _FRICTION_M + hours, dtype=np.float64)

    @property
    def friction_error(self) -> float:
        """Share by which the copy's friction is too small."""
        return float(self._theta[1]) / _FRICTION_M

    def spread(self, friction_m: FloatArray) -> FloatArray:
        """Standard deviation of the one-step error [m] at the copy's frictions."""
        (a, b), (_, d) = self._moments
        det = a * d - b * b
        s1 = max(0.0, float((a * self._squares[1] - b * self._squares[0]) / det) if det > 1e-9 * a * d else 0.0)
        s0 = (float(self._squares[0]) - b * s1) / a
        if s0 < 0:
            s0, s1 = 0.0, max(0.0, float(self._squares[1]) / d)
        return np.asarray(np.sqrt(np.maximum(s0 + s1 * (friction_m / _FRICTION_M) ** 2, 1e-4)), dtype=np.float64)

    def sd(self, friction_m: float) -> float:
        """The same at one friction."""
        return float(self.spread(np.array([friction_m]))[0])

    def z(self, quantile: float) -> float:
        """Errors over their standard deviation that all but ``1 − quantile`` of the past stayed below."""
        if len(self._scaled) < _LEAST_SCALED:
            return _HIGHEST_Z
        at, z = self._z.get(quantile, (0, 0.0))
        if at == 0 or self.samples >= at + 12:
            z = min(max(float(np.quantile(np.array(self._scaled), quantile)), _LOWEST_Z), _HIGHEST_Z)
            self._z[quantile] = (self.samples, z)
        return z

    def felt(self, friction_m: FloatArray, noise_m: float) -> FloatArray:
        """What customers feel of the spread [m], without the readings' own noise; wider while little is known."""
        real = np.sqrt(np.maximum(self.spread(friction_m) ** 2 - noise_m**2, _LEAST_SD_M**2))
        return np.asarray(real * (1.0 + 30.0 / max(self.samples, 1)), dtype=np.float64)

    def implausible(self, error_m: float, friction_m: float) -> bool:
        """Whether a loss lies so far below what is known that the sensor is not believed."""
        return self.known and error_m < -max(_REJECT_SD * self.sd(friction_m), _LEAST_REJECT_M)

    def learn(self, loss_m: float, still_m: float, friction_m: float, forecast_m: float, minute: float) -> None:
        """Takes one reading.

        Args:
            loss_m: Outlet pressure less the reading.
            still_m: The copy's loss without flow.
            friction_m: What the flow adds to that by the copy, at the flow measured then.
            forecast_m: The same at the flow that had been forecast for then.
            minute: Local minute of the day.
        """
        angle = 2.0 * math.pi * minute / 1440.0
        inputs = np.array([1.0, friction_m / _FRICTION_M, 0.3 * math.sin(angle), 0.3 * math.cos(angle)])
        error = loss_m - still_m - friction_m - float(self._theta @ inputs)
        late_error = error + (1.0 + self.friction_error) * (friction_m - forecast_m)
        if self._abnormal(late_error, forecast_m):
            return
        gain = self._spread @ inputs / (_FORGETTING + float(inputs @ self._spread @ inputs))
        self._theta += gain * error
        self._spread -= np.outer(gain, inputs @ self._spread)
        # What the readings do not tell apart is not forgotten either: else the spread would grow without end.
        if float(self._spread.trace()) < _WIDEST:
            self._spread /= _FORGETTING
        self.samples += 1
        if self.samples > 24:
            self._learn_spread(late_error, forecast_m)

    def _abnormal(self, error: float, friction_m: float) -> bool:
        if self.implausible(error, friction_m):
            return True
        if not self.known or error <= _ABNORMAL_SD * self.sd(friction_m) + _ABNORMAL_M:
            self._high = 0
            return False
        self._high += 1
        return self._high < _ACCEPT_AFTER

    def _learn_spread(self, error: float, friction_m: float) -> None:
        sd = self.sd(friction_m)
        x = friction_m / _FRICTION_M
        scaled = error / sd
        square = min(scaled * scaled, 16.0) * sd * sd
        weight = 1.0 / sd**4
        g = np.array([1.0, x * x])
        self._moments = _VARIANCE_FORGETTING * self._moments + weight * np.outer(g, g)
        self._squares = _VARIANCE_FORGETTING * self._squares + weight * square * g
        if self.samples > 48:
            self._scaled.append(scaled)
