"""Learned critical point: the flow drives through a head loss learned recursively for each watched pressure; readings only raise.

    setpoint = max over watched i, next steps h of   need_i + d_i(Q̂_h)   + margin_i + correction_i

d_i, margin_i from ``recursive_loss``, Q̂ from ``flow_forecast``. A correction is the loss seen beyond the learned one; it raises
at once, fades over hours and never lowers. A jump of flow that neither the forecast nor a pump explains, or a draw that flow and
pressure both show, is an emergency: the target goes up further, and the envelope may ramp faster. No hydraulic model; silent (None)
until a day has been learned.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from domain.series import FloatArray
from pressure_control.draw import Draw, confirmed_draw
from pressure_control.laws.law import LawInputs, Target
from pressure_control.learner import ZoneLearner
from pressure_control.observations import Watched, age_steps, newest
from pressure_control.recursive_loss import RecursiveLoss
from pressure_control.surge import Surge, pump_due_m3h, surge

_CORRECTION_READINGS = (1, 3, 12)
_CORRECTION_SD = 2.0
_LARGEST_CORRECTION_M = 8.0
_LEAST_PAST = 16
_USUAL_SHARE, _MOST_RAISES = 0.25, 2.0
"""A draw of more than a quarter of the mean flow is raised for in proportion, up to twice: the head it costs grows faster still."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Flow:
    """Flow of the next steps."""

    now_m3h: float
    ahead_m3h: FloatArray
    minute: FloatArray
    near: int
    """How many of these steps the next order must hold for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Need:
    """What one watched pressure asks for."""

    value_m: float
    watched: Watched
    wanted_m: float
    loss_m: float
    spare_m: float
    correction_m: float
    later_m: float
    """How much more somewhat later."""
    usable: bool


def learned_critical_point(inputs: LawInputs) -> Target | None:
    """The pressure all watched points need of the valve's zone; None until enough is learned or without a recent flow."""
    learner, recent, settings = inputs.learner, inputs.recent, inputs.settings
    stale = max(1, round(settings.stale_s / recent.step_s))
    now = newest(recent.flow_m3h, stale)
    if learner is None or not learner.flow.ready or recent.size < _LEAST_PAST or not np.isfinite(now):
        return None
    points = [w.point for w in inputs.task.watched if w.valve is None]
    jump, draw = surge(learner, recent), confirmed_draw(learner, recent, points)
    flow = _flow(inputs, learner, now, pump_due_m3h(learner, recent))
    needs = [n for w in inputs.task.watched if (n := _need(inputs, learner, w, flow, stale)) is not None]
    critical = [n for n in needs if n.watched.valve is None]
    if len(critical) < sum(w.valve is None for w in inputs.task.watched) or not critical:
        return None
    top = max(needs, key=lambda n: n.value_m)
    usable = sum(n.usable for n in critical)
    sudden = jump is not None or draw is not None
    raised = settings.emergency_raise_m * min(max(jump.share / _USUAL_SHARE, 1.0), _MOST_RAISES) if jump is not None else 0.0
    if draw is not None:
        # What lies beside that point is lower again by as much.
        raised = max(raised, draw.excess_m + next(n.value_m for n in needs if n.watched.point == draw.point) - top.value_m)
    raised += _for_others(inputs, top.value_m)
    return Target(
        value_m=top.value_m + raised + inputs.task.offset_m,
        lift_to_m=top.value_m + top.later_m + raised + inputs.task.offset_m,
        binding=top.watched.point,
        # One sensor alone may raise, never lower, where there were more; nor is anything lowered into a surge.
        may_lower=not sudden and not inputs.stuck_beside_m and usable >= min(2, len(critical)),
        emergency=draw is not None or (jump is not None and jump.sure),
        reason=_words(top, flow, usable, len(critical)) + _sudden_words(jump, draw),
        basis=f"head losses learned from {min(learner.losses[n.watched.point].samples for n in critical)} readings and more; "
        f"{usable} of {len(critical)} critical points fresh and believed",
    )


def _for_others(inputs: LawInputs, level_m: float) -> float:
    """What valves that do not follow leave to be done by those that do, each its part [m]."""
    task = inputs.task
    if not inputs.stuck_beside_m:
        return 0.0
    together = (task.actuator, *task.siblings)
    mean_safe = sum(a.safe_m for a in together) / len(together)
    stuck = [a for a in task.siblings if a.key in inputs.stuck_beside_m]
    missing = sum(max(0.0, level_m + a.safe_m - mean_safe - inputs.stuck_beside_m[a.key]) for a in stuck)
    return missing / (len(together) - len(stuck))


