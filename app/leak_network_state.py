"""What a copy of the network is told: what was measured in an hour of the day, and what the file says wrongly."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from domain.series import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OperatingState:
    """What was measured, on the mean, at one hour of the day."""

    hour: int
    drivers: FloatArray
    """Flows of the meters [m³/h], then tank levels [m]."""
    pressure_m: FloatArray
    """At the gauges, shape (G,)."""
    weight: float
    """Share of all time."""
    rise_m_h: FloatArray = field(default_factory=lambda: np.empty(0))
    """Mean rise of each tank [m/h]; empty where not known."""
    at_end: tuple[bool, ...] = ()
    """Of each tank: at its highest or lowest level; empty where not known."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Unknowns:
    """What a network file says wrongly, as logarithms of factors, and metres for valves."""

    roughness: FloatArray
    """Shape (pipes,)."""
    demand: FloatArray
    """Of each node, shape (nodes,)."""
    pattern: FloatArray
    """Of each pattern in each state, shape (states, patterns)."""
    valve_m: FloatArray
    """Setting of each valve, shape (valves,)."""
