"""What the copy does not know of one watched point: its height, its friction, its hours, and how far forecasts are ever wrong.

d − s − F = θ · (1, F, sin, cos of the day)        d = p_out − p measured, s and F the copy's height difference and friction
σ² = s0 + s1 · F²                                  of (loss that came − loss forecast one step before)
z = quantile of past errors, each over its σ

A copy that is right leaves θ at 0; one whose pipes are a tenth too smooth is found out by its second entry within a day.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.series import FloatArray
from pressure_control.recursive_fit import RecursiveFit

_PRIOR = (1e3, 0.3, 1.0, 1.0)
"""How far θ may lie from 0, over the noise, squared: a gauge's height is unknown, friction known to some tens of percent."""
_FRICTION_M = 5.0
"""x of the fit is the copy's friction over this."""
_TRUSTED_AFTER = 48
_LOWEST_Z = 2.0


class Residual:
    """The learned difference between a copy and one watched point."""

    def __init__(self) -> None:
        self._fit = RecursiveFit(prior=_PRIOR, trusted_after=_TRUSTED_AFTER, lowest_z=_LOWEST_Z)

    def state(self) -> dict[str, Any]:
        """All that was learned, as plain values."""
        return self._fit.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Takes over what ``state`` gave.

        Raises:
            KeyError, TypeError, ValueError: Not such a state.
        """
        self._fit.restore(state)

    @property
    def known(self) -> bool:
        """Whether enough readings were seen for it to be used."""
        return self._fit.known

    def at(self, friction_m: FloatArray, minute: float) -> FloatArray:
        """What is to be added to the copy's loss [m] at its friction and a local minute of the day."""
        return self._fit.expected(friction_m / _FRICTION_M, minute)

    @property
    def friction_error(self) -> float:
        """Share by which the copy's friction is too small."""
        return float(self._fit.theta[1]) / _FRICTION_M

    def spread(self, friction_m: FloatArray) -> FloatArray:
        """Standard deviation of the one-step error [m] at the copy's frictions."""
        return self._fit.deviation(friction_m / _FRICTION_M)

    def sd(self, friction_m: float) -> float:
        """The same at one friction."""
        return self._fit.sd(friction_m / _FRICTION_M)

    def z(self, quantile: float) -> float:
        """Errors over their standard deviation that all but ``1 − quantile`` of the past stayed below."""
        return self._fit.quantile(quantile)

    def felt(self, friction_m: FloatArray, noise_m: float) -> FloatArray:
        """What customers feel of the spread [m], without the readings' own noise; wider while little is known."""
        return self._fit.felt(friction_m / _FRICTION_M, noise_m)

    def learn(self, loss_m: float, still_m: float, friction_m: float, forecast_m: float, minute: float) -> None:
        """Takes one reading.

        Args:
            loss_m: Outlet pressure less the reading.
            still_m: The copy's loss without flow.
            friction_m: What the flow adds to that by the copy, at the flow measured then.
            forecast_m: The same at the flow that had been forecast for then.
            minute: Local minute of the day.
        """
        inputs = self._fit.inputs(friction_m / _FRICTION_M, minute)
        error = loss_m - still_m - friction_m - float(self._fit.theta @ inputs)
        late_error = error + (1.0 + self.friction_error) * (friction_m - forecast_m)
        self._fit.learn(inputs, error, late_error, forecast_m / _FRICTION_M)
