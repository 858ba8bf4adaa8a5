"""How much a zone's leakage answers to pressure, learned from the valve's own accepted steps.

L1 / L0 = (P1 / P0)^N1        dL = β · d ln P        β = N1 · L [m³/h]

Each step of the setpoint is a small experiment: what the flow then does beyond its forecast is regressed on the change of ln P. The
law moves because of the flow it has just seen, so what the forecast missed in the steps before, and the change it expected, stand
beside as explanations of their own; else their echo would be taken for the leak's answer. A flow that nobody forecast is noise:
many steps are needed, and the error says how far they carry. N1 follows where the leakage L is known from nights.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pressure_control.flow_forecast import vector

PRIOR_N1 = 1.1
PRIOR_N1_SD = 0.35
"""Published exponents of whole zones lie between 0.5 and 1.5 (FAVAD, field tests)."""
_LEAST_STEP = 0.004
"""Of ln P: smaller moves teach nothing."""
_WILD_SD = 4.0
_FLOOR, _ECHO = 1e-8, 1.0
"""Of the normal equations, so that they can be solved before anything is learned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exponent:
    """N1 with one standard error."""

    value: float
    error: float
    steps: int
    """Accepted steps it rests on; 0: the published range alone."""


class LeakResponse:
    """The regression: flow beyond its forecast on (change of ln P, what was missed one and two steps before, change forecast)."""

    def __init__(self) -> None:
        self._normal = np.diag([_FLOOR, _ECHO, _ECHO, _ECHO])
        self._moment = np.zeros(4)
        self.steps = 0

    def learn(self, missed: Sequence[float], change_m3h: float, sd_m3h: float, pressure_m: float, before_m: float) -> None:
        """Takes one step, with or without a move of the valve.

        Args:
            missed: Flow less its one-step forecast in this step and in the two before [m³/h].
            change_m3h: Change of flow that was forecast for the step.
            sd_m3h: Standard deviation of what is missed without a move.
            pressure_m: Mean pressure of the zone in the step.
            before_m: The same in the step before.
        """
        if min(pressure_m, before_m) < 1.0 or sd_m3h <= 0 or max(map(abs, missed)) > _WILD_SD * sd_m3h:
            return
        x = math.log(pressure_m / before_m)
        # In units of the noise: a β near the leakage gives numbers near 1.
        inputs = np.array([x / sd_m3h, missed[1] / sd_m3h, missed[2] / sd_m3h, change_m3h / sd_m3h])
        self._normal += np.outer(inputs, inputs)
        self._moment += inputs * (missed[0] / sd_m3h)
        self.steps += abs(x) > _LEAST_STEP

    @property
    def beta_m3h(self) -> float:
        """β [m³/h]; 0 while nothing was learned."""
        return float(np.linalg.solve(self._normal, self._moment)[0])

    @property
    def error_m3h(self) -> float:
        """One standard error of β [m³/h]."""
        return math.sqrt(float(np.linalg.inv(self._normal)[0, 0]))

    def exponent(self, leakage_m3h: float) -> Exponent:
        """N1 at a known leakage: the published range, narrowed by what the steps showed."""
        prior, weight = 1.0 / PRIOR_N1_SD**2, (max(leakage_m3h, 0.0) / self.error_m3h) ** 2
        found = self.beta_m3h / leakage_m3h if weight > 0 else 0.0
        value = float((prior * PRIOR_N1 + weight * found) / (prior + weight))
        return Exponent(value=min(max(value, 0.0), 3.0), error=1.0 / math.sqrt(prior + weight), steps=self.steps)

    def state(self) -> dict[str, Any]:
        """The sums, as plain values."""
        return {"normal": self._normal.tolist(), "moment": self._moment.tolist(), "steps": self.steps}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Takes over what ``state`` gave.

        Raises:
            KeyError, TypeError, ValueError: Not such a state.
        """
        self._normal, self._moment = vector(state["normal"], (4, 4)), vector(state["moment"], (4,))
        self.steps = int(state["steps"])
