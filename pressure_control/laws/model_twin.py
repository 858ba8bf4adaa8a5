"""Model twin: a hydraulic copy of the zone asks for every place that counts, the learner stands beside it.

    setpoint = max over places i, next steps h of   need_i + s_i + F_i(Q̂_h) + residual_i + margin_i + correction_i

s_i, F_i from the copy; residual, margin and correction are learned at the critical points, and a place without a sensor takes those
of the one nearest to it along the pipes. Q̂ is the learner's forecast, lifted by what it has lately fallen short of.

Until twin and learner have agreed for a day the higher of the two leads. Afterwards the twin leads, never below what the learner
expects without its margin; in a surge, with sensors missing or a valve beside that does not follow, again the higher of the two.
Without a copy, or with one that cannot be solved, the learner leads alone, and the reason says so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from domain.points import PointKey
from domain.series import FloatArray
from pressure_control.laws.law import LawInputs, Target
from pressure_control.laws.learned_critical_point import learned_critical_point
from pressure_control.learner import ZoneLearner
from pressure_control.observations import age_steps, newest
from pressure_control.surge import pump_due_m3h
from pressure_control.twin.risk import room_m
from pressure_control.twin.short_flow import lift
from pressure_control.twin.zone_twin import Expected, ZoneTwin

_REACH_STEPS = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class _Need:
    """What one place asks of the zone's level [m]."""

    level_m: float
    floor_m: float
    """Without margin and correction."""
    place: str
    measured: bool


def model_twin(inputs: LawInputs) -> Target | None:
    """The pressure that every place needs; the learner's target where the twin cannot say or does not agree with it yet."""
    base = learned_critical_point(inputs)
    twin, learner = inputs.twin, inputs.learner
    if base is None or learner is None:
        return None
    if twin is None:
        return _alone(base, "no copy of the network")
    offsets = twin.offsets_m((inputs.task.actuator, *inputs.task.siblings))
    twin.advance(inputs.recent, learner, offsets)
    need = _need(inputs, learner, twin, offsets)
    if need is None:
        return _alone(base, twin.failure or "the copy is not known well enough yet")
    level = base.value_m - inputs.task.offset_m
    calm = base.may_lower and not base.emergency and not inputs.stuck_beside_m
    leads = twin.agreed and calm
    value = max(need.level_m, _learners_floor(inputs, learner)) if leads else max(need.level_m, level)
    where = need.place if need.measured else f"{need.place}, which has no sensor,"
    words = f"twin: {where} needs a level of {need.level_m:.1f} m; learner {level:.1f} m; "
    words += "agreed, the twin leads" if leads else f"the higher of the two ({_why(twin, calm)})"
    return replace(
        base,
        value_m=value + inputs.task.offset_m,
        lift_to_m=None if base.lift_to_m is None else value + inputs.task.offset_m + max(0.0, base.lift_to_m - base.value_m),
        reason=f"{words}; {base.reason}",
        basis=f"{base.basis}; {len(twin.model.places.names)} places of the network's copy",
    )


def _alone(base: Target, why: str) -> Target:
    return replace(base, reason=f"{base.reason}; learner alone: {why}")


def _why(twin: ZoneTwin, calm: bool) -> str:
    return f"agreed on {twin.accord} readings so far" if calm else "a disturbance, or too few sensors"


def _need(inputs: LawInputs, learner: ZoneLearner, twin: ZoneTwin, offsets: tuple[float, ...]) -> _Need | None:
    """The place that asks for most in the steps that the next order must hold for."""
    recent, settings = inputs.recent, inputs.settings
    flow = _flow(inputs, learner)
    minute = float(recent.minute[-1] + recent.step_s / 60.0) % 1440.0
    expected = twin.expected(float(flow.max()), recent.end_s, minute, offsets)
    if expected is None:
        return None
    places = twin.model.places
    wanted = inputs.task.zone.min_pressure_m + settings.reserve_m
    corrections = {p: twin.correction(p, recent, offsets) for p in expected.point_m}
    levels = wanted + expected.place_m
    sd, z = np.empty(levels.size), np.empty(levels.size)
    for point, rows in twin.rows.items():
        residual = twin.residuals[point]
        sd[rows] = residual.felt(expected.place_friction_m[rows], settings.sensor_noise_m)
        z[rows] = residual.z(settings.quantile)
        levels[rows] += corrections[point]
    first = int(np.argmax(levels))
    at_risk = float(places.connections[levels > levels[first] - sd[first]].sum() / places.connections.sum())
    levels += room_m(z, sd, at_risk, settings.dead_band_up_m)
    top = int(np.argmax(levels))
    best = _Need(
        level_m=float(levels[top]),
        floor_m=float(wanted + expected.place_m[top]),
        place=places.names[top],
        measured=bool(places.measured[top]),
    )
    return max([best, *_inlets(inputs, twin, expected, corrections)], key=lambda n: n.level_m)


def _inlets(inputs: LawInputs, twin: ZoneTwin, expected: Expected, corrections: Mapping[PointKey, float]) -> list[_Need]:
    """What valves downstream ask for at their inlets."""
    settings, found = inputs.settings, []
    for watched in inputs.task.watched:
        if watched.valve is None or watched.valve not in inputs.downstream_m or watched.point not in expected.point_m:
            continue
        floor = inputs.downstream_m[watched.valve] + settings.valve_headroom_m + expected.point_m[watched.point]
        friction = expected.point_friction_m[watched.point]
        residual = twin.residuals[watched.point]
        sd = residual.felt(np.array([friction]), settings.sensor_noise_m)
        level = (
            floor + float(room_m(residual.z(settings.quantile), sd, 1.0, settings.dead_band_up_m)[0]) + corrections[watched.point]
        )
        found.append(_Need(level_m=level, floor_m=floor, place=f"the inlet of {watched.valve}", measured=True))
    return found


def _flow(inputs: LawInputs, learner: ZoneLearner) -> FloatArray:
    """Flow of the steps that the next order must hold for [m³/h]."""
    recent, settings = inputs.recent, inputs.settings
    age = age_steps(recent.flow_m3h)
    last = recent.size - age
    past = slice(max(0, last - _REACH_STEPS), last)
    flow, minute = recent.flow_m3h[past], recent.minute[past]
    ahead = learner.flow.ahead(flow, minute, age + settings.look_ahead_steps)[age:] * lift(learner.flow, flow, minute)
    due = pump_due_m3h(learner, recent)
    if due > 0:
        now = newest(recent.flow_m3h, recent.size)
        ahead = np.maximum(ahead, now + due)
    return np.asarray(ahead, dtype=np.float64)


def _learners_floor(inputs: LawInputs, learner: ZoneLearner) -> float:
    """What the learner expects to be needed, without margin [m]."""
    recent, settings = inputs.recent, inputs.settings
    age = age_steps(recent.flow_m3h)
    last = recent.size - age
    ahead = learner.flow.ahead(recent.flow_m3h[:last], recent.minute[:last], age + settings.look_ahead_steps)[age:]
    x = learner.x(ahead[:1])
    minute = np.array([float(recent.minute[-1])])
    needs = []
    for watched in inputs.task.watched:
        loss = learner.loss(watched.point)
        wanted = inputs.task.zone.min_pressure_m if watched.valve is None else inputs.downstream_m.get(watched.valve, -math.inf)
        if loss is not None:
            needs.append(wanted + float(loss.at(x, minute)[0]))
    return max(needs, default=math.inf)
