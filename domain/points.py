"""Points: a place, a quantity and a role. Devices come and go, the point stays."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NewType

from domain.quantities import Quantity

PointKey = NewType("PointKey", str)
"""Stable dotted name of a point, e.g. ``dma1.inlet.flow``."""


class PointKind(StrEnum):
    """How values of a point relate to time. The three are never mixed."""

    INSTANT = "instant"
    """Sampled: pressure, level, momentary flow."""
    INTERVAL = "interval"
    """An amount or mean over ``(start, end]``, stamped at the end."""
    REGISTER = "register"
    """A cumulative index with a modulus."""


class Role(StrEnum):
    """What the point is for in its zone."""

    INFLOW = "inflow"
    INLET_PRESSURE = "inlet_pressure"
    OUTLET_PRESSURE = "outlet_pressure"
    CRITICAL_PRESSURE = "critical_pressure"
    SETPOINT = "setpoint"
    TANK_LEVEL = "tank_level"
    PUMP_POWER = "pump_power"
    PUMP_ENERGY = "pump_energy"
    PUMP_FLOW = "pump_flow"
    CUSTOMER = "customer"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One thing that is measured or set."""

    key: PointKey
    quantity: Quantity
    kind: PointKind
    role: Role
    resolution: Decimal
    """Smallest step in the canonical unit; stored values are whole multiples of it."""
    zone: str | None = None
    """Key of the zone the point belongs to; None for points of the whole network."""
    low: float | None = None
    """Plausible minimum in the canonical unit; below it a reading is suspect."""
    high: float | None = None
    """Plausible maximum in the canonical unit; above it a reading is suspect."""
    period_s: int = 60
    """Expected time between two readings [s]."""
    x: float | None = None
    y: float | None = None
    """Place in the network's own coordinates [m]."""
    node: str | None = None
    """Name of the node or link in the network model, where there is one."""

    def counts(self, value: float) -> int:
        """The value as a whole number of ``resolution``, rounded half to even."""
        return int((Decimal(repr(float(value))) / self.resolution).to_integral_value())

    def value(self, counts: int) -> float:
        """The canonical value of a whole number of ``resolution``."""
        return float(counts * self.resolution)
