"""Low pressure as an alarm: an on-delay and a deadband keep it from chattering (EEMUA 191). Pure but for what it remembers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from alerts.conditions import Condition
from alerts.definitions import PRESSURE_LOW
from domain.alerts import Priority
from domain.ports import ZoneNow
from domain.zones import Zone

ON_DELAY = timedelta(minutes=10)
"""So long must the lowest critical pressure stay below the minimum before anybody is told [data time]."""
DEADBAND = 0.02
"""It is over once the pressure is this share above the minimum (EEMUA 191: 2 % for pressure)."""


class PressureWatch:
    """Watches the lowest critical pressure of each zone.

    What it remembers is how long each has been low: after a restart an alarm that stands is not ended by that, only told of later.
    """

    def __init__(self, zones: Mapping[str, Zone]) -> None:
        self._zones = zones
        self._low_since: dict[str, datetime] = {}

    def conditions(self, rows: Iterable[ZoneNow]) -> tuple[Condition, ...]:
        """What the newest readings say; nothing of a zone without any, or whose reading is doubtful or inside the deadband."""
        found = [self._condition(row) for row in rows if not row.suspect and row.zone in self._zones]
        return tuple(c for c in found if c is not None)

    def _condition(self, row: ZoneNow) -> Condition | None:
        if row.critical_m is None or row.critical_at is None:
            return None
        minimum_m = self._zones[row.zone].min_pressure_m
        if row.critical_m >= minimum_m:
            self._low_since.pop(row.zone, None)
            over = row.critical_m >= minimum_m * (1 + DEADBAND)
            return Condition(code=PRESSURE_LOW, subject=row.zone, active=False, zone=row.zone) if over else None
        since = self._low_since.setdefault(row.zone, row.critical_at)
        if row.critical_at - since < ON_DELAY:
            return None
        return Condition(
            code=PRESSURE_LOW,
            subject=row.zone,
            active=True,
            zone=row.zone,
            priority=Priority.MEDIUM,
            parameters={"pressure": f"{row.critical_m:.1f} m", "minimum": f"{minimum_m:.1f} m"},
            since=since,
        )
