"""One valve at one moment: law, supervisor and envelope put together. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from domain.setpoints import Mode
from pressure_control.advice import Advice
from pressure_control.budget import NO_LIMIT, Moves, budget
from pressure_control.envelope import Shaped, shape
from pressure_control.follow import ALARM_STEPS, misses, proof_m
from pressure_control.laws.law import Law, LawInputs, Target
from pressure_control.observations import Window, age_steps, newest
from pressure_control.supervisor import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Ages:
    """How old the newest data of a valve are [s]."""

    drive_s: float
    """The older of flow and outlet pressure."""
    critical_s: float
    """The freshest critical pressure; infinite where there is none."""


def ages(inputs: LawInputs, now_s: float) -> Ages:
    """Ages at process time ``now_s``."""
    recent = inputs.recent
    late = now_s - recent.end_s
    drive = max(age_steps(recent.flow_m3h), age_steps(recent.outlet_m))
    critical = [age_steps(recent.watched_m[w.point]) for w in inputs.task.watched if w.valve is None]
    return Ages(
        drive_s=late + drive * recent.step_s,
        critical_s=late + min(critical) * recent.step_s if critical else float("inf"),
    )


def advise(
    inputs: LawInputs,
    law: Law,
    standing: Standing,
    *,
    current_m: float | None,
    now_s: float,
    since_move_s: float,
    moves: Moves | None = None,
) -> Advice:
    """The advice for a valve.

    Args:
        inputs: What is seen and known.
        law: The law in use.
        standing: Automatic or fallback (data stale).
        current_m: Setpoint last read back from the site; None where it has never been read.
        now_s: Process time, seconds since 1970 UTC.
        since_move_s: Time since the setpoint last changed [s].
        moves: The moves of the last days, which the actuator's budget is held against; None counts none.
    """
    actuator, settings, recent = inputs.task.actuator, inputs.settings, inputs.recent
    steps = max(1, round(settings.stale_s / recent.step_s))
    if current_m is None:
        return Advice(
            actuator=actuator.key,
            value_m=actuator.safe_m,
            reason="the setpoint in force has never been read: nothing is ordered",
            hold=True,
            basis="no data",
        )
    old = ages(inputs, now_s)
    outlet, inlet = newest(recent.outlet_m, steps), newest(recent.inlet_m, steps)
    missed = misses(inputs, inlet)
    target = _target(inputs, law, standing, current_m, old, missed)
    shaped = shape(
        target.value_m,
        current_m=current_m,
        actuator=actuator,
        settings=settings,
        outlet_m=outlet if np.isfinite(outlet) else None,
        follows=missed == 0,
        since_move_s=since_move_s,
        lift_to_m=target.lift_to_m,
        emergency=target.emergency,
        budget=budget(actuator.max_moves_per_day, moves) if moves is not None else NO_LIMIT,
    )
    larger = target.emergency and shaped.value_m > current_m + actuator.ramp_up_m + 1e-6
    return replace(
        _advice(actuator.key, target, shaped, current_m),
        follows=missed < ALARM_STEPS,
        emergency=larger,
        ordinary_m=round(current_m + actuator.ramp_up_m, 2) if larger else None,
    )


def _target(inputs: LawInputs, law: Law, standing: Standing, current: float, old: Ages, missed: int) -> Target:
    """The law's target, or the safe side where it may not speak."""
    settings = inputs.settings
    if standing.mode is Mode.FALLBACK:
        return _safe_side(inputs, current, old.drive_s > settings.give_up_s, standing.reason)
    target = law(inputs)
    if target is None:
        return _safe_side(inputs, current, old.drive_s > settings.give_up_s, "nothing learned yet, or no recent flow")
    if old.critical_s > settings.critical_give_up_s:
        value = max(target.value_m, inputs.task.actuator.safe_m)
        return replace(
            target,
            value_m=value,
            reason=f"no critical pressure for {old.critical_s / 60:.0f} min: to the safe side; {target.reason}",
        )
    return _held(inputs, target, current, missed)


def _held(inputs: LawInputs, target: Target, current: float, missed: int) -> Target:
    """The target, unless it must not go down now, or a proof move is due."""
    if target.value_m < current and not target.may_lower:
        return replace(target, value_m=current, reason=f"hold, too little is known to lower; {target.reason}")
    if target.value_m < current and missed >= ALARM_STEPS:
        return replace(target, value_m=current, reason=f"hold, the valve does not follow its setpoint; {target.reason}")
    proof = proof_m(inputs)
    # A raise goes ``lift_m`` beyond its target; a proof need not.
    proof = None if proof is None else proof - inputs.settings.lift_m
    if proof is None or proof <= target.value_m:
        return target
    return replace(
        target, value_m=proof, lift_to_m=None, reason=f"proof move before the morning rise, to {proof:.1f} m; {target.reason}"
    )


def _safe_side(inputs: LawInputs, current: float, give_up: bool, why: str) -> Target:
    """Hold for a while, then up to the safe setpoint; never down."""
    safe = inputs.task.actuator.safe_m
    value = max(current, safe) if give_up else current
    words = f"to the safe setpoint {safe:.1f} m" if give_up else "hold"
    return Target(value_m=value, binding="", may_lower=False, reason=f"{words}: {why}", basis="the site's safe setpoint")


def _advice(actuator: str, target: Target, shaped: Shaped, current: float) -> Advice:
    verb = "hold" if shaped.hold else ("raise" if shaped.value_m > current else "lower")
    change = f"{verb} {current:.1f} m" if shaped.hold else f"{verb} {current:.1f} → {shaped.value_m:.1f} m"
    notes = f" ({'; '.join(shaped.notes)})" if shaped.notes else ""
    return Advice(
        actuator=actuator,
        value_m=shaped.value_m,
        reason=f"{change}: {target.reason}{notes}",
        hold=shaped.hold,
        basis=target.basis,
        target_m=round(target.value_m, 2),
    )


def last_move_s(recent: Window) -> float | None:
    """Start of the step in which the setpoint last changed, as the readings show; None if it has not."""
    known = np.flatnonzero(np.isfinite(recent.setpoint_m))
    values = recent.setpoint_m[known]
    moved = np.flatnonzero(np.abs(np.diff(values)) > 0.05)
    return recent.start_s + float(known[moved[-1] + 1]) * recent.step_s if moved.size else None
