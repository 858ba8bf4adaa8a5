"""The benchmark's adapter: orders keep ramps and limits, late packets land where they belong, cascades go downstream first."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from pressure_control.bench import Controller, make

STEP_S = 300
DAY = 288


@dataclass
class Info:
    step_s: int = STEP_S
    p_min: float = 20.0
    valves: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {
            "V1": {"zone": "A", "default": 45.0, "lo": 2.0, "hi": 70.0},
            "V2": {"zone": "A", "default": 55.0, "lo": 2.0, "hi": 80.0},
            "V3": {"zone": "B", "default": 34.0, "lo": 2.0, "hi": 60.0},
        }
    )
    zones: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {
            "A": {"valves": ["V1", "V2"], "sensors": ["a1", "a2"], "customers": 100, "parent": []},
            "B": {"valves": ["V3"], "sensors": ["b1"], "customers": 50, "parent": ["A"]},
        }
    )


@dataclass
class Obs:
    t: int
    valve: dict[str, dict[str, float]]
    cp: dict[str, dict[str, tuple[float, int]]]
    tank: dict[str, float] = field(default_factory=dict)


class Toy:
    """Zone A loses 8 m + 6 X to a1 and feeds V3, whose zone loses 3 m + 2 X."""

    def __init__(self, seed: int = 1) -> None:
        self.rng = np.random.default_rng(seed)
        self.setpoint = {"V1": 45.0, "V2": 55.0, "V3": 34.0}
        self.last: dict[str, dict[str, tuple[float, int]]] = {
            "A": {"a1": (math.nan, -1), "a2": (math.nan, -1)},
            "B": {"b1": (math.nan, -1)},
        }
        self.past: list[dict[str, float]] = []

    def step(self, k: int) -> tuple[Obs, dict[str, float]]:
        hour = k % DAY / 12.0
        x = (0.6 + 0.7 * math.exp(-(((hour - 8.0) / 2.0) ** 2)) + 0.5 * math.exp(-(((hour - 20.0) / 2.0) ** 2))) ** 1.85
        x *= math.exp(self.rng.normal(0.0, 0.03))
        flow = 100.0 * x ** (1 / 1.85)
        level = (self.setpoint["V1"] + self.setpoint["V2"]) / 2.0
        inlet = level - 10.0
        out_b = min(self.setpoint["V3"], inlet)
        true = {"a1": level - 8.0 - 6.0 * x, "a2": level - 9.0 - 4.0 * x, "b1": out_b - 3.0 - 2.0 * x}
        self.past.append(true)
        if k % 3 == 0 and k > 0:
            for sensors in self.last.values():
                for s in sensors:
                    sensors[s] = (self.past[-2][s] + self.rng.normal(0, 0.15), (k - 1) * STEP_S)

        def valve(v: str, p_in: float, p_out: float, q: float) -> dict[str, float]:
            noise = self.rng.normal(0, 0.1)
            return {"flow": q, "p_in": p_in + noise, "p_out": p_out + noise, "readback": self.setpoint[v]}

        valves = {
            "V1": valve("V1", 90.0, self.setpoint["V1"], 0.4 * flow),
            "V2": valve("V2", 90.0, self.setpoint["V2"], 0.6 * flow),
            "V3": valve("V3", inlet, out_b, 0.2 * flow),
        }
        return Obs(t=k * STEP_S, valve=valves, cp={z: dict(s) for z, s in self.last.items()}), true


def drive(days: int) -> tuple[list[dict[str, float]], list[dict[str, float]]]:
    toy, control = Toy(), make(Info())
    setpoints, pressures = [], []
    for k in range(days * DAY):
        obs, true = toy.step(k)
        pressures.append(true)
        toy.setpoint.update(control(obs))
        setpoints.append(dict(toy.setpoint))
    return setpoints, pressures


def test_pressure_comes_down_nobody_lacks_it_and_orders_keep_the_ramps() -> None:
    setpoints, pressures = drive(4)
    scored = pressures[2 * DAY :]
    assert min(p["a1"] for p in scored) > 19.9
    assert min(p["b1"] for p in scored) > 19.9
    assert np.mean([p["b1"] for p in scored]) < 22.0
    for name in ("V1", "V2", "V3"):
        steps = [b[name] - a[name] for a, b in pairwise(setpoints)]
        assert max(steps) <= 5.0 + 1e-6
        assert min(steps) >= -1.0 - 1e-6
    last = setpoints[-1]
    assert abs(last["V2"] - last["V1"] - 10.0) < 1e-6
    assert last["V3"] < 34.0


def test_until_a_day_is_known_it_orders_nothing() -> None:
    setpoints, _ = drive(1)
    assert all(s == {"V1": 45.0, "V2": 55.0, "V3": 34.0} for s in setpoints)


def test_valves_downstream_are_asked_first() -> None:
    toy, control = Toy(), Controller(Info())
    obs, _ = toy.step(0)
    control(obs)
    assert list(control.reasons) == ["V3", "V1", "V2"]


def test_a_draw_leaves_the_offset_between_parallel_valves_as_it_was() -> None:
    toy, control = Toy(), Controller(Info())
    for k in range(2 * DAY + 60):
        obs, _ = toy.step(k)
        if 2 * DAY <= k < 2 * DAY + 12:
            for name in ("V1", "V2"):
                obs.valve[name]["flow"] *= 1.8
        toy.setpoint.update(control(obs))
    assert abs(toy.setpoint["V2"] - toy.setpoint["V1"] - 10.0) < 1e-6
    assert toy.setpoint["V1"] < 38.0
