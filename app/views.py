"""What is known of an actuator now: its last readings, its mode and owner, and the law's advice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.inventory import Inventory
from domain.points import PointKey
from domain.ports import ActuatorView, CommandStore, SeriesSource
from domain.readings import Quality, Reading
from domain.setpoints import ActuatorState, Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Advised:
    """What a law would set, and why."""

    value_m: float
    reason: str


@dataclass(slots=True, kw_only=True)
class LiveView(ActuatorView):
    """The ``ActuatorView`` port over the database.

    ``advice`` is filled by whoever runs the control laws.
    """

    inventory: Inventory
    series: SeriesSource
    store: CommandStore
    first_mode: Mode
    advice: dict[str, Advised] = field(default_factory=dict)

    async def state(self, actuator: str) -> ActuatorState:
        """Mode, owner and last readings of an actuator.

        Raises:
            KeyError: There is no such actuator.
        """
        asset = self.inventory.actuators[actuator]
        points = [p for p in (asset.setpoint, asset.outlet_pressure, asset.inlet_pressure, asset.flow) if p is not None]
        latest = await self.series.latest(points)
        row = (await self.store.modes()).get(actuator)
        advised = self.advice.get(actuator)
        needed = [latest.get(p) for p in (asset.setpoint, asset.outlet_pressure)]
        known = [reading for reading in needed if reading is not None]
        return ActuatorState(
            actuator=actuator,
            mode=row.mode if row else self.first_mode,
            mode_until=row.until if row else None,
            owner=row.owner if row else "",
            owner_token=row.owner_token if row else 0,
            setpoint_m=_value(latest, asset.setpoint),
            outlet_m=_value(latest, asset.outlet_pressure),
            inlet_m=_value(latest, asset.inlet_pressure),
            flow_m3h=_value(latest, asset.flow),
            observed_at=min((r.observed_at for r in known), default=None) if len(known) == len(needed) else None,
            advice_m=advised.value_m if advised else None,
            advice_reason=advised.reason if advised else "",
        )


def _value(latest: Mapping[PointKey, Reading], point: PointKey | None) -> float | None:
    """The value of a reading that may be used; None where there is none or it is bad."""
    reading = latest.get(point) if point is not None else None
    return None if reading is None or reading.quality is Quality.BAD else reading.value
