"""What measures an emergency, where no person confirms it. Pure.

An emergency allows larger steps upwards (``Actuator.ramp_up_emergency_m``) and nothing else: limits, intervals, ramps downwards and
every other interlock stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from domain.points import PointKey
from domain.readings import Quality, Reading

FEWEST_SENSORS = 2
"""So many sensors must agree: one may lie."""
BELOW_M = 0.5
"""A sensor confirms when it shows this much less than the zone's least pressure [m]."""
FRESH_S = 600.0


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
