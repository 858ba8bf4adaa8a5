"""Hours of a toy town's customers, 80 % of whom have a meter, as a store has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from domain.ports import MeterHour
from tests.support.toy_zone import ToyTown


@dataclass
class ToyMeters:
    """``MeterSums`` of a toy town."""

    town: ToyTown
    meters: int = 1600
    asked: list[tuple[datetime, datetime]] = field(default_factory=list)

    async def meter_hours(self, start: datetime, end: datetime) -> Sequence[MeterHour]:
        self.asked.append((start, end))
        rows = []
        for zone, demand in self.town.demand.items():
            hourly = demand.reshape(-1, 12).mean(axis=1)
            for k, use in enumerate(hourly):
                at = datetime.fromtimestamp(float(self.town.seconds[12 * k]), UTC)
                if start <= at < end:
                    rows.append(MeterHour(zone=zone, start=at, flow_m3h=0.8 * use, reported=self.meters, meters=self.meters))
        return rows
