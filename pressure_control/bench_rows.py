"""The benchmark's observations as the windows a law sees: packets are put where they were measured, old rows forgotten."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import numpy as np

from domain.series import FloatArray
from pressure_control.bench_site import BenchInfo
from pressure_control.observations import ValveTask, Window

EPOCH = datetime(2026, 1, 5, tzinfo=UTC)
"""A Monday, as the benchmark's first day."""
_KEPT_S = 6 * 3600.0
_FOLLOWS_M = 0.6


class BenchObs(Protocol):
    """What it tells at each step."""

    t: int
    valve: dict[str, dict[str, float]]
    cp: dict[str, dict[str, tuple[float, int]]]
    tank: dict[str, float]


@dataclass(slots=True)
class _Series:
    """Rows of one zone, one a step, the newest last."""

    flow: list[float] = field(default_factory=list)
    level: list[float] = field(default_factory=list)
    own: dict[str, tuple[list[float], list[float], list[float]]] = field(default_factory=dict)
    watched: dict[str, list[float]] = field(default_factory=dict)


class BenchRows:
    """What has been measured in the zones, twice six hours at most.

    Args:
        info: The benchmark's description.
        tasks: Its valves; the inlets that they watch are measured at those valves.
    """

    def __init__(self, info: BenchInfo, tasks: Mapping[str, ValveTask]) -> None:
        self.kept = round(_KEPT_S / info.step_s)
        """Steps that are never forgotten."""
        self._step_s = float(info.step_s)
        self._zones = info.zones
        self._tasks = tuple(tasks.values())
        self._series = {z: _Series() for z in info.zones}
        self._tanks: dict[str, list[float]] = {}
        self._times: list[int] = []

    def take(self, obs: BenchObs) -> None:
        """Puts the observations of one step at the end."""
        self._times.append(obs.t)
        for zone, info in self._zones.items():
            rows = self._series[zone]
            valves = [obs.valve[v] for v in info["valves"]]
            rows.flow.append(sum(v["flow"] for v in valves))
            rows.level.append(sum(_level(v) for v in valves) / len(valves))
            for name, valve in zip(info["valves"], valves, strict=True):
                own = rows.own.setdefault(name, ([], [], []))
                for values, key in zip(own, ("p_out", "p_in", "readback"), strict=True):
                    values.append(valve[key])
            for point in rows.watched.values():
                point.append(math.nan)
            for sensor, (value, at) in obs.cp[zone].items():
                self._place(rows.watched.setdefault(sensor, [math.nan] * len(self._times)), value, at)
        for task in self._tasks:
            rows = self._series[task.zone.key]
            for watched in task.watched:
                if watched.valve is not None:
                    values = rows.watched.setdefault(watched.point, [math.nan] * len(self._times))
                    values[-1] = obs.valve[watched.valve]["p_in"]
        for tank, tank_m in obs.tank.items():
            self._tanks.setdefault(tank, [math.nan] * (len(self._times) - 1)).append(tank_m)
        self._forget()

    def outlet_m(self, zone: str, valve: str) -> float:
        """The newest outlet pressure of a valve of a zone."""
        return self._series[zone].own[valve][0][-1]

    def window(self, name: str, task: ValveTask) -> Window:
        """All that is kept about a valve and what its task watches."""
        rows = self._series[task.zone.key]
        outlet, inlet, readback = rows.own[name]
        return Window(
            start_s=EPOCH.timestamp() + self._times[0],
            step_s=self._step_s,
            minute=np.array(self._times, dtype=np.float64) / 60.0 % 1440.0,
            flow_m3h=_array(rows.flow),
            outlet_m=_array(outlet),
            inlet_m=_array(inlet),
            setpoint_m=_array(readback),
            watched_m={w.point: _array(rows.watched[w.point]) for w in task.watched},
            level_m=_array(rows.level),
            tank_m={k: _array(v) for k, v in self._tanks.items()},
        )

    def _place(self, values: list[float], value: float, at: int) -> None:
        back = round((self._times[-1] - at) / self._step_s)
        if math.isfinite(value) and at >= 0 and 0 <= back < len(values):
            values[-1 - back] = value

    def _forget(self) -> None:
        if len(self._times) < 2 * self.kept:
            return
        del self._times[: -self.kept]
        rows = [*self._tanks.values()]
        for series in self._series.values():
            rows += [series.flow, series.level, *series.watched.values(), *(v for own in series.own.values() for v in own)]
        for values in rows:
            del values[: -self.kept]


def _array(values: list[float]) -> FloatArray:
    return np.array(values, dtype=np.float64)


def _level(valve: Mapping[str, float]) -> float:
    """The outlet; its setpoint, which has no noise, where the valve follows."""
    outlet, setpoint = valve["p_out"], valve["readback"]
    return setpoint if abs(outlet - setpoint) < _FOLLOWS_M else outlet
