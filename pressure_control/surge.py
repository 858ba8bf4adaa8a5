"""A sudden draw (hydrant, burst) told from a pump that starts: by the flow's jump, and by the tank that rises after it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pressure_control.learner import TANK_TURN_M, ZoneLearner, tank_turned
from pressure_control.observations import Window

_SURGE_SD = 5.0
_LARGE_SURGE_SD = 4.0
"""What a fire takes is worth a raise sooner; the fast ramp still waits for five."""
_LEAST_SHARE = 0.05
_FAST_SHARE = 0.15
_STANDS_STEPS = 2
_HYDRANT_M3H = 10.0
"""Less than a hydrant gives is no emergency."""
_LASTS_S = 7200.0
_NEAR_START_M = 0.12
_LIKE_KNOWN = 1.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Surge:
    """A draw that nothing explains."""

    jump_m3h: float
    share: float
    """Of the flow that sets the zone's scale, ``FlowForecaster.scale_m3h``."""
    since_steps: int
    sure: bool
    """Large, and no pump: seen three times, or fewer where the zone's pumps are known and none can be it."""


def surge(learner: ZoneLearner, recent: Window) -> Surge | None:
    """The unexplained jump of flow that still stands, if there is one."""
    forecaster = learner.flow
    x = forecaster.deviations(recent.flow_m3h, recent.minute)
    error = x - forecaster.expected(x)
    sd = math.sqrt(forecaster.variance)
    steps = min(x.size - 2, round(_LASTS_S / recent.step_s))
    newest = x.size - 1
    for k in range(newest - steps, newest + 1):
        # The average of a step in which a draw begins shows only a part of it: the next step counts as well.
        if k < 1 or error[k] < _LARGE_SURGE_SD * sd or not math.isfinite(recent.flow_m3h[k]):
            continue
        if x[newest] < x[k - 1] + 0.5 * error[k]:
            continue
        usual = float(recent.flow_m3h[k]) + 0.05 * forecaster.scale_m3h
        jump = usual * (1.0 - math.exp(-float(error[k])))
        large, clear = jump >= max(_FAST_SHARE * forecaster.scale_m3h, _HYDRANT_M3H), error[k] >= _SURGE_SD * sd
        if jump < _LEAST_SHARE * forecaster.scale_m3h or not (large or clear) or _pump(learner, recent, k, jump):
            continue
        told_apart = bool(learner.pumps) and not _may_be_pump(learner, recent, k, jump)
        sure = large and clear and (told_apart or newest - k >= _STANDS_STEPS)
        return Surge(jump_m3h=jump, since_steps=newest - k, share=jump / forecaster.scale_m3h, sure=sure)
    return None


def pump_due_m3h(learner: ZoneLearner, recent: Window) -> float:
    """Flow that pumps about to start will add [m³/h]."""
    due = 0.0
    for pump in learner.pumps:
        levels = recent.tank_m.get(pump.tank)
        if levels is None or not np.isfinite(levels[-3:]).all():
            continue
        falls = float(levels[-3] - levels[-1]) / 2.0
        if falls > 0 and levels[-1] - 1.5 * falls <= pump.level_m + 0.01:
            due += pump.jump_m3h
    return due


def _may_be_pump(learner: ZoneLearner, recent: Window, k: int, jump: float) -> bool:
    """Whether a known pump may have started in step ``k``: its tank has not shown yet that it did not, or cannot be seen.

    A reading of the level resolves about as much as a pump adds in one step: a tank that no longer falls may be filling.
    """
    for pump in learner.pumps:
        levels = recent.tank_m.get(pump.tank)
        if levels is None or not np.isfinite(levels[max(0, k - 3) :]).all():
            return True
        near = abs(float(levels[k]) - pump.level_m) < _NEAR_START_M
        if k == levels.size - 1:
            if near and levels[k] <= levels[k - 3]:
                return True
        elif near and jump < _LIKE_KNOWN * pump.jump_m3h and levels[-1] >= levels[k] - TANK_TURN_M:
            return True
    return False


def _pump(learner: ZoneLearner, recent: Window, k: int, jump: float) -> bool:
    for tank, levels in recent.tank_m.items():
        after = levels[k + 1 : k + 4]
        if tank_turned(levels, k):
            return True
        for known in learner.pumps:
            near = known.tank == tank and abs(float(levels[k]) - known.level_m) < _NEAR_START_M
            if near and jump < _LIKE_KNOWN * known.jump_m3h and not after.size:
                return True
    return False
