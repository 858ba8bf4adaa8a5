"""Head loss to one watched pressure, learned reading by reading.

d = p_out − p = θ · (1, X, sin, cos of the day)      X = (Q / Q0)^1.85, recursive least squares with forgetting
σ² = s0 + s1 · X²                                    of (loss that came − loss forecast one step before); grows with the head loss
margin = z · σ                                       z: empirical quantile of past errors, each over its σ
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from domain.series import FloatArray
from pressure_control.recursive_fit import RecursiveFit

_PRIOR = (1e3, 10.0, 1.0, 1.0)
"""How far a, r and the hour terms may lie from 0, over the noise, squared."""
_FIRST = 96
_TRUSTED_AFTER = 150
_LOWEST_Z = 2.4


class RecursiveLoss:
    """What is known of the loss to one point."""

    def __init__(self) -> None:
        self._fit = RecursiveFit(prior=_PRIOR, trusted_after=_TRUSTED_AFTER, lowest_z=_LOWEST_Z)
        self.first_m = 0.0
        """Mean loss of the first day of readings: before a law has changed anything."""
        self.rejected = 0
        """Readings in a row that were not believed."""

    @property
    def samples(self) -> int:
        """Readings that taught it."""
        return self._fit.samples

    def state(self) -> dict[str, Any]:
        """All that was learned, as plain values."""
        return self._fit.state() | {"first_m": self.first_m, "rejected": self.rejected}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Takes over what ``state`` gave.

        Raises:
            KeyError, TypeError, ValueError: Not such a state.
        """
        self._fit.restore(state)
        self.first_m, self.rejected = float(state["first_m"]), int(state["rejected"])

    def at(self, x: FloatArray, minute: FloatArray) -> FloatArray:
        """Expected loss [m] at X and local minutes of the day."""
        return self._fit.expected(x, minute)

    def sd(self, x: float) -> float:
        """Standard deviation of the one-step error at X [m]."""
        return self._fit.sd(x)

    def margin(self, x: float, quantile: float, noise_m: float) -> float:
        """What a forecast loss at X was exceeded by in all but ``1 − quantile`` of cases [m]; wider while little is known.

        Args:
            x: X of the forecast.
            quantile: Share of moments to be covered.
            noise_m: Standard deviation of the readings' own noise: no customer feels it.
        """
        return self._fit.quantile(quantile) * float(self._fit.felt(np.asarray(x), noise_m))

    def implausible(self, error_m: float, x: float) -> bool:
        """Whether a loss lies so far below what is known that the sensor is not believed."""
        return self._fit.implausible(error_m, x)

    def learn(self, loss_m: float, x: float, x_forecast: float, minute: float) -> None:
        """Takes one reading: the loss, X then, and the X that had been forecast for then."""
        inputs = self._fit.inputs(x, minute)
        error = loss_m - float(self._fit.theta @ inputs)
        late_error = error + float(self._fit.theta[1]) * (x - x_forecast)
        self.rejected = self.rejected + 1 if self._fit.implausible(late_error, x_forecast) else 0
        if self._fit.learn(inputs, error, late_error, x_forecast) and self.samples <= _FIRST:
            self.first_m += (loss_m - self.first_m) / self.samples
