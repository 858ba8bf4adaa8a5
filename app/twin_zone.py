"""One zone cut out of a network at its valves and solved by EPANET (``pressure_control.twin.zone_model.ZoneModel``).

Each valve becomes a source of known head behind a short pipe that lets nothing back; what leaves the zone by pumps and other valves
is demand at the place where it leaves. So neither tanks nor controls are needed, and a step costs one solution.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from pathlib import Path

import numpy as np

from app.twin_network import Network
from domain.errors import ConfigurationError
from domain.points import PointKey
from domain.series import FloatArray
from pressure_control.twin.zone_model import Places
from simulator.toolkit import Epanet

M3D_PER_CONNECTION = 0.5
"""Use of one connection, where a network file gives demand only."""
_DAYS = 7
_ELEVATION = 0
"""EPANET's number of a node's height, a reservoir's head."""
_HOURLY_S = 3600.0
_LEAST_FLOW_M3H = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A valve's place in the network."""

    valve: str
    node: str
    """Node at its outlet; a reservoir where the file has one in the place of a pumping station."""
    elevation_m: float | None = None
    """Height of its pressure gauge; None takes the node's."""


class _Copy(Epanet):
    """A network whose sources' heads move."""

    def set_head(self, node: int, head_m: float) -> None:
        """Head of a reservoir [m]."""
        self._set_node(node, _ELEVATION, head_m)


