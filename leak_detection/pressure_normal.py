"""Inflow as it would be at the usual pressure, so that control neither hides a leak nor looks like one.

    L(P) = L₀ · (P / P₀)^N1          N1 = 1.1 for mixed networks (157 zones: 0.36 to 2.95, mean 1.14)

How much of a zone's inflow is leakage is never known well: the night flow less the lawful use gives L₀, and detectors ask for
their proof at both ends of a range around it (``LEAKAGE_RANGE``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from domain.series import FloatArray
from leak_detection import robust

N1 = 1.1
LEAKAGE_RANGE = (0.4, 1.2)
"""The true L₀ lies between these multiples of the estimate."""
LEAKAGE_MIDDLE = 1.0
LEAKAGE_DOUBT = 0.25
"""Standard error of the estimate of L₀, as a share of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leakage:
    """A zone's pressure-dependent loss at its usual pressure."""

    flow_m3h: float
    """L₀ [m³/h], at least 0."""
    pressure_m: float
    """P₀ [m]; NaN where no pressure is known, then nothing is corrected."""
    n1: float = N1

    def correction(self, pressure_m: FloatArray, share: float = LEAKAGE_MIDDLE) -> FloatArray:
        """What the pressure adds to the inflow against P₀ [m³/h]: subtract it to compare. 0 where pressure is unknown."""
        if not (np.isfinite(self.pressure_m) and self.pressure_m > 1.0):
            return np.zeros(pressure_m.shape)
        known = robust.hold_last(pressure_m, self.pressure_m)
        ratio = np.clip(known / self.pressure_m, 0.1, 5.0)
        return share * self.flow_m3h * (ratio**self.n1 - 1.0)

    def at(self, flow_m3h: float, pressure_m: float) -> float:
        """A loss known at P₀, at another pressure [m³/h]."""
        if not (np.isfinite(self.pressure_m) and np.isfinite(pressure_m) and self.pressure_m > 1.0):
            return flow_m3h
        return float(flow_m3h * np.clip(pressure_m / self.pressure_m, 0.1, 5.0) ** self.n1)


def estimate_leakage(night_flow_m3h: float, lawful_m3h: float, night_pressure_m: float) -> Leakage:
    """L₀ from a typical minimum night flow less lawful night use, at the pressure of those nights."""
    if not np.isfinite(night_flow_m3h):
        return Leakage(flow_m3h=0.0, pressure_m=night_pressure_m)
    return Leakage(flow_m3h=float(np.clip(night_flow_m3h - lawful_m3h, 0.0, 0.9 * night_flow_m3h)), pressure_m=night_pressure_m)
