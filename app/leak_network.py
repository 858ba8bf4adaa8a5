"""A copy of the network in EPANET for the leak detection: loaded as measured, with its unknowns, one leak at a time.

A pump with a meter that fills a tank is cut out: what it takes is drawn at its suction side as measured, and what lies behind the
tank is fed by the tank at its measured level. The rest is scaled to the metered inlets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from app.leak_network_file import NetworkFile, read_network_file
from domain.series import FloatArray
from simulator.toolkit import Epanet

_ACCURACY = 1e-5
_EXPONENT = 1.852
"""Of the head loss on the flow (Hazen and Williams); 2 with the other formulas, a difference far below what files get wrong."""
_STILL_M3H = 0.02


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


class NetworkCopy:
    """Use with ``with``: EPANET holds memory of its own."""

    def __init__(self, network: Path, gauges: tuple[str, ...], meters: tuple[str, ...], tanks: tuple[str, ...]) -> None:
        """Opens a network file.

        Raises:
            ConfigurationError: A gauge, meter or tank is not in the network.
            HydraulicsError: EPANET does not accept the file.
        """
        self.net = Epanet(network)
        self.file: NetworkFile = read_network_file(network, self.net.nodes, self.net.links, gauges, meters, tanks)
        self.net.set_accuracy(_ACCURACY)
        self.net.one_demand()
        for name in self.file.patterns:
            self.net.set_multiplier(self.net.pattern(name), 1.0)
        for pump in self.file.cut:
            self.net.set_status(self.file.meters[pump], False)
        self._behind = dict.fromkeys(self.file.behind, 1.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.net.close()

    def feed(self, states: Sequence[OperatingState]) -> None:
        """Scales what lies behind each tank to what its pump takes on the mean: a tank neither fills nor empties for long."""
        file = self.file
        weight = np.array([s.weight for s in states])
        for pump, tank in file.filled.items():
            taken = float(np.array([s.drivers[pump] for s in states]) @ weight / weight.sum())
            drawn = float((file.demand[:, file.behind[tank]].sum(axis=1) * file.factors.mean(axis=1)).sum())
            if taken > 0 and drawn > 0:
                self._behind[tank] = taken / drawn

    def believe(self, unknowns: Unknowns) -> None:
        """Sets roughness and valves; demands follow with each ``load``."""
        file = self.file
        for link, value in zip(file.pipes, file.roughness * np.exp(unknowns.roughness), strict=True):
            self.net.set_roughness(int(link), float(value))
        for (link, setting), more in zip(file.valves, unknowns.valve_m, strict=True):
            self.net.set_setting(link, setting + float(more))

    def load(self, state: OperatingState, number: int, unknowns: Unknowns, level: float = 1.0) -> FloatArray:
        """Draws what was measured in a state, and solves it.

        Args:
            state: The state.
            number: Its place in ``unknowns.pattern``.
            unknowns: In force.
            level: Share of the measured inflow.

        Returns:
            Demand of each node [m³/h].
        """
        file = self.file
        factor = file.factors[:, state.hour] * np.exp(unknowns.pattern[number])
        demand = (file.demand * factor[:, None]).sum(axis=0) * np.exp(unknowns.demand)
        taken = {pump: max(float(state.drivers[pump]), 0.0) for pump in file.cut}
        inflow = sum(float(state.drivers[m]) for m in file.inlets) - sum(taken.values())
        if file.inlets and inflow > 0 and demand[file.metered].sum() > 0:
            demand[file.metered] *= level * inflow / demand[file.metered].sum()
        for tank, scale in self._behind.items():
            demand[file.behind[tank]] *= scale
        for pump, flow in taken.items():
            demand[file.suction[pump]] += flow
        for tank, value in zip(file.tanks, state.drivers[len(file.meters) :], strict=True):
            self.net.set_tank_level(tank, float(value))
        for node in file.junctions:
            self.net.set_demand(int(node), float(demand[node]))
        self.net.solve()
        return np.asarray(demand)

    def read(self) -> tuple[FloatArray, FloatArray]:
        """Heads of the gauges [m] and flows of the meters [m³/h], 0 at a pump that is cut out."""
        flow = self.net.flows()[list(self.file.meters)]
        flow[list(self.file.cut)] = 0.0
        return self.net.heads()[list(self.file.gauges)], flow

    def leaks(self, demand: FloatArray, size_m3h: float) -> tuple[FloatArray, FloatArray]:
        """What a leak at each junction changes in the loaded state, per state as a whole.

        Returns:
            Heads of the gauges and flows of the meters, shapes (junctions, G) and (junctions, meters).
        """
        head, flow = self.read()
        heads, flows = [], []
        for node in self.file.junctions:
            self.net.set_demand(int(node), float(demand[node]) + size_m3h)
            self.net.solve()
            now = self.read()
            heads.append(now[0] - head)
            flows.append(now[1] - flow)
            self.net.set_demand(int(node), float(demand[node]))
        return np.array(heads), np.array(flows)

    def sensitivities(self) -> tuple[FloatArray, FloatArray]:
        """The same for a leak of almost nothing, by the derivative of the solved state.

        A junction's balance is linear in the heads where each pipe's flow follows its head loss by ``dq/dh = q / (n h)``; an active
        pressure valve holds the head behind it and asks of the node before it whatever the nodes behind it need.

        Returns:
            Shapes (junctions, G) and (junctions, meters), per m³/h.
        """
        file, count = self.file, len(self.net.nodes)
        head, flow = self.net.heads(), self.net.flows()
        start, end = file.ends[file.pipes, 0], file.ends[file.pipes, 1]
        loss, through = np.abs(head[start] - head[end]), np.abs(flow[file.pipes])
        carries = np.where(through > 0, np.maximum(through, _STILL_M3H) / (_EXPONENT * np.maximum(loss, 1e-6)), 0.0)
        matrix, charged = np.zeros((count, count)), np.eye(count)
        for a, b, sign in ((start, start, 1.0), (end, end, 1.0), (start, end, -1.0), (end, start, -1.0)):
            np.add.at(matrix, (a, b), sign * carries)
        for link, _ in file.valves:
            before, behind = file.ends[link]
            matrix[before] += matrix[behind]
            charged[before] += charged[behind]
            matrix[behind], charged[behind] = 0.0, 0.0
            matrix[behind, behind] = 1.0
        lost = np.flatnonzero(np.abs(matrix).sum(axis=1) == 0)
        for node in (*file.fixed, *lost):
            matrix[node], charged[node] = 0.0, 0.0
            matrix[node, node] = 1.0
        wanted = np.zeros((len(file.gauges) + len(file.meters), count))
        wanted[np.arange(len(file.gauges)), list(file.gauges)] = 1.0
        of_pipe = {int(link): k for k, link in enumerate(file.pipes)}
        for row, link in enumerate(file.meters, len(file.gauges)):
            if link in of_pipe:
                wanted[row, file.ends[link, 0]] += carries[of_pipe[link]]
                wanted[row, file.ends[link, 1]] -= carries[of_pipe[link]]
        change = -(np.linalg.solve(matrix.T, wanted.T).T @ charged)[:, file.junctions]
        return change[: len(file.gauges)].T, change[len(file.gauges) :].T