class EpanetZone:
    """A zone's copy; keeps one EPANET project open until ``close``.

    Args:
        network: The whole network.
        feeds: The zone's valves, in the order of ``offsets_m``.
        critical: Node of each critical point.
        inlets: Node of each inlet of a valve downstream.
        safe_m: Setpoints of the valves by the network's own plan: what has the minimum with these counts.
        min_pressure_m: The minimum.
        unit_m: Metres of water in one unit of the site's pressures, of ``safe_m`` and ``min_pressure_m`` as of all that comes out.

    Raises:
        ConfigurationError: A node or link is not in the network, or the zone has a tank or another source.
    """

    def __init__(
        self,
        network: Network,
        feeds: Sequence[Feed],
        *,
        critical: Mapping[PointKey, str],
        inlets: Mapping[PointKey, str],
        safe_m: Sequence[float],
        min_pressure_m: float,
        unit_m: float = 1.0,
    ) -> None:
        self._network, self._unit_m = network, unit_m
        self._still: dict[tuple[float, ...], tuple[FloatArray, FloatArray]] = {}
        self._outlets = [_node(network, f.node) for f in feeds]
        area = sorted(set().union(*(network.area(n) for n in self._outlets)))
        for n in area:
            if not network.is_junction[n] and n not in self._outlets:
                raise ConfigurationError(
                    file="network file", key="zone of " + ", ".join(f.valve for f in feeds), value=network.nodes[n],
                    expected="a zone that its valves alone feed: no tank and no reservoir in it",
                )  # fmt: skip
        self._area = area
        self._height = np.array(
            [network.elevation_m[n] if f.elevation_m is None else f.elevation_m for f, n in zip(feeds, self._outlets, strict=True)]
        )
        self._demand = _demands(network, set(area))
        self._used = sorted({p for categories in self._demand.values() for p, _ in categories})
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "zone.inp"
            file.write_text(self._text())
            self._net = _Copy(file)
        rows = {name: i for i, name in enumerate(self._net.nodes)}
        self._sources = [rows[f"feed{k}"] for k in range(len(feeds))]
        self._numbers = {p: self._net.pattern(f"p{p}") for p in self._used}
        self._total = {p: sum(q for cs in self._demand.values() for k, q in cs if k == p) for p in self._used}
        points = {**critical, **inlets}
        self._point_nodes = [_node(network, name) for name in points.values()]
        self._point_rows = [rows[f"n{n}"] for n in self._point_nodes]
        self._rows, self._nodes = self._point_rows, self._point_nodes
        self.places = self._choose(critical, tuple(points), rows, np.asarray(safe_m, dtype=np.float64), min_pressure_m)

    def close(self) -> None:
        """Gives EPANET's memory back."""
        self._net.close()

    def losses(self, flow_m3h: float, week_s: float, offsets_m: tuple[float, ...]) -> tuple[FloatArray, FloatArray]:
        """See ``ZoneModel``."""
        pressure = self._solve(max(flow_m3h, _LEAST_FLOW_M3H), week_s, np.asarray(offsets_m))
        return -pressure[self._rows], -pressure[self._point_rows]

    def still(self, offsets_m: tuple[float, ...]) -> tuple[FloatArray, FloatArray]:
        """See ``ZoneModel``."""
        found = self._still.get(offsets_m)
        if found is None:
            head = float(np.max(self._height + self._unit_m * np.asarray(offsets_m)))
            height = self._network.elevation_m
            found = (height[self._nodes] - head) / self._unit_m, (height[self._point_nodes] - head) / self._unit_m
            self._still = {offsets_m: found}
        return found

    def nominal_m3h(self, week_s: float) -> float:
        """Inflow by the network file."""
        return sum(q * self._network.factor(p, week_s) for p, q in self._total.items())

    def _solve(self, flow_m3h: float, week_s: float, offsets_m: FloatArray) -> FloatArray:
        """Pressure at every node with valves whose mean outlet pressure is 0; with known heads the level moves all alike."""
        nominal = self.nominal_m3h(week_s)
        scale = flow_m3h / nominal if nominal > 0 else 0.0
        for p, number in self._numbers.items():
            self._net.set_multiplier(number, scale * self._network.factor(p, week_s))
        for row, height, offset in zip(self._sources, self._height, offsets_m, strict=True):
            self._net.set_head(row, float(height + self._unit_m * offset))
        self._net.solve()
        return self._net.pressures() / self._unit_m

    def _choose(
        self,
        critical: Mapping[PointKey, str],
        points: tuple[PointKey, ...],
        rows: Mapping[str, int],
        safe_m: FloatArray,
        least_m: float,
    ) -> Places:
        """Nodes with customers that have the minimum by the network's own setpoints, at each hour of its own week."""
        own = {n: sum(q for _, q in self._network.demand_m3h[n]) for n in self._area}
        asked = [n for n in self._area if own[n] > 0]
        at = np.array([rows[f"n{n}"] for n in asked])
        lowest = np.full(len(asked), np.inf)
        level = float(safe_m.mean())
        for hour in range(24 * _DAYS):
            week_s = hour * _HOURLY_S
            pressure = self._solve(max(self.nominal_m3h(week_s), _LEAST_FLOW_M3H), week_s, safe_m - level)
            lowest = np.minimum(lowest, pressure[at] + level)
        own_points = {_node(self._network, name) for name in critical.values()}
        kept = [n for n, low in zip(asked, lowest, strict=True) if low >= least_m or n in own_points]
        self._nodes = kept
        self._rows = [rows[f"n{n}"] for n in kept]
        nearest = self._nearest({_node(self._network, name): point for point, name in critical.items()})
        return Places(
            names=tuple(self._network.nodes[n] for n in kept),
            connections=np.array([own[n] * 24.0 / M3D_PER_CONNECTION for n in kept]),
            nearest=tuple(nearest[n] for n in kept),
            measured=tuple(n in own_points for n in kept),
            points=points,
            left_out=len(asked) - len(kept),
        )

    def _nearest(self, critical: Mapping[int, PointKey]) -> dict[int, PointKey]:
        """The critical point nearest to each node along the pipes."""
        found: dict[int, PointKey] = {}
        todo = [(0.0, n, str(point)) for n, point in critical.items()]
        names = {str(point): point for point in critical.values()}
        while todo:
            far, n, point = heappop(todo)
            if n in found:
                continue
            found[n] = names[point]
            for k in self._network.pipes_at.get(n, ()):
                link = self._network.links[k]
                heappush(todo, (far + link.length_m, link.end if link.start == n else link.start, point))
        first = next(iter(critical.values()))
        return defaultdict(lambda: first, found)

    def _text(self) -> str:
        """The zone as a network file of its own."""
        net, inside = self._network, set(self._area)
        junctions = [f"n{n} {net.elevation_m[n]:.4f} 0" for n in self._area]
        demands = [f"n{n} {q:.9g} p{p}" for n in self._area for p, q in self._demand.get(n, ())]
        pipes = [
            f"l{k} n{v.start} n{v.end} {max(v.length_m, 0.01):.6g} {v.diameter_mm:.6g} {max(v.roughness, 1e-6):.6g} {v.minor:.6g} "
            + ("CV" if v.one_way else "OPEN")
            for k, v in enumerate(net.links)
            if v.is_pipe and v.start in inside and v.end in inside
        ]
        feeds = [f"f{k} feed{k} n{n} 0.01 3000 140 0 CV" for k, n in enumerate(self._outlets)]
        patterns = [f"p{p} 1" for p in self._used]
        sections = {
            "JUNCTIONS": junctions,
            "RESERVOIRS": [f"feed{k} 0" for k in range(len(self._outlets))],
            "PIPES": pipes + feeds,
            "DEMANDS": demands,
            "PATTERNS": patterns,
            "OPTIONS": ["Units CMH", f"Headloss {net.formula}", "Accuracy 0.0005", "Trials 100", "Unbalanced Continue 10"],
            "TIMES": ["Duration 0"],
            "REPORT": ["Status No", "Messages No"],
        }
        return "".join(f"[{name}]\n" + "\n".join(rows) + "\n\n" for name, rows in sections.items()) + "[END]\n"


def _node(network: Network, name: str) -> int:
    found = network.index.get(name)
    if found is None:
        raise ConfigurationError(file="network file", key="node", value=name, expected="a node of the network")
    return found


def _demands(network: Network, inside: set[int]) -> dict[int, list[tuple[int, float]]]:
    """Demand by node and pattern: the zone's own, and what pumps and valves lead on."""
    found = {n: list(network.demand_m3h[n]) for n in inside if network.demand_m3h[n]}
    for link in network.leaving(inside):
        totals = _onward(network, link.end, frozenset(inside))
        found.setdefault(link.start, []).extend(totals.items())
    return found


def _onward(network: Network, start: int, seen: frozenset[int]) -> dict[int, float]:
    """Mean demand by pattern that one of the links into an area brings it, all of them alike."""
    area = network.area(start)
    if area & seen:
        return {}
    into = sum(not v.is_pipe and v.end in area and v.start not in area for v in network.links)
    totals: dict[int, float] = defaultdict(float)
    for n in area:
        for p, q in network.demand_m3h[n]:
            totals[p] += q
    for link in network.leaving(area):
        for p, q in _onward(network, link.end, seen | area).items():
            totals[p] += q
    return {p: q / max(into, 1) for p, q in totals.items()}
