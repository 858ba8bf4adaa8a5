"""A copy of the network in EPANET for the leak detection: loaded as measured, with its unknowns, one leak at a time.

A pump with a meter that fills a tank is cut out: what it takes is drawn at its suction side as measured, and what lies behind the
tank is fed by the tank at its measured level. The rest is scaled to the metered inlets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from app.leak_network_file import NetworkFile, read_network_file
from app.leak_network_text import check_text, refused_why
from domain.series import FloatArray
from simulator.toolkit import Epanet, HydraulicsError

_ACCURACY, _TRIALS = 1e-5, 50
"""What has not settled by then goes round in a circle, of pumps and check valves most often."""
_STILL_M3H = 0.02
_TURNED_SHARE = 0.05
"""Of all inflow: an inlet's meter with less may change its sign by itself."""
_RUNS_SHARE = 0.05
"""Of a pump's largest flow: with less it stands."""
_OPEN_M = 0.05
"""So far from its setting a pressure valve does not regulate."""
_BRIM_M = 0.06
"""So near its highest level a tank is full."""
_NUDGE = 1.02
_LEAST_PER_M = 0.5
"""No unit of pressure is less of a metre of water."""
_BALANCED = 0.05
"""Of all flow; a state whose flows still change by more has no solution to speak of."""


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


