"""Devices behind gateways, and actuators: what can be read and what can be set."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from domain.calendar import DayClass
from domain.points import PointKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """An edge gateway, seen from outside as a Sparkplug edge node."""

    node: str
    """Sparkplug edge node id; also the identity in its certificate."""
    group: str
    """Sparkplug group id."""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One field of a device feeding one point for a while: a meter swap ends one channel and starts another."""

    device: str
    field: str
    """Field name in the device model; also the Sparkplug metric name, e.g. ``flow_m3h``."""
    point: PointKey
    valid_from: datetime | None = None
    valid_to: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A field device: what measures."""

    key: str
    """Sparkplug device id, unique under its gateway."""
    gateway: str
    model: str
    """Stem of the device model file, e.g. ``khettara_sim_flowmeter``."""
    host: str = "127.0.0.1"
    port: int = 502
    unit_id: int = 1
    period_s: int = 60
    """Poll period [s]."""
    channels: tuple[Channel, ...] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True, kw_only=True)
class DaySchedule:
    """Setpoints by hour for one class of day, as an engineer wrote them down."""

    day_class: DayClass | None
    """None: every class without a schedule of its own."""
    steps: tuple[tuple[int, float], ...]
    """Local minute of the day from which on, and setpoint [m]; in order, at least one. Before the first the last holds."""

    def at(self, minute: float) -> float:
        """Setpoint at a local minute of the day [m]."""
        return next((value for begins, value in reversed(self.steps) if begins <= minute), self.steps[-1][1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Actuator:
    """A setpoint somebody may wish to change: here the outlet pressure of a pressure reducing valve (PRV)."""

    key: str
    """Name of the actuator, e.g. ``prv1``."""
    device: str
    field: str
    """Writable field of the device model, e.g. ``setpoint_m``."""
    zone: str
    min_m: float
    max_m: float
    """Hard limits of the setpoint [m]; never crossed, checked again at the edge."""
    safe_m: float
    """Setpoint the site falls back to when its lease ends [m]."""
    ramp_up_m: float = 2.0
    ramp_down_m: float = 1.0
    """Largest single step [m]."""
    min_interval_s: float = 240.0
    """Shortest time between two steps [s]."""
    lease_s: float = 1800.0
    """How long a setpoint holds at the edge without renewal [s]."""
    ramp_up_emergency_m: float = 5.0
    """Largest single step upwards in a confirmed emergency [m]; below ``ramp_up_m`` it changes nothing."""
    max_moves_per_day: int = 48
    """After so many moves in 24 h the valve is not lowered any more; raising it is always allowed."""
    setpoint: PointKey
    outlet_pressure: PointKey
    inlet_pressure: PointKey | None = None
    flow: PointKey
    schedule: tuple[DaySchedule, ...] = ()
    """For the law of the time of day; empty where none was written down."""
