"""What one valve's zone teaches, step by step, in the order of time; the whole of it can be learned again from the history.

Cells of a ``Window`` are taken once each, some steps late, so that readings that come by slow packets are in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from domain.points import PointKey
from domain.series import FloatArray
from pressure_control.flow_forecast import FlowForecaster
from pressure_control.leak_response import LeakResponse
from pressure_control.learning import EXPONENT
from pressure_control.observations import Window
from pressure_control.recursive_loss import RecursiveLoss

LATE_STEPS = 2
_PUMP_SD = 4.0
_EARLY_SD = 0.025
"""Error of ln Q that is usual for a zone whose day is not known yet."""
TANK_TURN_M = 0.005
"""A level that changes by less stands still."""
_LEAST_READINGS = 96
"""Readings of a point before its loss is used."""


@dataclass(slots=True)
class PumpStart:
    """A pump downstream, known by the tank it fills."""

    tank: str
    level_m: float
    """Tank level at which it starts."""
    jump_m3h: float
    seen: int = 1


class ZoneLearner:
    """Flow forecast, losses and pumps of one valve's zone.

    Args:
        step_s: Length of a step [s].
    """

    def __init__(self, step_s: float) -> None:
        self.flow = FlowForecaster(step_s)
        self.losses: dict[PointKey, RecursiveLoss] = {}
        self.pumps: list[PumpStart] = []
        self.response = LeakResponse()
        self._missed = (0.0, 0.0, 0.0)
        self.from_s = math.nan
        """Start of the first step learned from, seconds since 1970 UTC."""
        self.until_s = -math.inf
        """End of the last."""
        self.step_s = step_s

    def advance(self, window: Window) -> None:
        """Learns from the steps of a window that are new and old enough."""
        first = 0
        if math.isfinite(self.until_s):
            first = max(0, round((self.until_s - window.start_s) / self.step_s))
        else:
            self.from_s = window.start_s
        last = window.size - LATE_STEPS
        level = window.level()
        for k in range(first, last):
            self._step(window, level, k)
        self.until_s = max(self.until_s, window.start_s + last * self.step_s)

    def x(self, flow_m3h: FloatArray) -> FloatArray:
        """X = (Q / Q0)^1.85."""
        return np.asarray((np.maximum(flow_m3h, 0.0) / max(self.flow.scale_m3h, 1e-3)) ** EXPONENT, dtype=np.float64)

    def loss(self, point: PointKey) -> RecursiveLoss | None:
        """The loss to a point once it is known well enough to be used."""
        found = self.losses.get(point)
        return found if found is not None and found.samples >= _LEAST_READINGS else None

    def _step(self, window: Window, level: FloatArray, k: int) -> None:
        flow, minute = float(window.flow_m3h[k]), float(window.minute[k])
        sd = math.sqrt(self.flow.variance)
        forecast = self.flow.learn(flow, minute)
        if not (math.isfinite(forecast) and math.isfinite(flow)):
            return
        scale = self.flow.scale_m3h
        # On the first day, when any forecast is poor, the tank is witness enough.
        usual_sd = sd if self.flow.ready else _EARLY_SD
        if flow - forecast > _PUMP_SD * usual_sd * (max(forecast, 0.0) + 0.05 * scale):
            self._note_pump(window, k, flow - forecast)
        if not math.isfinite(level[k]):
            return
        if self.flow.ready and k > 0:
            self._learn_response(window, level, k, forecast, sd)
        x, x_forecast = (float(v) for v in self.x(np.array([flow, forecast])))
        for point, values in window.watched_m.items():
            if math.isfinite(values[k]):
                known = self.losses.setdefault(point, RecursiveLoss())
                known.learn(float(level[k] - values[k]), x, x_forecast, minute)

    def _learn_response(self, window: Window, level: FloatArray, k: int, forecast: float, sd: float) -> None:
        """How the flow answers to a step of the valve, beside what it does by itself."""
        flow, before = float(window.flow_m3h[k]), float(window.flow_m3h[k - 1])
        self._missed = (flow - forecast, *self._missed[:2])
        losses = [loss for point in self.losses if (loss := self.loss(point)) is not None]
        if not losses or not math.isfinite(level[k - 1] + level[k] + before):
            return
        lost = float(np.mean([loss.at(self.x(np.array([flow])), np.zeros(1))[0] for loss in losses]))
        noise = sd * (max(forecast, 0.0) + 0.05 * self.flow.scale_m3h)
        pressure, was = float(level[k]) - lost / 2.0, float(level[k - 1]) - lost / 2.0
        self.response.learn(self._missed, forecast - before, noise, pressure, was)

    def _note_pump(self, window: Window, k: int, jump: float) -> None:
        for tank, levels in window.tank_m.items():
            if not tank_turned(levels, k):
                continue
            known = next((p for p in self.pumps if p.tank == tank and abs(p.level_m - levels[k]) < 0.25), None)
            if known is None:
                self.pumps.append(PumpStart(tank=tank, level_m=float(levels[k]), jump_m3h=jump))
            else:
                known.level_m += 0.3 * (float(levels[k]) - known.level_m)
                known.jump_m3h += 0.3 * (jump - known.jump_m3h)
                known.seen += 1


def tank_turned(levels: FloatArray, k: int) -> bool:
    """Whether a tank's level fell until step ``k``, or the step before it, and rises after that.

    A pump starts somewhere between two readings: the step that first shows its flow may already show a level that has risen.
    """
    return _turned_at(levels, k) or _turned_at(levels, k - 1)


def _turned_at(levels: FloatArray, k: int) -> bool:
    if k < 2 or k + 1 >= levels.size:
        return False
    falls = levels[k - 2] - levels[k] > 2 * TANK_TURN_M - 1e-6
    return bool(falls and np.max(levels[k + 1 : k + 3]) - levels[k] > TANK_TURN_M)