def _flow(inputs: LawInputs, learner: ZoneLearner, now: float, due_m3h: float) -> _Flow:
    recent = inputs.recent
    age = age_steps(recent.flow_m3h)
    last = recent.size - age
    steps = age + max(inputs.settings.look_ahead_steps, inputs.settings.lift_ahead_steps)
    ahead = learner.flow.ahead(recent.flow_m3h[:last], recent.minute[:last], steps)[age:]
    if due_m3h > 0:
        # The usual day may know of the pump already: it is not counted twice.
        ahead = np.maximum(ahead, now + due_m3h)
    minute = (recent.minute[-1] + recent.step_s / 60.0 * np.arange(1, ahead.size + 1)) % 1440.0
    return _Flow(now_m3h=now, ahead_m3h=ahead, minute=minute, near=inputs.settings.look_ahead_steps)


def _need(inputs: LawInputs, learner: ZoneLearner, watched: Watched, flow: _Flow, stale: int) -> _Need | None:
    settings, recent = inputs.settings, inputs.recent
    loss = learner.loss(watched.point)
    if loss is None:
        return None
    x = learner.x(flow.ahead_m3h)
    losses = loss.at(x, flow.minute)
    top = int(np.argmax(losses[: flow.near]))
    if watched.valve is None:
        wanted = inputs.task.zone.min_pressure_m
        drawn = learner.x(flow.ahead_m3h[top : top + 1] + settings.surge_m3h)
        spare = max(settings.reserve_m, float(loss.at(drawn, flow.minute[top : top + 1])[0] - losses[top]))
        spare += settings.tilt_share * _stood_above(inputs, learner, loss)
    elif watched.valve in inputs.downstream_m:
        wanted, spare = inputs.downstream_m[watched.valve], settings.valve_headroom_m
    else:
        return None
    extra, believed = _correction(inputs, learner, watched, loss)
    margin = loss.margin(float(x[top]), settings.quantile, settings.sensor_noise_m)
    return _Need(
        value_m=wanted + float(losses[top]) + spare + margin + extra,
        watched=watched,
        wanted_m=wanted,
        loss_m=float(losses[top]),
        spare_m=spare + margin,
        correction_m=extra,
        later_m=max(0.0, float(losses.max() - losses[top])),
        usable=believed and age_steps(recent.watched_m[watched.point]) <= stale + settings.packet_late_steps,
    )


def _stood_above(inputs: LawInputs, learner: ZoneLearner, loss: RecursiveLoss) -> float:
    """How far above the zone's lowest critical point this one stood before regulation [m]."""
    beside = [one for w in inputs.task.watched if w.valve is None and (one := learner.loss(w.point)) is not None]
    return max(one.first_m for one in beside) - loss.first_m


def _correction(inputs: LawInputs, learner: ZoneLearner, watched: Watched, loss: RecursiveLoss) -> tuple[float, bool]:
    """Loss beyond the learned one [m], never below 0; and whether the newest reading is believed."""
    recent = inputs.recent
    excess = recent.level() - recent.watched_m[watched.point] - loss.at(learner.x(recent.flow_m3h), recent.minute)
    known = np.flatnonzero(np.isfinite(excess))
    if known.size == 0:
        return 0.0, False
    values = excess[known]
    sd = loss.sd(float(learner.x(recent.flow_m3h[known[-1:]])[0]))
    believed = not loss.implausible(float(values[-1]), float(learner.x(recent.flow_m3h[known[-1:]])[0]))
    best = 0.0
    for count in _CORRECTION_READINGS:
        part = values[-count:]
        best = max(best, float(part.mean()) - _CORRECTION_SD * sd / math.sqrt(part.size))
    return min(best, _LARGEST_CORRECTION_M), believed


def _words(top: _Need, flow: _Flow, usable: int, points: int) -> str:
    words = f"flow {flow.now_m3h:.1f} m³/h, expected up to {float(flow.ahead_m3h[: flow.near].max()):.1f}; "
    words += f"{top.watched.point} needs {top.wanted_m:.1f} m + loss {top.loss_m:.1f} + reserve {top.spare_m:.1f}"
    words += f" + correction {top.correction_m:.1f}" if top.correction_m >= 0.05 else ""
    words += f" = {top.value_m:.1f} m"
    if usable < min(2, points):
        words += f"; only {usable} of {points} critical points fresh and believed"
    return words


def _sudden_words(jump: Surge | None, draw: Draw | None) -> str:
    words = ""
    if jump is not None:
        words += f"; flow has jumped by {jump.jump_m3h:.1f} m³/h and no pump explains it: raised further"
    if draw is not None:
        words += f"; {draw.point} is {draw.excess_m:.1f} m lower than the flow explains, and the flow has risen: raised further"
    return words
