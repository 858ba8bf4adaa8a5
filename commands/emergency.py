"""When pressure may rise faster: an emergency that somebody declared and somebody else, or a measurement, confirmed. Pure.

An emergency allows larger steps upwards (``Actuator.ramp_up_emergency_m``) and nothing else: limits, intervals, ramps downwards and
every other interlock stay. Kept in memory: after a restart of the centre it is declared again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from commands.second_person import same_person
from domain.points import PointKey
from domain.readings import Quality, Reading

FEWEST_SENSORS = 2
"""So many sensors must agree: one may lie."""
BELOW_M = 0.5
"""A sensor confirms when it shows this much less than the zone's least pressure [m]."""
FRESH_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Emergency:
    """An emergency at one actuator."""

    actuator: str
    declared_by: str
    reason: str
    declared_at: datetime
    until: datetime
    confirmed_by: str | None = None
    """Another person, or the measurement; None while it is not confirmed."""

    def holds(self, now: datetime) -> bool:
        """Whether the larger rise is allowed now."""
        return self.confirmed_by is not None and self.declared_at <= now < self.until


@dataclass(slots=True)
class EmergencyBook:
    """At most one emergency an actuator."""

    _by_actuator: dict[str, Emergency] = field(default_factory=dict)

    def put(self, emergency: Emergency) -> None:
        """Declares, or declares again."""
        self._by_actuator[emergency.actuator] = emergency

    def find(self, actuator: str, now: datetime) -> Emergency | None:
        """The emergency that is not over, confirmed or not."""
        found = self._by_actuator.get(actuator)
        return found if found is not None and now < found.until else None

    def holds(self, actuator: str, now: datetime) -> bool:
        """Whether a confirmed emergency holds."""
        found = self.find(actuator, now)
        return found is not None and found.holds(now)

    def confirm(self, actuator: str, by: str, now: datetime) -> Emergency | None:
        """Confirms in another's name; None if there is nothing to confirm or it is the same person."""
        found = self.find(actuator, now)
        if found is None or same_person(found.declared_by, by):
            return None
        confirmed = replace(found, confirmed_by=by)
        self.put(confirmed)
        return confirmed

    def end(self, actuator: str) -> Emergency | None:
        """Ends it; returns what it was."""
        return self._by_actuator.pop(actuator, None)


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
