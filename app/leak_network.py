"""A copy of the network in EPANET for the leak detection: loaded as measured, with its unknowns, one leak at a time.

A pump with a meter that fills a tank is cut out: what it takes is drawn at its suction side as measured, and what lies behind the
tank is fed by the tank at its measured level. The rest is scaled to the metered inlets.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from app.leak_network_file import NetworkFile, read_network_file
from app.leak_network_metered import MeteredFlows
from app.leak_network_slopes import SolvedState, slopes
from app.leak_network_state import OperatingState, Unknowns
from app.leak_network_text import check_text, refused_why
from domain.series import FloatArray
from simulator.toolkit import Epanet, HydraulicsError

_ACCURACY, _TRIALS = 1e-5, 50
"""What has not settled by then goes round in a circle, of pumps and check valves most often."""
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
        self.metered = MeteredFlows(self.file)
        for pump in self.metered.pumps:
            self.net.set_start(self.file.meters[pump], True)
        for pump in self.file.cut:
            self.net.set_start(self.file.meters[pump], False)
            self.net.set_status(self.file.meters[pump], False)
        # Read after each solution: positions as arrays.
        self._gauges = np.array(self.file.gauges, dtype=np.int64)
        self._meters, self._cut = np.array(self.file.meters, dtype=np.int64), np.array(self.file.cut, dtype=np.int64)
        self._height = self.net.elevations()
        # EPANET 2.2 turns psi into metres with the flow units, 2.3 does not: its own word for a known setting tells.
        told = [
            ratio for link, metres in self.file.valves if metres > 0 and (ratio := self.net.setting(link) / metres) > _LEAST_PER_M
        ]
        self._per_m = told[0] if told else self.file.pressure_per_m
        self._running: dict[int, bool] = {}
        self._settings: dict[int, float] = {}
        """Of the valves, in the file's unit of pressure."""
        self._demand: FloatArray = np.zeros(len(self.net.nodes))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.net.close()

    def feed(self, states: Sequence[OperatingState]) -> None:
        """Scales the demands to what was metered in the states of a day."""
        self.metered.feed(states, self._flows_of_file)

    def _flows_of_file(self) -> FloatArray:
        """Of each link [m³/h] with the file's own demands on the mean of a day."""
        factor = self.file.factors.mean(axis=1)
        for node in self.file.junctions:
            self.net.set_demand(int(node), float(self.file.demand[:, node] @ factor))
        self.net.solve()
        return self.net.flows()

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
        self._demand = self.metered.demand(state, number, unknowns)
        self._set_tanks(state)
        self.net.set_demands(file.junctions.tolist(), self._demand[file.junctions].tolist())
        self._switch(state)
        self.net.solve()
        return self._demand

    def _set_tanks(self, state: OperatingState) -> None:
        """To the measured levels."""
        file = self.file
        for k, (tank, value) in enumerate(zip(file.tanks, state.drivers[len(file.meters) :], strict=True)):
            # A gauge's rounding may lie above the brim, which EPANET refuses.
            low, high = file.tank_levels_m.get(tank, (float(value), float(value)))
            level_m = min(max(float(value), low), high)
            if state.at_end[k : k + 1] == (True,) and min(high - level_m, level_m - low) <= _BRIM_M:
                # A hair below the brim a tank would take water that it cannot hold.
                level_m = high if high - level_m < level_m - low else low
            self.net.set_tank_level(tank, level_m)

    def _switch(self, state: OperatingState) -> None:
        """Runs the pumps whose meters say so.

        All run at first, each from its design flow, and those that stand are switched off then: from a standstill EPANET often
        finds that a pump cannot lift, most of all one behind another.
        """
        running = {k: abs(float(state.drivers[k])) > _RUNS_SHARE * self.metered.most_m3h[k] for k in self.metered.pumps}
        if running == self._running:
            return
        self._running = running
        self.net.restart()
        self.net.solve()
        for pump, now in running.items():
            self.net.set_status(self.file.meters[pump], now)
        for link, setting in self._settings.items():
            self.net.set_setting(link, setting)

    def check(self, state: OperatingState) -> float:
        """Whether the last solution is one: how much its flows still change, as a share of all flow.

        Raises:
            HydraulicsError: Its flows do not balance.
        """
        error = self.net.imbalance()
        if not error <= _BALANCED or not np.isfinite(self.net.heads()).all():
            drawn, inflow = float(self._demand[self.file.junctions].sum()), self.metered.inflow(state.drivers)
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
        flow = flows[self._meters] * self.metered.turn
        flow[self._cut] = 0.0
        if self.metered.into:
            flow = np.concatenate([flow, [tank.rise_m_h(flows) for tank in self.metered.into]])
        return self.net.heads()[self._gauges], flow

    def pressures(self) -> FloatArray:
        """Of the gauges [m], shape (G,)."""
        return (self.net.heads() - self._height)[self._gauges]

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
        """The same for a leak of almost nothing, by the derivative of the loaded state.

        Returns:
            Shapes (junctions, G) and (junctions, meters and floating tanks), per m³/h.
        """
        head, flow = self.net.heads(), self.net.flows()
        solved = SolvedState(head_m=head, flow_m3h=flow, regulating=self._regulating(head, flow), nudged=self._nudged)
        return slopes(self.file, solved, self.metered.turn, self.metered.into)

    def _regulating(self, head: FloatArray, flow: FloatArray) -> list[int]:
        """Pressure reducing valves that hold the pressure behind them."""
        file = self.file
        pressure = head - self._height
        return [
            link
            for link, _ in file.valves
            if flow[link] > 0 and pressure[file.ends[link, 1]] > self.net.setting(link) / self._per_m - _OPEN_M
        ]

    def _nudged(self) -> tuple[FloatArray, FloatArray]:
        """Heads and flows with a little more demand."""
        for factor in (_NUDGE, 1.0):
            for node in self.file.junctions:
                self.net.set_demand(int(node), float(self._demand[node]) * factor)
            self.net.solve()
            if factor > 1:
                there = self.net.heads(), self.net.flows()
        return there
