"""A toy zone to close loops in tests: head loss, wandering demand, pressure-dependent leakage, a burst; no network, no files.

    p_i = p_out − a_i − r_i · Q^1.85        Q = demand + L₀ (P / P₀)^1.1 + burst √(P / P₀) + what a cascaded zone takes

Time steps of five minutes. Sensors see a few of the nodes only; the others lie a little lower.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from domain.assets import Actuator
from domain.calendar import Calendar
from domain.inventory import Inventory, Site
from domain.points import PointKey
from domain.series import FloatArray, Series
from domain.zones import Inlet, Zone, ZoneKind

STEP_S = 300.0
PER_DAY = 288
START = datetime(2026, 4, 6, tzinfo=UTC)
"""A Monday, outside Ramadan."""
CALENDAR = Calendar(timezone="Africa/Casablanca")
P0 = 45.0


def ar1(rng: np.random.Generator, size: int, sd: float, tau_steps: float) -> FloatArray:
    """Wandering noise with this standard deviation and correlation time."""
    a = float(np.exp(-1.0 / tau_steps))
    white = rng.normal(0.0, sd * np.sqrt(1 - a * a), size)
    out = np.empty(size)
    value = rng.normal(0.0, sd)
    for i in range(size):
        value = a * value + white[i]
        out[i] = value
    return out


def pattern(seconds: FloatArray, zone: ZoneInfo) -> FloatArray:
    """A day with a morning, a noon and an evening peak; Fridays and weekends rise later. Mean near 1."""
    local = [datetime.fromtimestamp(float(s), UTC).astimezone(zone) for s in seconds[::3]]
    hour = (
        np.repeat([t.hour + t.minute / 60 for t in local], 3)[: seconds.size]
        + np.tile([0, 1 / 12, 2 / 12], len(local))[: seconds.size]
    )
    day = np.repeat([t.weekday() for t in local], 3)[: seconds.size]

    def bump(middle: FloatArray | float, width: float) -> FloatArray:
        apart = np.abs(hour - middle)
        near: FloatArray = np.exp(-0.5 * (np.minimum(apart, 24 - apart) / width) ** 2)
        return near

    late = np.where(day >= 5, 9.8, 8.0)
    noon = np.where(day == 4, 0.95, 0.6)
    return 0.28 + 0.95 * bump(late, 1.7) + noon * bump(13.0, 1.8) + 0.95 * bump(20.5, 2.2)


@dataclass
class ToyZone:
    """One zone."""

    key: str
    mean_m3h: float = 60.0
    leak_m3h: float = 12.0
    """At 45 m."""
    loss_m: tuple[float, ...] = (1.0, 4.0, 7.0, 8.0)
    """Static difference to the outlet of each node [m]."""
    drop_m: tuple[float, ...] = (2.0, 4.0, 6.0, 7.0)
    """Head loss to each node at twice the mean flow [m]."""
    sensors: tuple[int, ...] = (1, 2)
    """Nodes with a critical pressure sensor."""
    child: str | None = None

    @property
    def a(self) -> FloatArray:
        return np.array(self.loss_m)

    def r(self, through_m3h: float) -> FloatArray:
        resistance: FloatArray = np.array(self.drop_m) / (2.0 * through_m3h) ** 1.85
        return resistance


@dataclass
class ToyTown:
    """A standing zone, and a cascade of two."""

    seed: int = 0
    days: int = 16
    zones: dict[str, ToyZone] = field(
        default_factory=lambda: {
            "medina": ToyZone("medina"),
            "plateau": ToyZone(
                "plateau",
                mean_m3h=80.0,
                leak_m3h=16.0,
                loss_m=(1.0, 3.0, 6.0, 7.0, 8.0),
                drop_m=(2.0, 3.0, 5.0, 6.0, 3.0),
                sensors=(1, 2),
                child="oued",
            ),
            "oued": ToyZone("oued", mean_m3h=35.0, leak_m3h=8.0, loss_m=(0.5, 2.0, 5.0, 6.0)),
        }
    )
    bursts: dict[str, tuple[int, int, float]] = field(default_factory=dict)
    """zone → (first step, end step, m³/h at 45 m)."""
    fixed_m: dict[str, float] = field(default_factory=lambda: {"medina": 40.0, "plateau": 48.0, "oued": 38.0})
    bias: dict[str, tuple[int, float]] = field(default_factory=dict)
    """sensor point → (first step, metres)."""
    silent: dict[str, tuple[int, int]] = field(default_factory=dict)
    """any point → (first step, end step)."""

    def __post_init__(self) -> None:
        size = self.days * PER_DAY
        self.seconds: FloatArray = START.timestamp() + STEP_S * np.arange(size, dtype=np.float64)
        shape = pattern(self.seconds, CALENDAR.zone)
        self.demand: dict[str, FloatArray] = {}
        for i, (key, zone) in enumerate(self.zones.items()):
            rng = np.random.default_rng([self.seed, i])
            day = np.interp(np.arange(size) / PER_DAY, np.arange(self.days + 1), rng.normal(0, 0.04, self.days + 1))
            wander = ar1(rng, size, 0.05, 36.0) + ar1(rng, size, 0.12 / np.sqrt(24), 6.0)
            self.demand[key] = zone.mean_m3h * shape * np.exp(day + wander)
        self.noise = np.random.default_rng([self.seed, 99])
        self.setpoint = {k: np.full(size, v) for k, v in self.fixed_m.items()}
        self.low_m = {k: np.full(size, np.nan) for k in self.zones}
        self.leakage = {k: np.full(size, np.nan) for k in self.zones}
        self.data: dict[PointKey, FloatArray] = {}
        for key, zone in self.zones.items():
            for name in ("flow", "outlet", "inlet", "setpoint", *(f"cp{n}" for n in zone.sensors)):
                self.data[PointKey(f"{key}.{name}")] = np.full(size, np.nan)

    @property
    def size(self) -> int:
        return int(self.seconds.size)

    def run(self, first: int, end: int) -> None:
        """Steps first <= i < end at the present setpoints."""
        part = slice(first, end)
        order = sorted(self.zones, key=lambda k: self.zones[k].child is not None)
        taken: dict[str, FloatArray] = {}
        inlet = {k: np.full(end - first, 60.0) for k in self.zones}
        for _ in range(3):
            for key in order:
                taken[key] = self._zone(key, part, inlet[key], taken)
            for key, zone in self.zones.items():
                if zone.child:
                    out = np.minimum(self.setpoint[key][part], inlet[key] - 1.0)
                    inlet[zone.child] = (
                        out - zone.a[-1] - zone.r(zone.mean_m3h + self.zones[zone.child].mean_m3h)[-1] * taken[key] ** 1.85
                    )
        self._measure(part, taken, inlet)

    def _zone(self, key: str, part: slice, inlet: FloatArray, taken: dict[str, FloatArray]) -> FloatArray:
        zone = self.zones[key]
        passing = taken.get(zone.child, np.zeros(inlet.size)) if zone.child else np.zeros(inlet.size)
        through = zone.mean_m3h + (self.zones[zone.child].mean_m3h if zone.child else 0.0)
        out = np.minimum(self.setpoint[key][part], inlet - 1.0)
        steps = np.arange(part.start, part.stop)
        b0, b1, size = self.bursts.get(key, (0, 0, 0.0))
        burst = np.where((steps >= b0) & (steps < b1), size, 0.0)
        flow = self.demand[key][part] + zone.leak_m3h + burst + passing
        for _ in range(6):
            nodes = out - zone.a[:, None] - zone.r(through)[:, None] * flow**1.85
            mean = np.maximum(nodes.mean(axis=0), 1.0)
            leak = zone.leak_m3h * (mean / P0) ** 1.1 + burst * np.sqrt(mean / P0)
            flow = 0.5 * flow + 0.5 * (self.demand[key][part] + leak + passing)
        self.low_m[key][part] = nodes.min(axis=0)
        self.leakage[key][part] = leak
        for n in zone.sensors:
            self.data[PointKey(f"{key}.cp{n}")][part] = nodes[n]
        self.data[PointKey(f"{key}.outlet")][part] = out
        return flow

    def _measure(self, part: slice, taken: dict[str, FloatArray], inlet: dict[str, FloatArray]) -> None:
        size = part.stop - part.start
        steps = np.arange(part.start, part.stop)
        for key, zone in self.zones.items():
            self.data[PointKey(f"{key}.flow")][part] = taken[key] * (1 + self.noise.normal(0, 0.01 / np.sqrt(5), size))
            self.data[PointKey(f"{key}.setpoint")][part] = self.setpoint[key][part]
            self.data[PointKey(f"{key}.inlet")][part] = inlet[key] + self.noise.normal(0, 0.1, size)
            self.data[PointKey(f"{key}.outlet")][part] += self.noise.normal(0, 0.1, size)
            for n in zone.sensors:
                self.data[PointKey(f"{key}.cp{n}")][part] += self.noise.normal(0, 0.15, size)
        for point, (begin, metres) in self.bias.items():
            self.data[PointKey(point)][part] += np.where(steps >= begin, metres, 0.0)
        for point, (begin, stop) in self.silent.items():
            self.data[PointKey(point)][part] = np.where((steps >= begin) & (steps < stop), np.nan, self.data[PointKey(point)][part])

    def zone(self, key: str) -> Zone:
        toy = self.zones[key]
        inlets = [Inlet(point=PointKey(f"{key}.flow"), sign=1)]
        if toy.child:
            inlets.append(Inlet(point=PointKey(f"{toy.child}.flow"), sign=-1))
        return Zone(
            key=key,
            kind=ZoneKind.DMA,
            names={"fr": key},
            inlets=tuple(inlets),
            critical_points=tuple(PointKey(f"{key}.cp{n}") for n in toy.sensors),
            connections=2000,
            population=round(toy.mean_m3h * 170),
        )

    def actuator(self, key: str) -> Actuator:
        return Actuator(
            key=f"prv_{key}",
            device=f"prv_{key}",
            field="setpoint_m",
            zone=key,
            min_m=20.0,
            max_m=55.0,
            safe_m=self.fixed_m[key],
            setpoint=PointKey(f"{key}.setpoint"),
            outlet_pressure=PointKey(f"{key}.outlet"),
            inlet_pressure=PointKey(f"{key}.inlet"),
            flow=PointKey(f"{key}.flow"),
        )

    def inventory(self) -> Inventory:
        return Inventory(
            site=Site(key="toy", names={"fr": "jouet"}, calendar=CALENDAR),
            zones={k: self.zone(k) for k in self.zones},
            points={},
            gateways={},
            devices={},
            actuators={f"prv_{k}": self.actuator(k) for k in self.zones},
        )

    def time(self, step: int) -> datetime:
        return START + timedelta(seconds=STEP_S * step)


@dataclass
class ToySource:
    """The town's data as a ``SeriesSource``: only what lies before the step ``now``."""

    town: ToyTown
    reads: int = 0

    async def series(self, points, start, end, step_s=None):
        self.reads += 1
        found = {}
        for point in points:
            keep = (self.town.seconds >= start.timestamp()) & (self.town.seconds < end.timestamp())
            keep &= np.isfinite(self.town.data[point])
            times = (self.town.seconds[keep] * 1000).astype("datetime64[ms]")
            values = self.town.data[point][keep]
            found[point] = Series(point=point, times=times, values=values, quality=np.zeros(values.size, dtype=np.int16))
        return found

    async def latest(self, points):
        raise NotImplementedError
