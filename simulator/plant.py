"""The town's water, step by step: demand and setpoints in, pressures, flows, losses and what the sensors say out.

Each step is one steady state that holds over ``(t - dt, t]``; tanks and registers are carried on by us. Demand does not fall with
pressure, so that a pressure that is too low is never hidden by lower use; leaks do. No transients: a burst is at once a new state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from simulator.demand import DemandModel
from simulator.faults import Burst, Fault, MeterStuck, PrvStuck, SensorDrift
from simulator.memory import PlantMemory
from simulator.noise import keys, uniforms
from simulator.sensors import HydraulicState, Sensors
from simulator.site import SimulatedSite
from simulator.tanks import read_switches, read_tanks
from simulator.toolkit import Epanet, FloatArray

TOLERANCE_M = 0.05
"""A customer counts as short of pressure this far below the zone's minimum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantState:
    """What one step gave."""

    time: datetime
    seconds: float
    """Length of the step."""
    values: dict[str, float]
    """What each point shows, canonical unit: noise and sensor faults are in it."""
    leak_m3: float
    """Water lost in the step, bursts included."""
    burst_m3: float
    inflow_m3: float
    """Water drawn by the town in the step: all demand and all losses."""
    customer_minutes_below: float
    """Connections below their zone's minimum pressure × minutes."""
    lowest_m: dict[str, float]
    """Least pressure at a customer of each zone [m]."""
    pressures_m: FloatArray
    """Pressure at every node, in the order of ``Plant.nodes``."""
    balanced: bool
    """False where EPANET warned."""
    memory: PlantMemory


