"""One valve at one moment: law, supervisor and envelope put together. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from domain.setpoints import Mode
from pressure_control.advice import Advice
from pressure_control.envelope import Shaped, follows, shape
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
    inputs: LawInputs, law: Law, standing: Standing, *, current_m: float | None, now_s: float, since_move_s: float
) -> Advice:
    """The advice for a valve.

    Args:
        inputs: What is seen and known.
        law: The law in use.
        standing: Automatic or fallback (data stale).
        current_m: Setpoint last read back from the site; None where it has never been read.
        now_s: Process time, seconds since 1970 UTC.
        since_move_s: Time since the setpoint last changed [s].
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
    target = _target(inputs, law, standing, current_m, old)
    outlet, inlet = newest(recent.outlet_m, steps), newest(recent.inlet_m, steps)
    shaped = shape(
        target.value_m,
        current_m=current_m,
        actuator=actuator,
        settings=settings,
        outlet_m=outlet if np.isfinite(outlet) else None,
        follows=_follows(inputs, inlet),
        since_move_s=since_move_s,
        lift_to_m=target.lift_to_m,
        emergency=target.emergency,
    )
    return _advice(actuator.key, target, shaped, current_m)


def _target(inputs: LawInputs, law: Law, standing: Standing, current: float, old: Ages) -> Target:
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
    if target.value_m < current and not target.may_lower:
        return replace(target, value_m=current, reason=f"hold, too little is known to lower; {target.reason}")
    if target.value_m < current and not _follows(inputs, newest(inputs.recent.inlet_m, 3)):
        return replace(target, value_m=current, reason=f"hold, the valve does not follow its setpoint; {target.reason}")
    return target


def _safe_side(inputs: LawInputs, current: float, give_up: bool, why: str) -> Target:
    """Hold for a while, then up to the safe setpoint; never down."""
    safe = inputs.task.actuator.safe_m
    value = max(current, safe) if give_up else current
    words = f"to the safe setpoint {safe:.1f} m" if give_up else "hold"
    return Target(value_m=value, binding="", may_lower=False, reason=f"{words}: {why}", basis="the site's safe setpoint")


def _follows(inputs: LawInputs, inlet: float) -> bool:
    """Whether the valve followed in any of the last two steps that have both pressures (a move takes a step to show)."""
    recent, tolerance = inputs.recent, inputs.settings.follow_m
    pairs = np.flatnonzero(np.isfinite(recent.outlet_m) & np.isfinite(recent.setpoint_m))[-2:]
    if pairs.size == 0:
        return True
    beside = bool(inputs.task.siblings)
    for i in pairs:
        setpoint, outlet = float(recent.setpoint_m[i]), float(recent.outlet_m[i])
        # A valve beside others closes when they hold the zone higher: that is no valve that sticks.
        if (beside and outlet >= setpoint) or follows(setpoint, outlet, inlet, tolerance):
            return True
    return False


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
