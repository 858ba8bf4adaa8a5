"""An inlet meter that stands still: everything the zone's balance says rests on it."""

from __future__ import annotations

import numpy as np

from domain.findings import Evidence, FindingKind
from leak_detection.detection import Detection
from leak_detection.inputs import ZoneInputs

STUCK_S = 3600.0
"""A meter is called stuck after so long."""


def detect_stuck(inputs: ZoneInputs) -> Detection | None:
    """A meter that has shown one value for an hour or more, or None."""
    if not inputs.stuck:
        return None
    known = np.flatnonzero(np.isfinite(inputs.inflow_m3h))
    last = int(known[-1]) + 1 if known.size else 0
    since = inputs.start_s + last * inputs.step_s
    if inputs.end_s - since < STUCK_S:
        return None
    return Detection(
        detector="meter_fault",
        kind=FindingKind.METER_FAULT,
        since_s=since,
        flow_m3h=0.0,
        flow_error_m3h=0.0,
        confidence=0.9,
        evidence=tuple(Evidence(name=f"stuck:{p}", observed=0.0, expected=1.0, sd=0.1, unit="1") for p in inputs.stuck),
    )