class NetworkCopy:
    """Use with ``with``: EPANET holds memory of its own."""

    def __init__(self, network: Path, gauges: tuple[str, ...], meters: tuple[str, ...], tanks: tuple[str, ...]) -> None:
        """Opens a network file.

        Raises:
            ConfigurationError: A gauge, meter or tank is not in the network; the file is not plain text.
            HydraulicsError: EPANET does not accept the file.
        """
        self.name = network.name
        check_text(network)
        try:
            self.net = Epanet(network)
        except HydraulicsError as error:
            raise HydraulicsError(f"{error}{refused_why(network)}") from error
        self.net.use_metric()
        self.net.drop_controls()
        self.net.keep_on()
        self.file: NetworkFile = read_network_file(network, self.net.nodes, self.net.links, gauges, meters, tanks)
        self.net.set_accuracy(_ACCURACY, _TRIALS)
        self.net.one_demand()
        for name in self.file.patterns:
            self.net.set_multiplier(self.net.pattern(name), 1.0)
        self._pumps = [k for k, link in enumerate(self.file.meters) if link in self.file.pumps and k not in self.file.cut]
        for pump in self._pumps:
            self.net.set_start(self.file.meters[pump], True)
        for pump in self.file.cut:
            self.net.set_start(self.file.meters[pump], False)
            self.net.set_status(self.file.meters[pump], False)
        self._behind = dict.fromkeys(self.file.behind, 1.0)
        self._height = self.net.elevations()
        # EPANET 2.2 turns psi into metres with the flow units, 2.3 does not: its own word for a known setting tells.
        told = [
            ratio for link, metres in self.file.valves if metres > 0 and (ratio := self.net.setting(link) / metres) > _LEAST_PER_M
        ]
        self._per_m = told[0] if told else self.file.pressure_per_m
        self._turn = np.ones(len(meters))
        self._most = np.zeros(len(meters))
        self.usual_m3h = 1.0
        """Largest inflow in any state [m³/h]."""
        self._running: dict[int, bool] = {}
        self._settings: dict[int, float] = {}
        """Of the valves, in the file's unit of pressure."""
        floating = [self.file.tanks[k] for k in self.file.floating]
        self._into = [
            ([(link, 1.0 if self.file.ends[link, 1] == t else -1.0) for link in self.file.at_tank[t]], self.file.tank_area_m2[t])
            for t in floating
        ]
        """Links of each floating tank with the sign of a flow into it, and its area [m²]."""
        self._main: float | None = None
        self._demand: FloatArray = np.zeros(len(self.net.nodes))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.net.close()

    def feed(self, states: Sequence[OperatingState]) -> None:
        """Scales what lies behind each tank to what its pump takes on the mean: a tank neither fills nor empties for long."""
        file = self.file
        weight = np.array([s.weight for s in states])
        mean = np.array([s.drivers[: len(file.meters)] for s in states]).T @ weight / weight.sum()
        for pump, tank in file.filled.items():
            drawn = float((file.demand[:, file.behind[tank]].sum(axis=1) * file.factors.mean(axis=1)).sum())
            if mean[pump] > 0 and drawn > 0:
                self._behind[tank] = float(mean[pump]) / drawn
        self._most = np.abs(np.array([s.drivers[: len(file.meters)] for s in states])).max(axis=0)
        self._find_turned(mean)
        largest = [abs(self.inflow(s.drivers)) for s in states] if file.inlets else self._most
        self.usual_m3h = max(float(np.max(largest)), 1e-3)
        if file.unread_tanks and file.inlets:
            # What a tank nobody measures takes and gives in an hour is not known; over the day it is nothing.
            drawn = float((file.demand[:, file.metered].sum(axis=1) * file.factors.mean(axis=1)).sum())
            inflow = self.inflow(mean) - float(sum(max(mean[k], 0.0) for k in file.cut))
            self._main = inflow / drawn if inflow > 0 and drawn > 0 else 1.0

    def _find_turned(self, mean_m3h: FloatArray) -> None:
        """Finds inlet meters that count against the direction of their link in the file: both are right, each in its way."""
        file = self.file
        against = [
            (k, sign)
            for k, sign in zip(file.inlets, file.inward, strict=True)
            if mean_m3h[k] * sign < -_TURNED_SHARE * np.abs(mean_m3h[list(file.inlets)]).sum()
        ]
        if not against:
            return
        factor = file.factors.mean(axis=1)
        for node in file.junctions:
            self.net.set_demand(int(node), float(file.demand[:, node] @ factor))
        self.net.solve()
        flow = self.net.flows()
        for k, sign in against:
            # Where the file, too, lets water out there, it is an outlet and nothing is turned.
            if flow[file.meters[k]] * sign > 0:
                self._turn[k] = -1.0

    @property
    def inward(self) -> FloatArray:
        """Sign of each inlet's meter that means water into the main part, shape (inlets,)."""
        return np.array(self.file.inward) * self._turn[list(self.file.inlets)]

    def inflow(self, flow_m3h: FloatArray) -> float:
        """Flow into the main part [m³/h] by the meters at its inlets."""
        return float(self.inward @ flow_m3h[list(self.file.inlets)])

    def rises(self, state: OperatingState) -> FloatArray:
        """Of the floating tanks, as measured [m/h], shape (floating,)."""
        return state.rise_m_h[list(self.file.floating)] if state.rise_m_h.size else np.zeros(len(self.file.floating))

    def free_flows(self, flow_m3h: FloatArray) -> FloatArray:
        """Flows that demand does not tell: of the inlets and pumps and into the floating tanks [m³/h].

        Args:
            flow_m3h: Of all meters, then rises of the floating tanks [m/h], shape (states, meters and floating tanks).
        """
        told = sorted({*self.file.inlets, *self._pumps})
        areas = np.array([area for _, area in self._into])
        return np.concatenate([flow_m3h[:, told], flow_m3h[:, len(self.file.meters) :] * areas], axis=1)

    def believe(self, unknowns: Unknowns) -> None:
        """Sets roughness and valves; demands follow with each ``load``."""
        file = self.file
        for link, value in zip(file.pipes, file.roughness * np.exp(unknowns.roughness), strict=True):
            self.net.set_roughness(int(link), float(value))
        for (link, setting), more in zip(file.valves, unknowns.valve_m, strict=True):
            self._settings[link] = (setting + float(more)) * self._per_m
            self.net.set_setting(link, self._settings[link])

    def load(self, state: OperatingState, number: int, unknowns: Unknowns) -> FloatArray:
        """Draws what was measured in a state, and solves it.

        Args:
            state: The state.
            number: Its place in ``unknowns.pattern``.
            unknowns: In force.

        Returns:
            Demand of each node [m³/h].
        """
        file = self.file
        factor = file.factors[:, state.hour] * np.exp(unknowns.pattern[number])
        demand = (file.demand * factor[:, None]).sum(axis=0) * np.exp(unknowns.demand)
        taken = {pump: max(float(state.drivers[pump]), 0.0) for pump in file.cut}
        inflow = self.inflow(state.drivers) - sum(taken.values()) - self._stored(state)
        if self._main is not None:
            demand[file.metered] *= self._main
        elif file.inlets and inflow > 0 and demand[file.metered].sum() > 0:
            demand[file.metered] *= inflow / demand[file.metered].sum()
        for tank, scale in self._behind.items():
            demand[file.behind[tank]] *= scale
        for pump, flow in taken.items():
            demand[file.suction[pump]] += flow
        for k, (tank, value) in enumerate(zip(file.tanks, state.drivers[len(file.meters) :], strict=True)):
            # A gauge's rounding may lie above the brim, which EPANET refuses.
            low, high = file.tank_levels_m.get(tank, (float(value), float(value)))
            level_m = min(max(float(value), low), high)
            if state.at_end[k : k + 1] == (True,) and min(high - level_m, level_m - low) <= _BRIM_M:
                # A hair below the brim a tank would take water that it cannot hold.
                level_m = high if high - level_m < level_m - low else low
            self.net.set_tank_level(tank, level_m)
        self.net.set_demands(file.junctions.tolist(), demand[file.junctions].tolist())
        self._switch(state)
        self.net.solve()
        self._demand = np.asarray(demand)
        return self._demand

    def _switch(self, state: OperatingState) -> None:
        """Runs the pumps whose meters say so.

        All run at first, each from its design flow, and those that stand are switched off then: from a standstill EPANET often
        finds that a pump cannot lift, most of all one behind another.
        """
        running = {k: abs(float(state.drivers[k])) > _RUNS_SHARE * self._most[k] for k in self._pumps}
        if running == self._running:
            return
        self._running = running
        self.net.restart()
        self.net.solve()
        for pump, now in running.items():
            self.net.set_status(self.file.meters[pump], now)
        for link, setting in self._settings.items():
            self.net.set_setting(link, setting)

    def _stored(self, state: OperatingState) -> float:
        """What the measured tanks of the main part take in [m³/h]."""
        if not state.rise_m_h.size:
            return 0.0
        tanks = self.file.tanks
        return float(sum(state.rise_m_h[k] * self.file.tank_area_m2.get(tanks[k], 0.0) for k in self.file.floating))

    def check(self, state: OperatingState) -> float:
        """Whether the last solution is one: how much its flows still change, as a share of all flow.

        Raises:
            HydraulicsError: Its flows do not balance.
        """
        error = self.net.imbalance()
        if not error <= _BALANCED or not np.isfinite(self.net.heads()).all():
            drawn, inflow = float(self._demand[self.file.junctions].sum()), self.inflow(state.drivers)
            raise HydraulicsError(
                f"the network does not balance at {state.hour}:00 with {drawn:.1f} m³/h of demand and {inflow:.1f} m³/h of "
                f"metered inflow: flows still change by {error:.2g} of their sum, {_BALANCED} at most is a solution; "
                "see whether pumps, valves, closed pipes and units of the network file are right"
            )
        return error

    def settled(self) -> bool:
        """Whether the last solution settled, or goes round in a circle of pumps and check valves that open and close."""
        return self.net.trials() < _TRIALS

    def read(self) -> tuple[FloatArray, FloatArray]:
        """Heads of the gauges [m]; flows of the meters [m³/h], 0 at a pump that is cut out, and rises of floating tanks [m/h]."""
        flows = self.net.flows()
        flow = flows[list(self.file.meters)] * self._turn
        flow[list(self.file.cut)] = 0.0
        rises = [sum(sign * flows[link] for link, sign in links) / area for links, area in self._into]
        return self.net.heads()[list(self.file.gauges)], np.concatenate([flow, rises])

    def pressures(self) -> FloatArray:
        """Of the gauges [m], shape (G,)."""
        return (self.net.heads() - self._height)[list(self.file.gauges)]

    def leaks(self, demand: FloatArray, size_m3h: float) -> tuple[FloatArray, FloatArray]:
        """What a leak at each junction changes in the loaded state, per state as a whole.

        Returns:
            Heads of the gauges, and flows of the meters with rises of the floating tanks, shapes (junctions, G) and
            (junctions, meters and floating tanks).
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
        pressure valve holds the head behind it and asks of the node before it whatever the nodes behind it need. How a pump's flow
        follows its lift is seen from a second state with a little more demand.

        Returns:
            Shapes (junctions, G) and (junctions, meters and floating tanks), per m³/h.
        """
        file, count = self.file, len(self.net.nodes)
        head, flow = self.net.heads(), self.net.flows()
        start, end = file.ends[file.pipes, 0], file.ends[file.pipes, 1]
        loss, through = np.abs(head[start] - head[end]), np.abs(flow[file.pipes])
        carries = np.where(through > 0, np.maximum(through, _STILL_M3H) / (file.exponent * np.maximum(loss, 1e-6)), 0.0)
        regulating = self._regulating(head, flow)
        more, carried = self._others(head, flow, regulating)
        start, end = np.concatenate([start, file.ends[more, 0]]), np.concatenate([end, file.ends[more, 1]])
        carries = np.concatenate([carries, carried])
        matrix, charged = np.zeros((count, count)), np.eye(count)
        for a, b, sign in ((start, start, 1.0), (end, end, 1.0), (start, end, -1.0), (end, start, -1.0)):
            np.add.at(matrix, (a, b), sign * carries)
        for link in regulating:
            before, behind = file.ends[link]
            matrix[before] += matrix[behind]
            charged[before] += charged[behind]
            matrix[behind], charged[behind] = 0.0, 0.0
            matrix[behind, behind] = 1.0
        lost = np.flatnonzero(np.abs(matrix).sum(axis=1) == 0)
        for node in (*file.fixed, *lost):
            matrix[node], charged[node] = 0.0, 0.0
            matrix[node, node] = 1.0
        wanted = np.zeros((len(file.gauges) + len(file.meters) + len(self._into), count))
        wanted[np.arange(len(file.gauges)), list(file.gauges)] = 1.0
        of_link = {int(link): k for k, link in enumerate((*file.pipes, *more))}
        for row, (link, turn) in enumerate(zip(file.meters, self._turn, strict=True), len(file.gauges)):
            if link in of_link:
                wanted[row, file.ends[link, 0]] += turn * carries[of_link[link]]
                wanted[row, file.ends[link, 1]] -= turn * carries[of_link[link]]
        for row, (links, area) in enumerate(self._into, len(file.gauges) + len(file.meters)):
            for link, sign in links:
                if link in of_link:
                    wanted[row, file.ends[link, 0]] += sign * carries[of_link[link]] / area
                    wanted[row, file.ends[link, 1]] -= sign * carries[of_link[link]] / area
        change = -(_solve(matrix.T, wanted.T).T @ charged)[:, file.junctions]
        return change[: len(file.gauges)].T, change[len(file.gauges) :].T

    def _regulating(self, head: FloatArray, flow: FloatArray) -> list[int]:
        """Pressure reducing valves that hold the pressure behind them."""
        file = self.file
        pressure = head - self._height
        return [
            link
            for link, _ in file.valves
            if flow[link] > 0 and pressure[file.ends[link, 1]] > self.net.setting(link) / self._per_m - _OPEN_M
        ]

    def _others(self, head: FloatArray, flow: FloatArray, regulating: list[int]) -> tuple[list[int], FloatArray]:
        """Running pumps and open valves, and how much more each carries per metre."""
        file = self.file
        links = [
            link for link in (*file.other, *(v for v, _ in file.valves if v not in regulating)) if abs(flow[link]) > _STILL_M3H
        ]
        if not links:
            return [], np.empty(0)
        before, behind = file.ends[links, 0], file.ends[links, 1]
        carried = np.abs(flow[links]) / (2.0 * np.maximum(np.abs(head[before] - head[behind]), 1e-3))
        if pumps := [k for k, link in enumerate(links) if link in file.pumps]:
            there_head, there_flow = self._nudged()
            more = np.abs(there_flow[links] - flow[links])[pumps]
            lift = np.abs((there_head[behind] - there_head[before]) - (head[behind] - head[before]))[pumps]
            carried[pumps] = np.where(lift > 1e-6, more / np.maximum(lift, 1e-6), 0.0)
        return links, carried

    def _nudged(self) -> tuple[FloatArray, FloatArray]:
        """Heads and flows with a little more demand."""
        for factor in (_NUDGE, 1.0):
            for node in self.file.junctions:
                self.net.set_demand(int(node), float(self._demand[node]) * factor)
            self.net.solve()
            if factor > 1:
                there = self.net.heads(), self.net.flows()
        return there


def _solve(matrix: FloatArray, right: FloatArray) -> FloatArray:
    """Solution of a balance; a part without any source, which has none, gets the smallest."""
    try:
        return np.asarray(np.linalg.solve(matrix, right))
    except np.linalg.LinAlgError:
        # Singular: nodes that closed pipes cut off from every source.
        return np.asarray(np.linalg.lstsq(matrix, right, rcond=None)[0])
