"""Flow feed-forward with critical-point correction: the flow drives, the critical points only correct.

    setpoint = max over watched points i of   need_i + d_i(Q̂) + margin_i(Q̂) + correction_i

need_i is the minimum pressure plus reserve (or the setpoint of a valve downstream plus headroom), Q̂ the largest flow expected until
the next order has acted, margin_i a quantile of all past errors of this very forecast. The reserve also covers a sudden draw:
reserve = max(standing, d_i(Q̂ + surge) − d_i(Q̂)). A correction is the loss seen beyond the learned one: it raises at once, fades
over hours, and never lowers, so that one sensor reading too high costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from domain.series import FloatArray
from pressure_control.forecast import ahead
from pressure_control.laws.law import LawInputs, Target
from pressure_control.learning import HeadLoss
from pressure_control.observations import Watched, age_steps, newest

_CORRECTION_STEPS = (3, 12, 36)
"""The correction is the largest of the mean excess losses over so many steps: up at once, down slowly."""
_LARGEST_CORRECTION_M = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Need:
    """What one watched pressure asks of the valve."""

    value_m: float
    watched: Watched
    wanted_m: float
    loss_m: float
    spare_m: float
    correction_m: float
    fresh: bool


def flow_modulated(inputs: LawInputs) -> Target | None:
    """The setpoint that all watched pressures need; None without a model or a recent flow."""
    settings, recent, model = inputs.settings, inputs.recent, inputs.model
    stale = max(1, round(settings.stale_s / recent.step_s))
    flow_now = newest(recent.flow_m3h, stale)
    if model is None or not np.isfinite(flow_now):
        return None
    profile = np.array(model.profile_m3h)
    flow = flow_ahead(inputs, flow_now, profile)
    needs = [n for w in inputs.task.watched if (n := _need(inputs, w, model.loss(w.point), flow, stale)) is not None]
    if not any(n.watched.valve is None for n in needs):
        return None
    top = max(needs, key=lambda n: n.value_m)
    critical = [n for n in needs if n.watched.valve is None]
    fresh = sum(n.fresh for n in critical)
    # One sensor alone may raise, never lower, where there were more.
    may_lower = fresh >= min(2, len(critical))
    words = f"flow {flow_now:.1f} m³/h, expected up to {flow:.1f}; {top.watched.point} needs {top.wanted_m:.1f} m"
    words += f" + loss {top.loss_m:.1f} + reserve {top.spare_m:.1f}"
    words += f" + correction {top.correction_m:.1f}" if top.correction_m >= 0.05 else ""
    return Target(
        value_m=top.value_m,
        binding=top.watched.point,
        may_lower=may_lower,
        reason=words
        + f" = {top.value_m:.1f} m"
        + ("" if may_lower else f"; only {fresh} of {len(critical)} critical points fresh"),
        basis=f"head losses learned from {model.samples} samples; {fresh} of {len(critical)} critical points fresh",
    )


def flow_ahead(inputs: LawInputs, flow_now: float, profile: FloatArray) -> float:
    """Largest flow expected until the next order has acted [m³/h]."""
    recent = inputs.recent
    age = age_steps(recent.flow_m3h)
    steps = inputs.settings.look_ahead_steps + age
    last = recent.size - age
    tail = slice(max(0, last - 2), last)
    expected = ahead(recent.flow_m3h[tail], recent.minute[tail], profile, steps)
    return max(flow_now, float(expected[-1]))


def correction(loss: HeadLoss, recent_flow: FloatArray, recent_loss: FloatArray) -> float:
    """Loss beyond the learned one [m], never below 0."""
    excess = recent_loss - loss.over(np.where(np.isfinite(recent_flow), recent_flow, np.nan))
    best = 0.0
    for steps in _CORRECTION_STEPS:
        part = excess[-steps:]
        part = part[np.isfinite(part)]
        if part.size >= max(1, steps // 3):
            noise = loss.sd_m / np.sqrt(part.size)
            best = max(best, float(part.mean()) - 2.0 * float(noise))
    return min(best, _LARGEST_CORRECTION_M)


def _need(inputs: LawInputs, watched: Watched, loss: HeadLoss | None, flow: float, stale: int) -> _Need | None:
    settings, recent = inputs.settings, inputs.recent
    if loss is None:
        return None
    if watched.valve is None:
        wanted = inputs.task.zone.min_pressure_m
        surge = loss.at(flow + settings.surge_m3h) - loss.at(flow)
        spare = max(settings.reserve_m, surge)
    else:
        if watched.valve not in inputs.downstream_m:
            return None
        wanted, spare = inputs.downstream_m[watched.valve], settings.valve_headroom_m
    seen = recent.watched_m[watched.point]
    fresh = age_steps(seen) < stale
    extra = correction(loss, recent.flow_m3h, recent.outlet_m - seen)
    expected = loss.at(flow)
    margin = loss.margin(flow)
    return _Need(
        value_m=wanted + expected + spare + margin + extra,
        watched=watched,
        wanted_m=wanted,
        loss_m=expected,
        spare_m=spare + margin,
        correction_m=extra,
        fresh=fresh,
    )
