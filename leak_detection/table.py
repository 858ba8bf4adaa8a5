"""The detectors in use. A new one is a file and a line here."""

from __future__ import annotations

from collections.abc import Callable

from leak_detection.detection import Detection
from leak_detection.flow_step import detect_step
from leak_detection.inputs import ZoneInputs
from leak_detection.learned import Learned, nights_of, step_residuals
from leak_detection.meter_fault import detect_stuck
from leak_detection.night_flow import detect_night
from leak_detection.pressure_normal import LEAKAGE_RANGE

Detector = Callable[[ZoneInputs, Learned], Detection | None]
"""What a detector is: a pure function of a zone's inputs up to now and what was learned of it before."""


def flow_step(inputs: ZoneInputs, learned: Learned) -> Detection | None:
    """See ``leak_detection.flow_step``."""
    return detect_step(inputs, learned.steps, step_residuals(inputs, learned))


def night_flow(inputs: ZoneInputs, learned: Learned) -> Detection | None:
    """See ``leak_detection.night_flow``."""
    recent = inputs.steps(54 * 3600)
    ends = [nights_of(inputs, inputs.inflow_m3h - learned.leakage.correction(inputs.pressure_m, s), recent) for s in LEAKAGE_RANGE]
    lower = min(ends, key=lambda n: float(n.flow_m3h[-1]) if n.flow_m3h.size else float("inf"))
    return detect_night(inputs, learned.nights, lower, inputs.calendar)


def meter_fault(inputs: ZoneInputs, learned: Learned) -> Detection | None:
    """See ``leak_detection.meter_fault``."""
    del learned
    return detect_stuck(inputs)


DETECTORS: dict[str, Detector] = {
    "flow_step": flow_step,
    "night_flow": night_flow,
    "meter_fault": meter_fault,
}