class Plant:
    """A town that can be run forward from any memory of it."""

    def __init__(self, site: SimulatedSite, *, seed: int, memory: PlantMemory | None = None, library: Path | None = None) -> None:
        """Opens the network.

        Args:
            site: The site to simulate.
            seed: Decides all chance.
            memory: Where to go on; None needs ``begin`` first.
            library: EPANET's shared library; None finds it.

        Raises:
            HydraulicsError: No EPANET, or it refuses the network.
            ConfigurationError: Site and network do not fit together.
        """
        text = site.network.read_text(encoding="utf-8")
        self._tanks, self._switches = read_tanks(text), read_switches(text)
        self._site, self._seed, self._n1 = site, seed, site.geometry.emitter_exponent
        self._epanet = Epanet(site.network, library=library)
        self.nodes, self.links = self._epanet.nodes, self._epanet.links
        self._node = {name: i for i, name in enumerate(self.nodes)}
        self._link = {name: i for i, name in enumerate(self.links)}
        self._sensors = Sensors(site=site, nodes=self.nodes, links=self.links, seed=seed)
        self._prepare_customers()
        points = site.inventory.points
        self._valves = {key: points[a.setpoint].node or "" for key, a in site.inventory.actuators.items()}
        self._settings = {k.key: self._epanet.setting(self._link[k.key]) for k in site.geometry.links if k.kind == "valve"}
        self._last_pressures = np.full(len(self.nodes), 30.0)
        self.memory = memory

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Gives EPANET's memory back."""
        self._epanet.close()

    def begin(self, moment: datetime) -> PlantMemory:
        """A plant that has never run: tanks at their initial level, setpoints at the fixed ones, registers at some index."""
        points = [p for p in self._sensors.points if p.key in self._sensors.register_keys]
        start = uniforms(keys(self._seed, "register", [p.key for p in points]), 0)
        self.memory = PlantMemory(
            time=moment,
            levels_m={t.key: t.initial_m for t in self._tanks},
            pump_on={s.pump: False for s in self._switches},
            registers={p.key: float(round(20_000 + 180_000 * u)) for p, u in zip(points, start.tolist(), strict=True)},
            setpoints_m={key: a.safe_m for key, a in self._site.inventory.actuators.items()},
        )
        return self.memory

    def step(self, moment: datetime, *, setpoints: Mapping[str, float], faults: Sequence[Fault] = ()) -> PlantState:
        """Runs on to a moment.

        Args:
            moment: End of the step; after ``memory.time``.
            setpoints: Ordered outlet pressure by actuator [m]; those not named stay.
            faults: Everything that goes wrong at some time.

        Raises:
            ValueError: The plant has no memory yet, or the moment is not after it.
            HydraulicsError: No solution.
        """
        before = self.memory
        if before is None or moment <= before.time:
            raise ValueError(f"cannot step to {moment}: the plant is at {before.time if before else 'no time; call begin first'}")
        seconds = (moment - before.time).total_seconds()
        ordered = {**before.setpoints_m, **setpoints}
        held = _held_valves(before, faults, moment)
        pump_on = {s.pump: s.on(before.pump_on[s.pump], before.levels_m[s.tank]) for s in self._switches}
        self._apply(moment, {k: held.get(f"prv:{k}", v) for k, v in ordered.items()}, pump_on, before.levels_m)
        bursts = [f for f in faults if isinstance(f, Burst) and f.active(moment)]
        pressures, flows, balanced, burst_m3h = self._solve(moment, bursts)
        leak_m3h = burst_m3h + float(np.sum(self._emitters * np.maximum(pressures, 0.0) ** self._n1))
        state = HydraulicState(
            pressures_m=pressures,
            flows_m3h=flows,
            levels_m=self._next_levels(before.levels_m, flows, seconds),
            pump_on=pump_on,
            settings_m={**self._settings, **{self._valves[k]: v for k, v in ordered.items()}},
        )
        registers = {k: before.registers[k] + rate * seconds / 3600 for k, rate in self._sensors.rates(state).items()}
        true = {**self._sensors.true_values(state), **registers}
        values, held = _with_sensor_faults(self._sensors.measured(true, moment.timestamp()), held, faults, moment)
        self.memory = PlantMemory(
            time=moment, levels_m=dict(state.levels_m), pump_on=pump_on, registers=registers, setpoints_m=ordered, held=held
        )
        customers_m = pressures[self._customers]
        short = customers_m < self._minimum - TOLERANCE_M
        return PlantState(
            time=moment,
            seconds=seconds,
            values=values,
            leak_m3=leak_m3h * seconds / 3600,
            burst_m3=burst_m3h * seconds / 3600,
            inflow_m3=(leak_m3h + float(self._demand_m3h)) * seconds / 3600,
            customer_minutes_below=float(self._connections[short].sum()) * seconds / 60,
            lowest_m={zone: float(customers_m[mask].min()) for zone, mask in self._zone_masks.items()},
            pressures_m=pressures,
            balanced=balanced,
            memory=self.memory,
        )

    def _prepare_customers(self) -> None:
        geometry, zones = self._site.geometry, self._site.inventory.zones
        names = [n for n in geometry.connections if geometry.zones.get(n) in zones]
        of = np.array([geometry.zones[n] for n in names])
        self._customers = np.array([self._node[n] for n in names], dtype=np.intp)
        self._connections = np.array([geometry.connections[n] for n in names], dtype=np.float64)
        self._minimum = np.array([zones[z].min_pressure_m for z in of])
        self._zone_masks = {str(z): of == z for z in sorted(set(of.tolist()))}
        self._emitters = np.zeros(len(self.nodes))
        for node, coefficient in geometry.emitters.items():
            self._emitters[self._node[node]] = coefficient
        groups = sorted(set(geometry.groups.values()))
        self._patterns = [self._epanet.pattern(g) for g in groups]
        self._demand = DemandModel(seed=self._seed, calendar=self._site.inventory.site.calendar, groups=groups)
        self._group_mean = np.array(
            [sum(geometry.demands[n] for n, g in geometry.groups.items() if g == group) for group in groups]
        )
        self._around = {
            t.key: [(self._link[k.key], 1.0 if k.end == t.key else -1.0) for k in geometry.links if t.key in (k.start, k.end)]
            for t in self._tanks
        }

    def _apply(
        self, moment: datetime, settings: Mapping[str, float], pump_on: Mapping[str, bool], levels_m: Mapping[str, float]
    ) -> None:
        multipliers = self._demand.multipliers(moment)
        self._demand_m3h = float(multipliers @ self._group_mean)
        for pattern, value in zip(self._patterns, multipliers.tolist(), strict=True):
            self._epanet.set_multiplier(pattern, value)
        for actuator, value in settings.items():
            self._epanet.set_setting(self._link[self._valves[actuator]], value)
        for tank, level in levels_m.items():
            self._epanet.set_tank_level(self._node[tank], level)
        for pump, on in pump_on.items():
            self._epanet.set_status(self._link[pump], on)

    def _solve(self, moment: datetime, bursts: Sequence[Burst]) -> tuple[FloatArray, FloatArray, bool, float]:
        """Pressures, flows, whether EPANET is content, and the flow of the bursts.

        EPANET knows one exponent only, N1; a burst follows the orifice law. So its emitter is set for the pressure last seen and
        corrected until flow and pressure fit (two or three solutions).
        """
        if not bursts:
            balanced = self._epanet.solve()
            self._last_pressures = self._epanet.pressures()
            return self._last_pressures, self._epanet.flows(), balanced, 0.0
        places = [self._node[b.node] for b in bursts]
        balanced, extra = False, np.zeros(len(self.nodes))
        for _ in range(3):
            extra[:] = 0.0
            for place, burst in zip(places, bursts, strict=True):
                pressure = max(0.5, float(self._last_pressures[place]))
                extra[place] += burst.flow_at(moment, pressure) / pressure**self._n1
            for place in places:
                self._epanet.set_emitter(place, float(self._emitters[place] + extra[place]))
            balanced = self._epanet.solve()
            self._last_pressures = self._epanet.pressures()
        flow = float(np.sum(extra * np.maximum(self._last_pressures, 0.0) ** self._n1))
        flows = self._epanet.flows()
        for place in places:
            self._epanet.set_emitter(place, float(self._emitters[place]))
        return self._last_pressures, flows, balanced, flow

    def _next_levels(self, levels_m: Mapping[str, float], flows: FloatArray, seconds: float) -> dict[str, float]:
        return {
            t.key: t.after(levels_m[t.key], sum(sign * float(flows[i]) for i, sign in self._around[t.key]), seconds)
            for t in self._tanks
        }


