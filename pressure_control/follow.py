"""Does a valve do what it is told? Its outlet beside its setpoint, and a proof move a day before people wake up.

A pilot that sticks at night shows nothing until demand rises, and then it is too late: so the valve is raised a little, early, one
valve of a zone after the other, and its outlet must come along. All is read from the window: nothing to remember over a restart.
"""

from __future__ import annotations

import numpy as np

from pressure_control.envelope import follows
from pressure_control.laws.law import LawInputs

ALARM_STEPS = 2
"""Steps in a row in which the outlet is elsewhere before it counts."""
PROOF_STEPS = 3
"""Length of a proof move: one step to act, two to see."""


def misses(inputs: LawInputs, inlet_m: float) -> int:
    """Newest steps in a row, of those that have both pressures, in which the outlet was not at the setpoint; 0..``ALARM_STEPS``."""
    recent, tolerance = inputs.recent, inputs.settings.follow_m
    beside = bool(inputs.task.siblings)
    pairs = np.flatnonzero(np.isfinite(recent.outlet_m) & np.isfinite(recent.setpoint_m))[-ALARM_STEPS:]
    count = 0
    for i in reversed(pairs):
        setpoint, outlet = float(recent.setpoint_m[i]), float(recent.outlet_m[i])
        # A valve beside others closes when they hold the zone higher: that is no valve that sticks.
        if (beside and outlet >= setpoint) or follows(setpoint, outlet, inlet_m, tolerance):
            break
        count += 1
    return count


def proof_m(inputs: LawInputs) -> float | None:
    """The setpoint of a proof move that is due now [m]; None at any other time, and where the usual day is not known yet."""
    settings, recent, task = inputs.settings, inputs.recent, inputs.task
    rise = inputs.learner.flow.rise_minute() if inputs.learner is not None and settings.proof_m > 0 else None
    if rise is None:
        return None
    step_min = recent.step_s / 60.0
    turn = sorted((task.actuator.key, *(a.key for a in task.siblings))).index(task.actuator.key)
    begin = rise - settings.proof_before_s / 60.0 + turn * PROOF_STEPS * step_min
    into = (float(recent.minute[-1]) - begin) % 1440.0
    if into >= PROOF_STEPS * step_min - 1e-6:
        return None
    first = recent.size - 1 - int(into // step_min)
    before, outlet = float(recent.setpoint_m[max(0, first)]), float(recent.outlet_m[max(0, first)])
    if not np.isfinite(before):
        return None
    # A pilot that has stuck a little above its order would hide a part of the move.
    above = min(max(outlet - before, 0.0), settings.follow_m) if np.isfinite(outlet) else 0.0
    return before + above + settings.proof_m
