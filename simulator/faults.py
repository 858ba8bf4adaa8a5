"""What goes wrong in a town: each fault says from when to when, and how much.

A leak's flow follows the orifice law Q = Q_ref (p / p_ref)^0.5; a creeping leak grows in a straight line to its full size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Timed:
    start: datetime
    end: datetime | None = None

    def active(self, moment: datetime) -> bool:
        """Whether the fault is there: start <= moment < end."""
        return self.start <= moment and (self.end is None or moment < self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst(_Timed):
    """A pipe that breaks, or with ``growth_h`` a leak that grows for so many hours."""

    zone: str
    node: str
    flow_m3h: float
    """Flow at ``reference_m``, once fully grown [m³/h]."""
    reference_m: float
    """Pressure at the node the flow is given for [m]."""
    growth_h: float = 0.0

    def share(self, moment: datetime) -> float:
        """How much of it is there, 0..1."""
        if not self.active(moment):
            return 0.0
        if self.growth_h <= 0:
            return 1.0
        return min(1.0, (moment - self.start).total_seconds() / 3600 / self.growth_h)

    def flow_at(self, moment: datetime, pressure_m: float) -> float:
        """Flow at a moment and a pressure at the node [m³/h]."""
        return self.flow_m3h * self.share(moment) * math.sqrt(max(pressure_m, 0.0) / self.reference_m)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterStuck(_Timed):
    """A meter whose points repeat their last value (a register stands still)."""

    points: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorDrift(_Timed):
    """Points that read more and more too much (negative: too little)."""

    points: tuple[str, ...]
    per_hour: float
    """In the point's unit an hour."""

    def offset(self, moment: datetime) -> float:
        """How much too much at the moment; 0 when not active."""
        return self.per_hour * (moment - self.start).total_seconds() / 3600 if self.active(moment) else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PrvStuck(_Timed):
    """A valve whose pilot is frozen: its controller takes setpoints and shows them, the outlet pressure stays."""

    actuator: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkLost(_Timed):
    """The devices behind a gateway do not answer. Thin: the gateway's own uplink is not cut, only its field side."""

    gateway: str


Fault = Burst | MeterStuck | SensorDrift | PrvStuck | LinkLost