def _held_valves(before: PlantMemory, faults: Sequence[Fault], moment: datetime) -> dict[str, float]:
    """What stuck parts hold now: a valve freezes at the order it had when it stuck, one that came free is forgotten."""
    stuck = {f"prv:{f.actuator}": f.actuator for f in faults if isinstance(f, PrvStuck) and f.active(moment)}
    kept = {k: v for k, v in before.held.items() if k in stuck or not k.startswith("prv:")}
    return {**{k: before.setpoints_m[actuator] for k, actuator in stuck.items()}, **kept}


def _with_sensor_faults(
    values: dict[str, float], held: dict[str, float], faults: Sequence[Fault], moment: datetime
) -> tuple[dict[str, float], dict[str, float]]:
    """Values as faulty sensors show them, and what those that are stuck hold."""
    shown, holding = dict(values), dict(held)
    for fault in faults:
        if isinstance(fault, SensorDrift):
            shown.update({point: shown[point] + fault.offset(moment) for point in fault.points})
        elif isinstance(fault, MeterStuck):
            for point in fault.points:
                if fault.active(moment):
                    shown[point] = holding.setdefault(f"point:{point}", shown[point])
                else:
                    holding.pop(f"point:{point}", None)
    return shown, holding


def fixed_setpoints(site: SimulatedSite) -> dict[str, float]:
    """The present state: each valve at its safe setpoint."""
    return {key: a.safe_m for key, a in site.inventory.actuators.items()}
