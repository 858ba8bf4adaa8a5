"""The benchmark's network as the law sees one: its description becomes tasks, and the margins that suit its valves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from domain.assets import Actuator
from domain.points import PointKey
from domain.zones import Zone, ZoneKind
from pressure_control.observations import ValveTask, Watched
from pressure_control.settings import ControlSettings

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
SETTINGS_STEP_S = 300.0
"""Step of the settings above; the benchmark's may differ."""
_STATION = "PS-"


class BenchInfo(Protocol):
    """What the benchmark tells a controller at the start."""

    step_s: int
    p_min: float
    valves: dict[str, dict[str, Any]]
    zones: dict[str, dict[str, Any]]


def settings_for(info: BenchInfo) -> ControlSettings:
    """The settings for a network's valves: a station's, or by how long an order stands."""
    if is_station(info):
        return STATION_SETTINGS
    return SLOW_SETTINGS if info.step_s > 2 * SETTINGS_STEP_S else BENCH_SETTINGS


def is_station(info: BenchInfo) -> bool:
    """Whether its valves are pumping stations."""
    return all(v.startswith(_STATION) for v in info.valves)


def bench_tasks(info: BenchInfo, **limits: Any) -> dict[str, ValveTask]:
    """Each valve with the sensors of its zone and the inlets of valves fed out of it.

    Args:
        info: The benchmark's description.
        limits: Of every ``Actuator``: ramps, moves a day.
    """
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
