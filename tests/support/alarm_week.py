"""A week of a supply zone with twelve areas behind it, in raw inputs every five minutes: its trunk main bursts on the third day
at dawn, all pressures fall, no valve follows any more; and one gateway loses its link every night. Two weeks before it are there to
learn from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from alerts.conditions import Condition
from domain.calendar import Calendar
from domain.inventory import Inventory, Site
from domain.points import PointKey
from domain.ports import GatewayNow, ZoneNow
from domain.readings import Reading
from domain.series import FloatArray, Series
from tests.support.alarm_town import AREAS, no_effect, supply
from tests.support.toy_zone import ar1, pattern

STEP_S, PER_DAY = 300.0, 288
LEARN_DAYS, DAYS = 14, 7
START = datetime(2026, 4, 20, tzinfo=UTC)
WEEK = START + timedelta(days=LEARN_DAYS)
BURST_AT = WEEK + timedelta(days=2, hours=4, minutes=40)
REPAIRED_AT = WEEK + timedelta(days=4, hours=9)
BURST_M3H = 60.0
CALENDAR = Calendar(timezone="Africa/Casablanca")


@dataclass
class Week:
    """Everything that was measured (``SeriesSource``), and what the gateways said of themselves."""

    seed: int = 1
    flows: dict[PointKey, FloatArray] = field(init=False)
    pressures: dict[str, FloatArray] = field(init=False)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        size = PER_DAY * (LEARN_DAYS + DAYS)
        self.seconds: FloatArray = START.timestamp() + STEP_S * np.arange(size, dtype=np.float64)
        day = pattern(self.seconds, CALENDAR.zone)
        moments = self.seconds
        burst = (moments >= BURST_AT.timestamp()) & (moments < REPAIRED_AT.timestamp())
        self.flows, self.pressures = {}, {}
        total = np.zeros(size)
        for number, area in enumerate(AREAS):
            mean = 8.0 + number
            flow = mean * day * (1 + ar1(rng, size, 0.03, 12)) + 1.5 + rng.normal(0, 0.15, size)
            flow = flow * np.where(burst, 0.95, 1.0)  # less pressure, less use
            self.flows[PointKey(f"{area}.flow")] = flow
            self.pressures[area] = 31.0 - 4.0 * day + rng.normal(0, 0.3, size) - np.where(burst, 9.0 + 0.3 * number, 0.0)
            total += flow
        self.flows[PointKey("plain.flow")] = total + rng.normal(0, 1.0, size) + np.where(burst, BURST_M3H, 0.0)
        self.pressures["plain"] = 42.0 - 3.0 * day + rng.normal(0, 0.3, size) - np.where(burst, 10.0, 0.0)

    @property
    def inventory(self) -> Inventory:
        """Only the plain is measured; the hill next to it is not, in this story."""
        zones = {k: z for k, z in supply().items() if k in ("region", "plain", *AREAS)}
        site = Site(key="plain", names={"en": "Plain"}, calendar=CALENDAR)
        return Inventory(site=site, zones=zones, points={}, gateways={}, devices={}, actuators={})

    async def series(
        self, points: Sequence[PointKey], start: datetime, end: datetime, step_s: int | None = None
    ) -> dict[PointKey, Series]:
        """``SeriesSource``: the data are means of ``step_s`` already."""
        inside = (self.seconds >= start.timestamp()) & (self.seconds < end.timestamp())
        times = (self.seconds[inside] * 1000).astype("datetime64[ms]")
        quality = np.zeros(times.size, dtype=np.int16)
        return {p: Series(point=p, times=times, values=self._values(p)[inside], quality=quality) for p in points}

    async def latest(self, points: Sequence[PointKey]) -> dict[PointKey, Reading]:
        """Nobody asks for single readings here."""
        raise NotImplementedError

    def _values(self, point: PointKey) -> FloatArray:
        zone = str(point).removesuffix(".low")
        return self.pressures[zone] if zone in self.pressures else self.flows[point]

    def zones_at(self, now: datetime) -> list[ZoneNow]:
        """The newest readings of each zone, as the read model gives them."""
        index = int((now.timestamp() - self.seconds[0]) // STEP_S) - 1
        at = datetime.fromtimestamp(float(self.seconds[index]), UTC)
        return [
            ZoneNow(
                zone=zone,
                inflow_m3h=float(self.flows[PointKey(f"{zone}.flow")][index]),
                inflow_at=at,
                night_flow_m3h=None,
                night=None,
                critical_m=float(pressures[index]),
                critical_at=at,
                suspect=False,
            )
            for zone, pressures in self.pressures.items()
        ]

    def gateways_at(self, now: datetime) -> list[GatewayNow]:
        """Twelve gateways, the sixth of which loses its link for twenty minutes every night."""
        into_night = (now - WEEK) % timedelta(days=1) - timedelta(hours=2)
        lost = timedelta(0) <= into_night < timedelta(minutes=20)
        return [
            GatewayNow(
                edge=f"plain/{area}",
                online=not (lost and number == 5),
                since=now - into_night if lost and number == 5 else None,
                last_block_at=now,
                rows_stored=1,
                dead_letters=0,
                missing=0,
            )
            for number, area in enumerate(AREAS)
        ]

    def device_alarms(self, now: datetime, before: datetime) -> Iterator[Condition]:
        """Valves of the areas: none can hold its setpoint while the trunk main has burst."""
        for number, area in enumerate(AREAS):
            begins = BURST_AT + timedelta(minutes=15 + 2 * number)
            if before < begins <= now:
                yield no_effect_at(area, begins, active=True)
            ends = REPAIRED_AT + timedelta(minutes=10 + number)
            if before < ends <= now:
                yield no_effect_at(area, ends, active=False)


def no_effect_at(area: str, moment: datetime, *, active: bool) -> Condition:
    """The valve of an area does not follow, or does again."""
    return replace(no_effect(area, active=active), since=moment)
