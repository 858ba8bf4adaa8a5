"""A zone's copy with what was learned on top of it, step by step; kept over a restart by ``twin.keeping``."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from domain.assets import Actuator
from domain.errors import KhettaraError
from domain.points import PointKey
from domain.series import FloatArray
from pressure_control.learner import LATE_STEPS, ZoneLearner
from pressure_control.observations import Window
from pressure_control.twin.residual import Residual
from pressure_control.twin.short_flow import forecasts
from pressure_control.twin.zone_model import ZoneModel

_EXPONENT = 1.852
_WEEK_S = 7 * 86400.0
_EPOCH_DAY = 3
"""1 January 1970 was a Thursday."""
_ACCORD_READINGS = 48
_ACCORD_M = 0.4
_ACCORD_SD = 2.0
_DISCORD = 6
_NEAR = (0.7, 1.4)
"""A solution serves flows so far from its own, by the power law of pipes."""
_KEPT = 200
_CORRECTION_READINGS = (1, 3, 12)
_CORRECTION_SD = 2.0
_LARGEST_CORRECTION_M = 8.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Expected:
    """Losses at one flow, corrected [m]."""

    place_m: FloatArray
    """At the model's places."""
    place_friction_m: FloatArray
    point_m: Mapping[PointKey, float]
    """At watched points that are known."""
    point_friction_m: Mapping[PointKey, float]


