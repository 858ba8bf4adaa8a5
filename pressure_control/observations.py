"""What a law sees of one valve: a few arrays on one grid, the newest last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from domain.assets import Actuator
from domain.inventory import Inventory
from domain.points import PointKey
from domain.series import FloatArray
from domain.zones import Zone


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A pressure that must not fall too low."""

    point: PointKey
    valve: str | None = None
    """Actuator downstream whose inlet this is; None for a critical point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValveTask:
    """One valve and what depends on it."""

    actuator: Actuator
    zone: Zone
    watched: tuple[Watched, ...]
    siblings: tuple[Actuator, ...] = ()
    """Other valves that feed the same zone in parallel."""

    @property
    def offset_m(self) -> float:
        """This valve's setpoint above the mean of all that feed the zone, kept as the site's safe setpoints have it [m]."""
        together = (self.actuator, *self.siblings)
        return self.actuator.safe_m - sum(a.safe_m for a in together) / len(together)

    @property
    def points(self) -> tuple[PointKey, ...]:
        """Every point the task needs."""
        own = (self.actuator.setpoint, self.actuator.outlet_pressure, self.actuator.flow)
        inlet = (self.actuator.inlet_pressure,) if self.actuator.inlet_pressure else ()
        beside = (p for a in self.siblings for p in (a.setpoint, a.outlet_pressure, a.flow))
        return (*own, *inlet, *beside, *(w.point for w in self.watched))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Window:
    """A valve's recent past on a grid of (T,) steps; NaN where missing."""

    start_s: float
    """Seconds since 1970 UTC."""
    step_s: float
    minute: FloatArray
    """Local minute of the day."""
    flow_m3h: FloatArray
    """Of all valves that feed the zone."""
    outlet_m: FloatArray
    inlet_m: FloatArray
    setpoint_m: FloatArray
    watched_m: dict[PointKey, FloatArray] = field(default_factory=dict)
    level_m: FloatArray | None = None
    """Mean outlet pressure of all valves that feed the zone; None where there is one valve only."""
    tank_m: dict[str, FloatArray] = field(default_factory=dict)
    """Levels of tanks that pumps fill out of the zone, where known."""

    def level(self) -> FloatArray:
        """The pressure the zone is fed at [m]."""
        return self.outlet_m if self.level_m is None else self.level_m

    @property
    def size(self) -> int:
        """Number of steps."""
        return int(self.flow_m3h.size)

    @property
    def end_s(self) -> float:
        """End of the last step."""
        return self.start_s + self.size * self.step_s

    def tail(self, steps: int) -> Window:
        """The last ``steps`` steps."""
        first = max(0, self.size - steps)
        part = slice(first, None)
        return replace(
            self,
            start_s=self.start_s + first * self.step_s,
            minute=self.minute[part],
            flow_m3h=self.flow_m3h[part],
            outlet_m=self.outlet_m[part],
            inlet_m=self.inlet_m[part],
            setpoint_m=self.setpoint_m[part],
            watched_m={k: v[part] for k, v in self.watched_m.items()},
            level_m=None if self.level_m is None else self.level_m[part],
            tank_m={k: v[part] for k, v in self.tank_m.items()},
        )


def valve_tasks(inventory: Inventory) -> dict[str, ValveTask]:
    """Each actuator with the critical points of its zone and the inlets of valves fed out of its zone."""
    tasks = {}
    for key, actuator in inventory.actuators.items():
        zone = inventory.zones[actuator.zone]
        leaving = {i.point for i in zone.inlets if i.sign < 0}
        fed = {z.key for z in inventory.zones.values() if any(i.sign > 0 and i.point in leaving for i in z.inlets)}
        critical = tuple(Watched(point=p) for p in zone.critical_points)
        downstream = tuple(
            Watched(point=a.inlet_pressure, valve=a.key)
            for a in inventory.actuators.values()
            if a.zone in fed and a.inlet_pressure is not None
        )
        siblings = tuple(a for k, a in inventory.actuators.items() if a.zone == zone.key and k != key)
        tasks[key] = ValveTask(actuator=actuator, zone=zone, watched=critical + downstream, siblings=siblings)
    return tasks


def downstream_first(tasks: Mapping[str, ValveTask]) -> tuple[str, ...]:
    """Valves in such an order that each comes after those it feeds."""
    order: list[str] = []

    def visit(key: str, path: frozenset[str]) -> None:
        if key in order or key in path:
            return
        for watched in tasks[key].watched:
            if watched.valve is not None and watched.valve in tasks:
                visit(watched.valve, path | {key})
        order.append(key)

    for key in tasks:
        visit(key, frozenset())
    return tuple(order)


def window(task: ValveTask, grids: Mapping[PointKey, FloatArray], *, start_s: float, step_s: float, minute: FloatArray) -> Window:
    """The window of a task from points on one grid."""
    actuator = task.actuator
    missing = np.full(minute.size, np.nan)
    together = (actuator, *task.siblings)
    return Window(
        start_s=start_s,
        step_s=step_s,
        minute=minute,
        flow_m3h=np.sum([grids[a.flow] for a in together], axis=0) if task.siblings else grids[actuator.flow],
        outlet_m=grids[actuator.outlet_pressure],
        inlet_m=grids[actuator.inlet_pressure] if actuator.inlet_pressure else missing,
        setpoint_m=grids[actuator.setpoint],
        watched_m={w.point: grids[w.point] for w in task.watched},
        level_m=np.mean([grids[a.outlet_pressure] for a in together], axis=0) if task.siblings else None,
    )


def newest(values: FloatArray, steps: int) -> float:
    """The newest finite of the last ``steps`` values; NaN if there is none."""
    tail = values[-steps:]
    known = np.flatnonzero(np.isfinite(tail))
    return float(tail[known[-1]]) if known.size else float("nan")


def age_steps(values: FloatArray) -> int:
    """Steps since the newest finite value (0: the last step has one); the length where there is none."""
    known = np.flatnonzero(np.isfinite(values))
    return int(values.size - 1 - known[-1]) if known.size else int(values.size)
