"""Numbers that a utility configures and that mean nothing without their year and source: prices, energy, carbon."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """A configured number with its origin."""

    value: float
    unit: str
    year: int
    source: str

    def __post_init__(self) -> None:
        if not self.source.strip() or not self.unit.strip():
            raise ValueError(f"factor {self.value}: unit and source must be said")
        if not (math.isfinite(self.value) and self.value >= 0):
            raise ValueError(f"factor {self.value} {self.unit}: a finite number not below 0 is needed")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakFactors:
    """What lost water costs. Nothing is built in: what is not configured is not said."""

    water: Factor | None = None
    """Marginal cost of water, money per m³, energy included."""
    energy: Factor | None = None
    """kWh per m³."""
    carbon: Factor | None = None
    """kg CO₂ per kWh."""
    survey: Factor | None = None
    """Money per kilometre of main for a search with crews."""

    def money_a_day(self, flow_m3h: float) -> float | None:
        """What a flow costs a day in the unit of ``water``; None where that is not configured."""
        return None if self.water is None else 24.0 * flow_m3h * self.water.value

    def co2_kg_a_day(self, flow_m3h: float) -> float | None:
        """CO₂ of a flow [kg/day]; None where energy or carbon is not configured."""
        return None if self.energy is None or self.carbon is None else 24.0 * flow_m3h * self.energy.value * self.carbon.value
