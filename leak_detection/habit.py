"""What comes back every week at its hour is somebody's habit, not a leak: a tank that is filled, a laundry, a late breakfast.

Four weeks of a kind of day teach its median; an hour that only one weekday has, or a shape sharper than the smoothed class, stays
unexplained week after week. The step of a detection is therefore looked for at the same local hour of the weeks before.
"""

from __future__ import annotations

import numpy as np

from domain.series import FloatArray
from leak_detection import robust
from leak_detection.detection import Detection
from leak_detection.inputs import ZoneInputs
from leak_detection.learned import Learned
from leak_detection.pressure_normal import LEAKAGE_MIDDLE

WEEKS = 4
LEAST_WEEKS = 2
SHARE = 0.5
"""A week that showed this share of the step counts."""
_EARLIER_S = 5400.0
"""A habit keeps its hour as well as people keep theirs; an hour of it is the clock change."""
_BEFORE_S = 2 * 3600.0
_LONGEST_S = 3 * 3600.0


def is_habit(inputs: ZoneInputs, learned: Learned, detection: Detection) -> bool:
    """Whether at least two of the last four weeks had a like step at this hour of this weekday."""
    width = min(inputs.steps(_LONGEST_S), max(1, round((inputs.end_s - detection.since_s) / inputs.step_s)))
    seen = 0
    for week in range(1, WEEKS + 1):
        end = inputs.size - week * inputs.steps(7 * 86400.0)
        # A night is compared with what nights are, a step with the hours before it.
        seen += _largest(inputs, learned, end, width, over_before=detection.detector == "flow_step") >= SHARE * detection.flow_m3h
    return seen >= LEAST_WEEKS


def _largest(inputs: ZoneInputs, learned: Learned, end: int, width: int, *, over_before: bool) -> float:
    """Largest mean of the residual, or its rise over the hours before, in windows of ``width`` steps near ``end`` [m³/h]."""
    shift, before = inputs.steps(_EARLIER_S), inputs.steps(_BEFORE_S)
    first, last = end - width - shift - before, min(end + shift, inputs.size)
    if first < 0:
        return 0.0
    rest = _residual(inputs, learned, first, last)
    best = 0.0
    for start in range(before, rest.size - width + 1):
        earlier = float(robust.mean(rest[start - before : start])) if over_before else 0.0
        rise = float(robust.mean(rest[start : start + width])) - earlier
        best = max(best, rise) if np.isfinite(rise) else best
    return best


def _residual(inputs: ZoneInputs, learned: Learned, first: int, last: int) -> FloatArray:
    part = slice(first, last)
    expected = learned.baseline.expected(inputs.day[part], inputs.minute[part], inputs.calendar)
    return inputs.inflow_m3h[part] - learned.leakage.correction(inputs.pressure_m[part], LEAKAGE_MIDDLE) - expected
