"""What is known of the actuators now: the newest readings of their points, with mode and owner from the desk's memory."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from commands.arbitration import first_row
from domain.assets import Actuator
from domain.inventory import Inventory
from domain.points import PointKey
from domain.ports import SeriesSource
from domain.ports_commands import CommandStore, ModeRow
from domain.readings import Quality, Reading
from domain.setpoints import ActuatorState, Mode


class CurrentActuators:
    """The ``ActuatorView`` over the database.

    Args:
        inventory: The site.
        source: The newest readings.
        store: Modes and owners.
        first_mode: Mode of an actuator for which none was ever set; the same as the desk's.
    """

    def __init__(
        self, *, inventory: Inventory, source: SeriesSource, store: CommandStore, first_mode: Mode = Mode.ADVISORY
    ) -> None:
        self._inventory = inventory
        self._source = source
        self._store = store
        self._first_mode = first_mode
        self._advice: dict[str, tuple[float, str]] = {}

    def note_advice(self, actuator: str, value_m: float, reason: str) -> None:
        """Keeps what the law would set now, for the pages."""
        self._advice[actuator] = (value_m, reason)

    async def state(self, actuator: str) -> ActuatorState:
        """Mode, owner and last readings of an actuator. A reading the device called bad counts as none."""
        return (await self.states((actuator,)))[actuator]

    async def states(self, actuators: Sequence[str]) -> dict[str, ActuatorState]:
        """The same of many at once, with two questions to the database whatever their number."""
        modes = await self._store.modes()
        points = [p for key in actuators for p in _points(self._inventory.actuators[key])]
        readings = await self._source.latest(points)
        return {key: self._state(key, modes.get(key) or first_row(key, self._first_mode), readings) for key in actuators}

    def _state(self, actuator: str, row: ModeRow, readings: Mapping[PointKey, Reading]) -> ActuatorState:
        found = self._inventory.actuators[actuator]
        usable = {p: readings[p] for p in _points(found) if p in readings and _usable(readings[p])}
        advice_m, advice_reason = self._advice.get(actuator, (None, ""))
        return ActuatorState(
            actuator=actuator,
            mode=row.mode,
            mode_until=row.until,
            owner=row.owner,
            owner_token=row.owner_token,
            setpoint_m=_value(usable, found.setpoint),
            outlet_m=_value(usable, found.outlet_pressure),
            inlet_m=_value(usable, found.inlet_pressure),
            flow_m3h=_value(usable, found.flow),
            observed_at=min((r.observed_at for r in usable.values()), default=None),
            advice_m=advice_m,
            advice_reason=advice_reason,
        )


def _points(actuator: Actuator) -> list[PointKey]:
    points = (actuator.setpoint, actuator.outlet_pressure, actuator.inlet_pressure, actuator.flow)
    return [p for p in points if p is not None]


def _usable(reading: Reading) -> bool:
    # A suspect reading is kept: a setpoint that nobody moves looks frozen, and is right.
    return reading.value is not None and math.isfinite(reading.value) and reading.quality is not Quality.BAD


def _value(usable: dict[PointKey, Reading], point: PointKey | None) -> float | None:
    reading = usable.get(point) if point is not None else None
    return reading.value if reading is not None else None
