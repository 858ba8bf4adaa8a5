"""What measures an emergency, where no person confirms it: too little pressure, or a draw that two instruments show. Pure.

An emergency allows larger steps upwards (``Actuator.ramp_up_emergency_m``) and nothing else: limits, intervals, ramps downwards and
every other interlock stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from domain.points import PointKey
from domain.readings import Quality, Reading
from domain.series import FloatArray

FEWEST_SENSORS = 2
"""So many sensors must agree: one may lie."""
BELOW_M = 0.5
"""A sensor confirms when it shows this much less than the zone's least pressure [m]."""
FRESH_S = 600.0
DRAW_STEP_S, DRAW_STEPS, DRAW_NEW = 300.0, 12, 4
"""A draw is looked for in the last hour, in steps of five minutes; the last twenty minutes are new, for loggers send by packets."""
DRAW_LOSS_M, DRAW_FLOW_M3H = 2.0, 10.0
"""Least rise of the loss to a critical point, and of the flow into its zone, that together show a draw: a hydrant's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownDraw:
    """What two instruments show."""

    point: PointKey
    loss_rose_m: float
    flow_rose_m3h: float


def low_sensors(readings: Mapping[PointKey, Reading], min_pressure_m: float, now: datetime) -> tuple[PointKey, ...] | None:
    """The sensors that show too little pressure, if there are enough of them to confirm an emergency; else None.

    Args:
        readings: The newest reading of each critical point.
        min_pressure_m: Least service pressure of the zone [m].
        now: Process time.
    """
    low = tuple(
        point
        for point, reading in readings.items()
        if reading.quality is Quality.GOOD
        and reading.value is not None
        and reading.value < min_pressure_m - BELOW_M
        and 0 <= (now - reading.observed_at).total_seconds() <= FRESH_S
    )
    return low if len(low) >= FEWEST_SENSORS else None


def shown_draw(flow_m3h: FloatArray, loss_m: Mapping[PointKey, FloatArray]) -> ShownDraw | None:
    """A draw that the zone's flow and one of its critical points show, though that point may have pressure to spare.

    Neither alone confirms: flow is restless and a sensor may fail. No model of the day stands behind this: a morning rises too, but
    then no law claims a draw.

    Args:
        flow_m3h: Inflow of the zone in the last hour, shape (``DRAW_STEPS``,), NaN where none was read.
        loss_m: Outlet pressure less critical pressure of each critical point, the same steps: so a move of the valve is no draw.
    """
    flow_rose = _newest(flow_m3h) - _before(flow_m3h).mean() if _before(flow_m3h).size else np.nan
    if not flow_rose >= DRAW_FLOW_M3H:
        return None
    rises = {point: _newest(values) - _before(values).max() for point, values in loss_m.items() if _before(values).size}
    shown = {point: float(rose) for point, rose in rises.items() if rose >= DRAW_LOSS_M}
    if not shown:
        return None
    point = max(shown, key=lambda p: shown[p])
    return ShownDraw(point=point, loss_rose_m=shown[point], flow_rose_m3h=float(flow_rose))


def _before(values: FloatArray) -> FloatArray:
    """What was read before the last minutes."""
    old = values[:-DRAW_NEW]
    return np.asarray(old[np.isfinite(old)], dtype=np.float64)


def _newest(values: FloatArray) -> float:
    """The newest of the last minutes; NaN if nothing was read."""
    new = values[-DRAW_NEW:]
    known = new[np.isfinite(new)]
    return float(known[-1]) if known.size else float("nan")
