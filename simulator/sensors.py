"""From a hydraulic state to what the site's sensors say: each point names a node or link of the network and a quantity.

    flow, volume → link    pressure → node (a setpoint → valve)    level → tank    position → valve    power, energy, state → pump

Noise [standard deviation]: flow 0.5 % + 0.03 m³/h, pressure 0.06 m, level 5 mm, power 0.5 %. Registers, setpoints and states are
exact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.errors import ConfigurationError
from domain.points import Point, PointKind, Role
from domain.quantities import Quantity
from protocols.dlms.models import is_meter_model
from simulator.noise import keys, normals
from simulator.site import SimulatedSite

FloatArray = NDArray[np.float64]

_ON_LINKS = (Quantity.FLOW, Quantity.VOLUME, Quantity.POWER, Quantity.ENERGY, Quantity.POSITION, Quantity.STATE)
_KV_OPEN = 110.0
"""Flow through the open valve at 1 m head loss [m³/h]: a DN 200 globe valve."""
_EFFICIENCY = 0.71
_STANDBY_KW = 1.2


@dataclass(frozen=True, slots=True, kw_only=True)
class HydraulicState:
    """One solved state, arrays in the toolkit's order."""

    pressures_m: FloatArray
    flows_m3h: FloatArray
    levels_m: Mapping[str, float]
    """Water level of each tank [m]."""
    pump_on: Mapping[str, bool]
    settings_m: Mapping[str, float]
    """What each valve's controller was ordered [m]."""


class Sensors:
    """All points of a site that name a place in its network, DLMS meters left out: these have registers of their own."""

    def __init__(self, *, site: SimulatedSite, nodes: tuple[str, ...], links: tuple[str, ...], seed: int) -> None:
        """Raises:
        ConfigurationError: A point names a place that the network has not, or measures what cannot be measured there.
        """
        self._site = site
        self._node = {name: i for i, name in enumerate(nodes)}
        self._link = {name: i for i, name in enumerate(links)}
        self._ends = {link.key: link for link in site.geometry.links}
        own = {c.point for d in site.inventory.devices.values() if is_meter_model(d.model) for c in d.channels}
        network = (p for p in site.inventory.points.values() if p.node is not None and p.key not in own)
        self.points = tuple(sorted(network, key=lambda p: p.key))
        self._measures: dict[Quantity, Callable[[str, HydraulicState], float]] = {
            Quantity.FLOW: self._flow_m3h,
            Quantity.PRESSURE: self._pressure_m,
            Quantity.LEVEL: lambda tank, state: state.levels_m[tank],
            Quantity.POWER: self._power_kw,
            Quantity.POSITION: self._position_pct,
            Quantity.STATE: lambda pump, state: float(state.pump_on.get(pump, False)),
        }
        for i, point in enumerate(self.points):
            self._check(point, i)
        self.register_keys = frozenset(p.key for p in self.points if p.kind is PointKind.REGISTER)
        self._keys = keys(seed, "sensor", [p.key for p in self.points])

    def true_values(self, state: HydraulicState) -> dict[str, float]:
        """What is so, by point, without registers."""
        return {p.key: self._true(p, state) for p in self.points if p.kind is not PointKind.REGISTER}

    def rates(self, state: HydraulicState) -> dict[str, float]:
        """What each register gains in an hour [m³ or kWh]."""
        return {p.key: self._rate(p, state) for p in self.points if p.kind is PointKind.REGISTER}

    def measured(self, true: Mapping[str, float], seconds: float) -> dict[str, float]:
        """True values with each sensor's noise at that second."""
        deviates = normals(self._keys, int(seconds))
        found: dict[str, float] = {}
        for point, deviate in zip(self.points, deviates.tolist(), strict=True):
            if (value := true.get(point.key)) is not None:
                found[point.key] = value + deviate * _spread(point, value)
        return found

    def _true(self, point: Point, state: HydraulicState) -> float:
        name = point.node or ""
        if point.role is Role.SETPOINT:
            return state.settings_m[name]
        return self._measures[point.quantity](name, state)

    def _flow_m3h(self, link: str, state: HydraulicState) -> float:
        return float(state.flows_m3h[self._link[link]])

    def _pressure_m(self, node: str, state: HydraulicState) -> float:
        return float(state.pressures_m[self._node[node]])

    def _rate(self, point: Point, state: HydraulicState) -> float:
        name = point.node or ""
        if point.quantity is Quantity.ENERGY:
            return self._power_kw(name, state)
        return max(0.0, self._flow_m3h(name, state))

    def _power_kw(self, pump: str, state: HydraulicState) -> float:
        """Electric power ρ g Q H / η, and what the station draws with the pump at rest."""
        if not state.pump_on.get(pump, False):
            return _STANDBY_KW
        ends, flow = self._ends[pump], max(0.0, self._flow_m3h(pump, state))
        lift = self._head(ends.end, state) - self._head(ends.start, state)
        return _STANDBY_KW + 9.80665 * flow / 3600 * lift / _EFFICIENCY

    def _head(self, node: str, state: HydraulicState) -> float:
        return self._pressure_m(node, state) + self._site.geometry.nodes[node][2]

    def _position_pct(self, valve: str, state: HydraulicState) -> float:
        """Travel of a valve whose Kv grows with travel^(5/3)."""
        ends, flow = self._ends[valve], max(0.0, self._flow_m3h(valve, state))
        drop = max(0.05, self._head(ends.start, state) - self._head(ends.end, state))
        return float(min(100.0, 100.0 * (flow / drop**0.5 / _KV_OPEN) ** 0.6))

    def _check(self, point: Point, index: int) -> None:
        known = self._link if point.quantity in _ON_LINKS or point.role is Role.SETPOINT else self._node
        if point.node not in known:
            what = "link" if known is self._link else "node"
            raise ConfigurationError(
                file="points.toml", key=f"point {point.key!r} (number {index + 1} by name), node", value=point.node,
                expected=f"a {what} of the network, since the point measures {point.quantity.value}",
            )  # fmt: skip
        if point.quantity not in self._measures and point.quantity not in (Quantity.VOLUME, Quantity.ENERGY):
            raise ConfigurationError(
                file="points.toml",
                key=f"point {point.key!r}, quantity",
                value=point.quantity.value,
                expected="a quantity that the simulator has: " + ", ".join(self._measures),
            )
        if (point.kind is PointKind.REGISTER) != (point.quantity in (Quantity.VOLUME, Quantity.ENERGY)):
            raise ConfigurationError(
                file="points.toml", key=f"point {point.key!r}, kind", value=point.kind.value,
                expected="register for volume and energy, instant for all else: the simulator has no other kind",
            )  # fmt: skip


def _spread(point: Point, value: float) -> float:
    """Standard deviation of a sensor's noise."""
    if point.role is Role.SETPOINT:
        return 0.0
    match point.quantity:
        case Quantity.FLOW:
            return 0.005 * abs(value) + 0.03 if abs(value) > 0.01 else 0.0
        case Quantity.PRESSURE:
            return 0.06
        case Quantity.LEVEL:
            return 0.005
        case Quantity.POWER:
            return 0.005 * value
        case _:
            return 0.0
