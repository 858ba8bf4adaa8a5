"""The laws in front of the closed-loop benchmark: its observations become windows, the rest is what runs in the control room.

    python ../shared/tools/pressure_bench.py --net ltown --controller pressure_control.bench:make

An adapter only: ``advise`` with its supervisor, law, learner and envelope are the same as online. What differs is settings: the
benchmark counts every customer, so hardly a standing reserve for places without a sensor is kept, and its sensors' noise is known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import numpy as np

from domain.assets import Actuator
from domain.points import PointKey
from domain.series import FloatArray
from domain.setpoints import Mode
from domain.zones import Zone, ZoneKind
from pressure_control.advise import advise, ages
from pressure_control.budget import MEAN_SHARE, Moves
from pressure_control.laws.law import LawInputs
from pressure_control.laws.table import DEFAULT_LAW, LAWS
from pressure_control.learner import ZoneLearner
from pressure_control.observations import ValveTask, Watched, Window
from pressure_control.settings import ControlSettings
from pressure_control.supervisor import Standing, Wish, decide
from pressure_control.twin.zone_twin import ZoneTwin

BENCH_SETTINGS = ControlSettings(
    reserve_m=0.1,
    surge_m3h=0.0,
    valve_headroom_m=1.0,
    quantile=0.99,
    look_ahead_steps=2,
    lift_ahead_steps=6,
    lift_m=0.0,
    dead_band_up_m=0.2,
    dead_band_down_m=0.15,
    rest_down_s=1200.0,
    sensor_noise_m=0.15,
    follow_m=0.8,
    stale_s=1800.0,
)
SLOW_SETTINGS = replace(BENCH_SETTINGS, quantile=0.995, emergency_ramp_m=2.0)
"""For orders that stand for a quarter of an hour: more room, and no fast ramp, for a draw seen three times is nearly over."""
STATION_SETTINGS = replace(
    BENCH_SETTINGS,
    look_ahead_steps=3,
    dead_band_up_m=0.3,
    dead_band_down_m=0.2,
    lift_m=0.2,
    small_step_m=1.2,
    rest_down_s=2400.0,
)
"""For the pressure of a pumping station that swings by tens of metres a day: fewer turns, so that 96 moves a day are enough."""
SPARING_SETTINGS = replace(
    STATION_SETTINGS,
    lift_ahead_steps=12,
    dead_band_up_m=0.5,
    small_step_m=2.0,
    rest_down_s=4500.0,
    lift_m=1.0,
)
"""The same for 48 moves a day; the ramp down must then be 2 m."""
_STATION = "PS-"
_EPOCH = datetime(2026, 1, 5, tzinfo=UTC)
"""A Monday, as the benchmark's first day."""
_SETTINGS_STEP_S = 300.0
"""Step of the settings above; the benchmark's may differ."""
_KEPT_S = 6 * 3600.0
_FOLLOWS_M = 0.6
_LONG_AGO_S = 1e9
_MOVES_A_DAY, _STATION_MOVES_A_DAY = 48, 96
Setpoints = dict[str, float]


class BenchInfo(Protocol):
    """What the benchmark tells a controller at the start."""

    step_s: int
    p_min: float
    valves: dict[str, dict[str, Any]]
    zones: dict[str, dict[str, Any]]


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


def make(info: BenchInfo) -> Callable[[BenchObs], Setpoints]:
    """The controller with the law ``learned_critical_point``."""
    return Controller(info)


def make_sparing(info: BenchInfo) -> Callable[[BenchObs], Setpoints]:
    """The same for a pumping station that may move 48 times a day, by up to 2 m either way."""
    return Controller(info, settings=SPARING_SETTINGS, ramp_down_m=2.0, moves_a_day=_MOVES_A_DAY)


