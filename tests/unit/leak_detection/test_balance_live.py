"""The balance in the service and the replay of a year's part say the same of zones with failing meters, at the same ticks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np
import pytest

from app.leak_town import make_town
from app.leak_town_records import TownPlan
from domain.calendar import Calendar
from domain.findings import FindingKind
from domain.points import PointKey
from domain.ports import MeterHour
from domain.zones import Inlet, Zone, ZoneKind
from leak_detection.balance_service import LAG_S, BalanceService
from leak_detection.inputs import ZoneInputs, zone_inputs
from leak_detection.zone_balance import TICK_H, hourly
from leak_detection.zone_replay import ZoneRecording, track_zone

DAYS, HISTORY = 80, 28
START = datetime(2026, 1, 5, tzinfo=UTC)


class Sums:
    """Hours of the town's meters as a store has them; what is missing has no row."""

    def __init__(self, names: Sequence[str], hours: np.ndarray) -> None:
        self.rows = [
            MeterHour(zone=name, start=START + timedelta(hours=h), flow_m3h=float(hours[h, k]), reported=400, meters=400)
            for k, name in enumerate(names)
            for h in range(len(hours))
            if np.isfinite(hours[h, k])
        ]

    async def meter_hours(self, start: datetime, end: datetime) -> Sequence[MeterHour]:
        return [row for row in self.rows if start <= row.start < end]


async def test_the_service_says_what_the_replay_says_at_the_same_ticks() -> None:
    town, _ = make_town(41, TownPlan(zones=2, days=DAYS, leaks=6.0, ramadan=False, open_valves=0, dead_meters=0.2))
    calendar = Calendar(timezone="UTC")
    zones = [
        Zone(key=name, kind=ZoneKind.DMA, names={"fr": name}, inlets=(Inlet(point=PointKey(f"{name}.q"), sign=1),), connections=400)
        for name in town.names
    ]

    def seen(first: int, last: int, zone: Zone) -> ZoneInputs:
        flow = town.inflow[4 * first : 4 * last, town.names.index(zone.key)]
        start_s = START.timestamp() + 3600.0 * first
        return zone_inputs(zone, calendar, {PointKey(f"{zone.key}.q"): flow}, start_s=start_s, step_s=900.0)

    service = BalanceService(zones, calendar, Sums(town.names, town.meters), history_days=HISTORY)
    live = []
    for hour in range(HISTORY * 24, DAYS * 24 + 1, TICK_H):
        first = 0 if hour == HISTORY * 24 else hour - 72
        looked = await service.refresh(START.timestamp() + 3600.0 * hour + LAG_S, partial(seen, first, hour))
        assert looked
        live += [(hour, z, d) for z, v in service.views.items() for d in v.detections if hour > HISTORY * 24]
    replayed = []
    for k, zone in enumerate(zones):
        inflow = hourly(seen(0, DAYS * 24, zone).inflow_m3h, 4)
        recording = ZoneRecording(
            zone=zone.key, inflow_m3h=inflow, meters_m3h=town.meters[:, k], pressure_m=np.full(inflow.size, np.nan)
        )
        leaks = [a for _, a, _ in track_zone(recording).alarms if a.cause == "leak"]
        replayed += [(a.found_h, zone.key, a.flow_m3h) for a in leaks if a.found_h > HISTORY * 24]
    told = sorted((hour, zone, d.flow_m3h) for hour, zone, d in live if d.kind is not FindingKind.METER_FAULT)
    assert len(replayed) >= 2
    assert told == [(hour, zone, pytest.approx(flow)) for hour, zone, flow in sorted(replayed)]