class ZoneTwin:
    """One zone.

    Args:
        model: Its copy.
        valves: Its valves, in the model's order.
    """

    def __init__(self, model: ZoneModel, valves: tuple[str, ...]) -> None:
        self.model, self.valves = model, valves
        self.rows = {
            p: np.array([i for i, q in enumerate(model.places.nearest) if q == p]) for p in dict.fromkeys(model.places.nearest)
        }
        """Places that take a critical point's residual, by critical point."""
        self.residuals: dict[PointKey, Residual] = {}
        self.step_s = math.nan
        """Length of the steps learned from [s]."""
        self.from_s = math.nan
        """Start of the first step learned from, seconds since 1970 UTC."""
        self.until_s = -math.inf
        """End of the last."""
        self.failure = ""
        """Why the copy could not be solved the last time; empty where it could."""
        self._accord, self._discord = 0, 0
        self._solved: OrderedDict[tuple[float, tuple[float, ...]], tuple[float, FloatArray, FloatArray]] = OrderedDict()

    @property
    def agreed(self) -> bool:
        """Whether twin and learner have said the same of every critical point for a long while."""
        return self._accord >= _ACCORD_READINGS

    @property
    def accord(self) -> int:
        """Steps with readings in which they did."""
        return self._accord

    def state(self) -> dict[str, Any]:
        """All that was learned, as plain values."""
        return {
            "residuals": {str(point): residual.state() for point, residual in self.residuals.items()},
            "accord": self._accord,
            "discord": self._discord,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Takes over what ``state`` gave, all of it or nothing.

        Raises:
            KeyError, TypeError, ValueError: Not such a state, or of points that the copy does not know.
        """
        residuals: dict[PointKey, Residual] = {}
        for name, kept in state["residuals"].items():
            if name not in self.model.places.points:
                raise ValueError(f"{name} is no watched point of the copy")
            residuals[PointKey(name)] = residual = Residual()
            residual.restore(kept)
        accord, discord = int(state["accord"]), int(state["discord"])
        self.residuals, self._accord, self._discord = residuals, accord, discord

    def offsets_m(self, valves: Iterable[Actuator]) -> tuple[float, ...]:
        """Safe setpoint of each valve above the mean of all, in the model's order [m]: the zone's valves keep these distances."""
        safe = {a.key: a.safe_m for a in valves}
        mean = sum(safe.values()) / len(safe)
        return tuple(round(safe[v] - mean, 3) for v in self.valves)

    def advance(self, window: Window, learner: ZoneLearner, offsets_m: tuple[float, ...]) -> None:
        """Learns from the steps of a window that are new and old enough; nothing before the flow's usual day is known."""
        if not learner.flow.ready:
            return
        first = max(0, round((self.until_s - window.start_s) / window.step_s)) if math.isfinite(self.until_s) else 0
        last = window.size - LATE_STEPS
        if first >= last:
            return
        if not math.isfinite(self.from_s):
            self.from_s = window.start_s + first * window.step_s
        self.step_s = window.step_s
        level, forecast = window.level(), forecasts(learner.flow, window.flow_m3h, window.minute)
        for k in range(first, last):
            seen = {p: float(v[k]) for p, v in window.watched_m.items() if math.isfinite(v[k]) and p in self.model.places.points}
            if seen and math.isfinite(level[k] + window.flow_m3h[k] + forecast[k]):
                self._learn(window, k, {p: float(level[k]) - v for p, v in seen.items()}, float(forecast[k]), learner, offsets_m)
        self.until_s = window.start_s + last * window.step_s

    def expected(self, flow_m3h: float, at_s: float, minute: float, offsets_m: tuple[float, ...]) -> Expected | None:
        """Losses at a flow and time; None where the copy finds no solution or a critical point is not known yet."""
        friction = self._friction(flow_m3h, _week_s(at_s, minute), offsets_m)
        places = self.model.places
        if friction is None or not all(self._known(p) for p in self.rows):
            return None
        still, still_points = self.model.still(offsets_m)
        at_places, at_points = friction
        added = np.empty(at_places.size)
        for point, rows in self.rows.items():
            added[rows] = self.residuals[point].at(at_places[rows], minute)
        known = [(i, p) for i, p in enumerate(places.points) if self._known(p)]
        return Expected(
            place_m=still + at_places + added,
            place_friction_m=at_places,
            point_m={
                p: float(still_points[i] + at_points[i] + self.residuals[p].at(at_points[i : i + 1], minute)[0]) for i, p in known
            },
            point_friction_m={p: float(at_points[i]) for i, p in known},
        )

    def correction(self, point: PointKey, window: Window, offsets_m: tuple[float, ...]) -> float:
        """Loss beyond the expected one in the newest readings of a point [m]: raises at once, fades over hours, never below 0."""
        level, values = window.level(), window.watched_m[point]
        known = np.flatnonzero(np.isfinite(values + level + window.flow_m3h))[-max(_CORRECTION_READINGS) :]
        row, residual = self.model.places.points.index(point), self.residuals[point]
        still = float(self.model.still(offsets_m)[1][row])
        excess, friction_m = [], 0.0
        for k in known:
            minute = float(window.minute[k])
            friction = self._friction(float(window.flow_m3h[k]), _week_s(window.start_s + k * window.step_s, minute), offsets_m)
            if friction is None:
                return 0.0
            friction_m = float(friction[1][row])
            usual = still + friction_m + float(residual.at(np.array([friction_m]), minute)[0])
            excess.append(float(level[k] - values[k]) - usual)
        best = 0.0
        for count in _CORRECTION_READINGS:
            part = excess[-count:]
            if part:
                best = max(best, sum(part) / len(part) - _CORRECTION_SD * residual.sd(friction_m) / math.sqrt(len(part)))
        return min(best, _LARGEST_CORRECTION_M)

    def _known(self, point: PointKey) -> bool:
        return point in self.residuals and self.residuals[point].known

    def _friction(self, flow_m3h: float, week_s: float, offsets_m: tuple[float, ...]) -> tuple[FloatArray, FloatArray] | None:
        """What flow adds to the loss; near the flow last solved it follows the power law of pipes."""
        key, flow_m3h = (week_s, offsets_m), max(flow_m3h, 1e-3)
        solved = self._solved.get(key)
        if solved is None or not _NEAR[0] < flow_m3h / solved[0] < _NEAR[1]:
            try:
                found = self.model.losses(flow_m3h, week_s, offsets_m)
            except KhettaraError as error:
                self.failure = str(error)
                return None
            still = self.model.still(offsets_m)
            solved = self._solved[key] = (flow_m3h, found[0] - still[0], found[1] - still[1])
            self.failure = ""
            if len(self._solved) > _KEPT:
                self._solved.popitem(last=False)
        factor = (flow_m3h / solved[0]) ** _EXPONENT
        return factor * solved[1], factor * solved[2]

    def _learn(
        self,
        window: Window,
        k: int,
        losses: Mapping[PointKey, float],
        forecast_m3h: float,
        learner: ZoneLearner,
        offsets_m: tuple[float, ...],
    ) -> None:
        minute, flow = float(window.minute[k]), float(window.flow_m3h[k])
        week_s = _week_s(window.start_s + k * window.step_s, minute)
        now, before = (self._friction(q, week_s, offsets_m) for q in (flow, forecast_m3h))
        if now is None or before is None:
            return
        _, still = self.model.still(offsets_m)
        rows = {p: i for i, p in enumerate(self.model.places.points)}
        x = learner.x(np.array([flow]))
        for point, loss in losses.items():
            i = rows[point]
            residual = self.residuals.setdefault(point, Residual())
            residual.learn(loss, float(still[i]), float(now[1][i]), float(before[1][i]), minute)
        self._compare(learner, x, minute, still + now[1], now[1], losses)

    def _compare(
        self,
        learner: ZoneLearner,
        x: FloatArray,
        minute: float,
        copied: FloatArray,
        friction: FloatArray,
        losses: Mapping[PointKey, float],
    ) -> None:
        """Whether twin and learner say the same of the points just read."""
        same, compared = True, 0
        for i, point in enumerate(self.model.places.points):
            if point not in self.rows or point not in losses:
                continue
            learned = learner.loss(point)
            if learned is None or not self._known(point):
                return
            compared += 1
            own = float(copied[i] + self.residuals[point].at(friction[i : i + 1], minute)[0])
            sd = learned.sd(float(x[0]))
            same &= abs(own - float(learned.at(x, np.array([minute]))[0])) <= max(_ACCORD_M, _ACCORD_SD * sd)
        if not compared:
            return
        self._discord = 0 if same else self._discord + 1
        if same:
            self._accord += 1
        elif self._discord >= _DISCORD:
            self._accord = 0


def _week_s(at_s: float, minute: float) -> float:
    """Local time since Monday 00:00 [s], of a moment and its local minute of the day."""
    ahead = (minute * 60.0 - at_s + 43200.0) % 86400.0 - 43200.0
    return (at_s + ahead + _EPOCH_DAY * 86400.0) % _WEEK_S
