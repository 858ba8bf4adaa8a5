"""What the meters say of the demands in a copy of the network: inflow, which meters count backwards, what each junction draws.

Learnt from the states of a day; the demands of the file are scaled to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from app.leak_network_file import NetworkFile
from app.leak_network_state import OperatingState, Unknowns
from domain.series import FloatArray

_TURNED_SHARE = 0.05
"""Of all inflow: an inlet's meter with less may change its sign by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TankFlows:
    """What a floating tank takes."""

    links: tuple[tuple[int, float], ...]
    """Those at the tank, each with the sign of a flow into it."""
    area_m2: float

    def rise_m_h(self, flow_m3h: FloatArray) -> float:
        """By the flows of all links, shape (links,)."""
        return float(sum(sign * flow_m3h[link] for link, sign in self.links) / self.area_m2)


class MeteredFlows:
    """Of one network file."""

    def __init__(self, file: NetworkFile) -> None:
        self._file = file
        self.pumps = [k for k, link in enumerate(file.meters) if link in file.pumps and k not in file.cut]
        """Meters, by their place, of pumps that are not cut out."""
        self.into = tuple(
            TankFlows(
                links=tuple((link, 1.0 if file.ends[link, 1] == tank else -1.0) for link in file.at_tank[tank]),
                area_m2=file.tank_area_m2[tank],
            )
            for tank in (file.tanks[k] for k in file.floating)
        )
        self.turn = np.ones(len(file.meters))
        """-1 for each meter that counts against the direction of its link."""
        self.most_m3h = np.zeros(len(file.meters))
        """Largest flow of each meter in any state."""
        self.usual_m3h = 1.0
        """Largest inflow in any state [m³/h]."""
        self._behind = dict.fromkeys(file.behind, 1.0)
        self._main: float | None = None

    def feed(self, states: Sequence[OperatingState], flows_of_file: Callable[[], FloatArray]) -> None:
        """Scales what lies behind each tank to what its pump takes on the mean: a tank neither fills nor empties for long.

        Args:
            states: Of a day.
            flows_of_file: Tells the flow of each link [m³/h] with the file's own demands; asked where a meter seems to be turned.
        """
        file = self._file
        weight = np.array([s.weight for s in states])
        mean = np.array([s.drivers[: len(file.meters)] for s in states]).T @ weight / weight.sum()
        for pump, tank in file.filled.items():
            drawn = float((file.demand[:, file.behind[tank]].sum(axis=1) * file.factors.mean(axis=1)).sum())
            if mean[pump] > 0 and drawn > 0:
                self._behind[tank] = float(mean[pump]) / drawn
        self.most_m3h = np.abs(np.array([s.drivers[: len(file.meters)] for s in states])).max(axis=0)
        self._find_turned(mean, flows_of_file)
        largest = [abs(self.inflow(s.drivers)) for s in states] if file.inlets else self.most_m3h
        self.usual_m3h = max(float(np.max(largest)), 1e-3)
        if file.unread_tanks and file.inlets:
            # What a tank nobody measures takes and gives in an hour is not known; over the day it is nothing.
            drawn = float((file.demand[:, file.metered].sum(axis=1) * file.factors.mean(axis=1)).sum())
            inflow = self.inflow(mean) - float(sum(max(mean[k], 0.0) for k in file.cut))
            self._main = inflow / drawn if inflow > 0 and drawn > 0 else 1.0

    def _find_turned(self, mean_m3h: FloatArray, flows_of_file: Callable[[], FloatArray]) -> None:
        """Finds inlet meters that count against the direction of their link in the file: both are right, each in its way."""
        file = self._file
        against = [
            (k, sign)
            for k, sign in zip(file.inlets, file.inward, strict=True)
            if mean_m3h[k] * sign < -_TURNED_SHARE * np.abs(mean_m3h[list(file.inlets)]).sum()
        ]
        if not against:
            return
        flow = flows_of_file()
        for k, sign in against:
            # Where the file, too, lets water out there, it is an outlet and nothing is turned.
            if flow[file.meters[k]] * sign > 0:
                self.turn[k] = -1.0

    @property
    def inward(self) -> FloatArray:
        """Sign of each inlet's meter that means water into the main part, shape (inlets,)."""
        return np.array(self._file.inward) * self.turn[list(self._file.inlets)]

    def inflow(self, flow_m3h: FloatArray) -> float:
        """Flow into the main part [m³/h] by the meters at its inlets."""
        return float(self.inward @ flow_m3h[list(self._file.inlets)])

    def rises(self, state: OperatingState) -> FloatArray:
        """Of the floating tanks, as measured [m/h], shape (floating,)."""
        floating = self._file.floating
        return state.rise_m_h[list(floating)] if state.rise_m_h.size else np.zeros(len(floating))

    def free_flows(self, flow_m3h: FloatArray) -> FloatArray:
        """Flows that demand does not tell: of the inlets and pumps and into the floating tanks [m³/h].

        Args:
            flow_m3h: Of all meters, then rises of the floating tanks [m/h], shape (states, meters and floating tanks).
        """
        told = sorted({*self._file.inlets, *self.pumps})
        areas = np.array([tank.area_m2 for tank in self.into])
        return np.concatenate([flow_m3h[:, told], flow_m3h[:, len(self._file.meters) :] * areas], axis=1)

    def demand(self, state: OperatingState, number: int, unknowns: Unknowns) -> FloatArray:
        """What each node draws in a state [m³/h], shape (nodes,).

        Args:
            state: The state.
            number: Its place in ``unknowns.pattern``.
            unknowns: In force.
        """
        file = self._file
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
        return np.asarray(demand)

    def _stored(self, state: OperatingState) -> float:
        """What the measured tanks of the main part take in [m³/h]."""
        if not state.rise_m_h.size:
            return 0.0
        tanks = self._file.tanks
        return float(sum(state.rise_m_h[k] * self._file.tank_area_m2.get(tanks[k], 0.0) for k in self._file.floating))