class Controller:
    """Setpoints for all valves, one call a step.

    Args:
        info: The benchmark's description.
        law: Name in ``laws.table``.
        settings: Margins; None takes ``BENCH_SETTINGS``, for a pumping station ``STATION_SETTINGS``, for orders that stand for more
            than ten minutes ``SLOW_SETTINGS``.
        ramp_up_m: Largest step up [m].
        ramp_down_m: Largest step down [m].
        moves_a_day: Moves of a valve and day to aim at on average; None takes 48, for a pumping station 96.
        twins: By zone, for the law ``model_twin``.
    """

    def __init__(
        self,
        info: BenchInfo,
        law: str = DEFAULT_LAW,
        settings: ControlSettings | None = None,
        *,
        ramp_up_m: float = 2.0,
        ramp_down_m: float = 1.0,
        moves_a_day: int | None = None,
        twins: Mapping[str, ZoneTwin] | None = None,
    ) -> None:
        if settings is None:
            settings = settings_for(info)
        self._settings = replace(
            settings,
            look_ahead_steps=max(1, round(settings.look_ahead_steps * _SETTINGS_STEP_S / info.step_s)),
            lift_ahead_steps=round(settings.lift_ahead_steps * _SETTINGS_STEP_S / info.step_s),
        )
        self._twins = twins or {}
        self._law, self._step_s = LAWS[law], float(info.step_s)
        self._zones = info.zones
        allowed = moves_a_day or (_STATION_MOVES_A_DAY if _is_station(info) else _MOVES_A_DAY)
        self._tasks = _tasks(info, ramp_up_m=ramp_up_m, ramp_down_m=ramp_down_m, max_moves_per_day=round(allowed / MEAN_SHARE))
        self._order = _downstream_first(self._tasks)
        self._learners = {z: ZoneLearner(self._step_s) for z in info.zones}
        self._series = {z: _Series() for z in info.zones}
        self._tanks: dict[str, list[float]] = {}
        self._times: list[int] = []
        self._standing: dict[str, Standing] = {}
        self._moves: dict[str, list[int]] = {}
        self._kept = round(_KEPT_S / info.step_s)
        self._off: set[str] = set()
        self.reasons: dict[str, str] = {}
        self.alarms: list[tuple[int, str]] = []
        """Each time at which a valve was found not to follow, with the valve."""

    def __call__(self, obs: BenchObs) -> Setpoints:
        """The setpoints for the next step."""
        self._take(obs)
        orders: Setpoints = {}
        downstream: dict[str, float] = {}
        for name in self._order:
            current = obs.valve[name]["readback"]
            advice, target = self._advise(name, obs.t, current, downstream)
            downstream[name] = max(current, advice, target)
            if abs(advice - current) > 1e-9:
                orders[name] = advice
                self._moves.setdefault(name, []).append(obs.t)
        return orders

    def _take(self, obs: BenchObs) -> None:
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
        for task in self._tasks.values():
            rows = self._series[task.zone.key]
            for watched in task.watched:
                if watched.valve is not None:
                    values = rows.watched.setdefault(watched.point, [math.nan] * len(self._times))
                    values[-1] = obs.valve[watched.valve]["p_in"]
        for tank, tank_m in obs.tank.items():
            self._tanks.setdefault(tank, [math.nan] * (len(self._times) - 1)).append(tank_m)
        self._forget()

    def _place(self, values: list[float], value: float, at: int) -> None:
        back = round((self._times[-1] - at) / self._step_s)
        if math.isfinite(value) and at >= 0 and 0 <= back < len(values):
            values[-1 - back] = value

    def _forget(self) -> None:
        if len(self._times) < 2 * self._kept:
            return
        del self._times[: -self._kept]
        rows = [*self._tanks.values()]
        for series in self._series.values():
            rows += [series.flow, series.level, *series.watched.values(), *(v for own in series.own.values() for v in own)]
        for values in rows:
            del values[: -self._kept]

    def _advise(self, name: str, t: int, current: float, downstream: Mapping[str, float]) -> tuple[float, float]:
        task = self._tasks[name]
        recent = self._window(name, task)
        learner = self._learners[task.zone.key]
        learner.advance(recent)
        inputs = LawInputs(
            task=task,
            stuck_beside_m=self._stuck_beside(task),
            recent=recent.tail(self._kept),
            model=None,
            settings=self._settings,
            downstream_m={w.valve: downstream[w.valve] for w in task.watched if w.valve in downstream and w.valve is not None},
            learner=learner,
            twin=self._twins.get(task.zone.key),
        )
        now_s = recent.end_s
        now = _EPOCH + timedelta(seconds=t)
        standing = decide(self._standing.get(name), Wish(mode=Mode.AUTO), data_age_s=ages(inputs, now_s).drive_s, now=now)
        self._standing[name] = standing
        ages_s = tuple(float(t - moved) for moved in self._moves.get(name, ()))
        advice = advise(
            inputs,
            self._law,
            standing,
            current_m=current,
            now_s=now_s,
            since_move_s=ages_s[-1] if ages_s else _LONG_AGO_S,
            moves=Moves(ages_s=ages_s, known_s=float(t)),
        )
        self.reasons[name] = advice.reason
        if not advice.follows and name not in self._off:
            self.alarms.append((t, name))
        (self._off.discard if advice.follows else self._off.add)(name)
        target = advice.target_m if advice.target_m is not None else current
        if target > task.actuator.safe_m and "learned" in advice.basis:
            # The benchmark's own setpoints are not safe everywhere: the safe side is what was ever needed.
            safe = min(target, task.actuator.max_m)
            higher = safe - task.actuator.safe_m
            beside = tuple(replace(a, safe_m=a.safe_m + higher) for a in task.siblings)
            self._tasks[name] = replace(task, actuator=replace(task.actuator, safe_m=safe), siblings=beside)
        return advice.value_m, target

    def _stuck_beside(self, task: ValveTask) -> dict[str, float]:
        """Outlet pressure of each valve beside this one that does not follow its setpoint."""
        own = self._series[task.zone.key].own
        return {a.key: v for a in task.siblings if a.key in self._off and math.isfinite(v := own[a.key][0][-1])}

    def _window(self, name: str, task: ValveTask) -> Window:
        rows = self._series[task.zone.key]
        outlet, inlet, readback = rows.own[name]
        return Window(
            start_s=_EPOCH.timestamp() + self._times[0],
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


def _array(values: list[float]) -> FloatArray:
    return np.array(values, dtype=np.float64)


def _level(valve: Mapping[str, float]) -> float:
    """The outlet; its setpoint, which has no noise, where the valve follows."""
    outlet, setpoint = valve["p_out"], valve["readback"]
    return setpoint if abs(outlet - setpoint) < _FOLLOWS_M else outlet


def settings_for(info: BenchInfo) -> ControlSettings:
    """The settings for a network's valves: a station's, or by how long an order stands."""
    if _is_station(info):
        return STATION_SETTINGS
    return SLOW_SETTINGS if info.step_s > 2 * _SETTINGS_STEP_S else BENCH_SETTINGS


def _is_station(info: BenchInfo) -> bool:
    return all(v.startswith(_STATION) for v in info.valves)


def _tasks(info: BenchInfo, **limits: Any) -> dict[str, ValveTask]:
    actuators = {name: replace(_actuator(name, valve), **limits) for name, valve in info.valves.items()}
    tasks = {}
    for name, valve in info.valves.items():
        zone = info.zones[valve["zone"]]
        children = [v for v, other in info.valves.items() if valve["zone"] in info.zones[other["zone"]]["parent"]]
        critical = tuple(Watched(point=PointKey(s)) for s in zone["sensors"])
        tasks[name] = ValveTask(
            actuator=actuators[name],
            zone=Zone(
                key=valve["zone"],
                kind=ZoneKind.PRESSURE_ZONE,
                names={"en": valve["zone"]},
                critical_points=tuple(w.point for w in critical),
                min_pressure_m=info.p_min,
                connections=zone["customers"],
            ),
            watched=critical + tuple(Watched(point=PointKey(f"{v}.inlet"), valve=v) for v in children),
            siblings=tuple(actuators[v] for v in zone["valves"] if v != name),
        )
    return tasks


def _actuator(name: str, valve: Mapping[str, Any]) -> Actuator:
    return Actuator(
        key=name,
        device=name,
        field="setpoint_m",
        zone=valve["zone"],
        min_m=valve["lo"],
        max_m=valve["hi"],
        safe_m=valve["default"],
        min_interval_s=0.0,
        setpoint=PointKey(f"{name}.setpoint"),
        outlet_pressure=PointKey(f"{name}.outlet"),
        inlet_pressure=PointKey(f"{name}.inlet"),
        flow=PointKey(f"{name}.flow"),
    )


def _downstream_first(tasks: Mapping[str, ValveTask]) -> tuple[str, ...]:
    """Valves in such an order that each comes after those it feeds."""
    order: list[str] = []

    def visit(name: str, path: frozenset[str]) -> None:
        if name in order or name in path:
            return
        for watched in tasks[name].watched:
            if watched.valve is not None:
                visit(watched.valve, path | {name})
        order.append(name)

    for name in tasks:
        visit(name, frozenset())
    return tuple(order)
