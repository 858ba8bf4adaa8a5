"""A draw that two instruments see: a critical pressure far below what the flow explains, after a rise of the flow.

A hydrant in a large zone hides in the noise of the zone's flow, and pulls down what lies beside it, though that may still have
pressure to spare: the critical point near it shows a loss far beyond the learned one. Where it is drawn nothing measures, and the
pressure there is lower again by at least as much. One instrument alone confirms nothing: a sensor may fail, and flow is restless.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from domain.points import PointKey
from pressure_control.learner import ZoneLearner
from pressure_control.observations import Window

_PRESSURE_SD = 5.0
_LEAST_M = 1.0
_LARGEST_M = 12.0
_FLOW_SD = 2.0
_FLOW_BEFORE_S = 1800.0
_LASTS_S = 7200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """Where a draw shows."""

    point: PointKey
    excess_m: float
    """Loss beyond the learned one."""


def confirmed_draw(learner: ZoneLearner, recent: Window, points: Iterable[PointKey]) -> Draw | None:
    """The critical point that shows a draw most, if one does and the flow agrees; None once it has lasted for two hours."""
    shown = [d for p in points if (d := _shown(learner, recent, p)) is not None]
    return max(shown, key=lambda d: d.excess_m, default=None)


def _shown(learner: ZoneLearner, recent: Window, point: PointKey) -> Draw | None:
    loss = learner.loss(point)
    if loss is None:
        return None
    first = max(0, recent.size - round(_LASTS_S / recent.step_s))
    x = learner.x(recent.flow_m3h)
    excess = (recent.level() - recent.watched_m[point] - loss.at(x, recent.minute))[first:]
    known = np.flatnonzero(np.isfinite(excess))
    if known.size == 0:
        return None
    far = np.array([excess[k] > max(_LEAST_M, _PRESSURE_SD * loss.sd(float(x[first + k]))) for k in known])
    if not far[-1] or far.all():
        return None
    begins = first + int(known[np.flatnonzero(~far)[-1] + 1])
    if not _flow_rose(learner, recent, begins):
        return None
    return Draw(point=point, excess_m=min(float(excess[known[-1]]), _LARGEST_M))


def _flow_rose(learner: ZoneLearner, recent: Window, by: int) -> bool:
    """Whether the flow went beyond its forecast not long before step ``by``, or in it."""
    forecaster = learner.flow
    x = forecaster.deviations(recent.flow_m3h, recent.minute)
    error = x - forecaster.expected(x)
    steps = max(1, round(_FLOW_BEFORE_S / recent.step_s))
    return bool(error[max(0, by - steps) : by + 1].max() > _FLOW_SD * math.sqrt(forecaster.variance))
