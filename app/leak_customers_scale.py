"""``khettara leaks customers-scale``: what one look at the customers' meters of a town costs, by the service that runs.

Registers are computed when asked for, so nothing of the time is a database's; what the watch remembers is kept as the database
keeps it, packed, and its size is told. With ``--database`` the hours that the looks take lie in a database of our own and are read
from there, as the running service does, and the time of reading is told apart from that of looking.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
from rich.console import Console

from app.leak_customers_stored import ClockedSeries, stored
from domain.calendar import Calendar
from domain.customers import CustomerFinding
from domain.inventory import Inventory, Site
from domain.points import Point, PointKey, PointKind, Role
from domain.ports import SeriesSource, WatchPart
from domain.quantities import Quantity
from domain.readings import Reading
from domain.series import Series
from domain.zones import Zone, ZoneKind
from leak_detection.customer_service import LAG_S, PART, CustomerService
from leak_detection.customer_settings import HISTORY_DAYS, TICK_H, WINDOW_H

START = datetime(2026, 4, 6, tzinfo=UTC)
_TEMPLATES, _DAYS = 256, 120
_LEAKING = 0.02
"""Share of the meters behind which something runs from some day on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerScale:
    """What was measured."""

    meters: int
    learn_s: float
    """What the five weeks before the first look cost, of one part of the meters."""
    part: int
    """Meters of a part."""
    looks_s: tuple[float, ...]
    """Each look at all meters."""
    findings: tuple[CustomerFinding, ...]
    """By key."""
    state_mb: float
    """What is remembered of all meters, packed."""
    learnt_mb: float
    """Peak memory after one part was learnt, the inventory in it."""
    peak_mb: float
    """Peak memory at the end."""
    reading_s: tuple[float, ...] = ()
    """Of each look's time what reading the database took; empty without one."""
    rows: int = 0
    """Readings a look takes from the database."""

    @property
    def found(self) -> int:
        """Leaks."""
        return len(self.findings)


class _Registers:
    """Registers of homes read at the full hour, a few hundred lives for all of them."""

    def __init__(self, meters: int) -> None:
        rng = np.random.default_rng(1)
        clock = np.arange(24 * _DAYS) % 24
        events = rng.poisson(2.1 * np.where((clock > 5) & (clock < 23), 1.3, 0.12), (_TEMPLATES, clock.size))
        use = np.floor(np.where(events > 0, rng.gamma(2.2 * np.maximum(events, 1), 3.0), 0.0))
        leaks = rng.random(_TEMPLATES) < _LEAKING
        for k in np.flatnonzero(leaks):
            use[k, 24 * int(rng.integers(20, 45)) :] += np.floor(np.exp(rng.uniform(1.5, 7.0)))
        self._sums = np.concatenate((np.zeros((_TEMPLATES, 1)), np.cumsum(use, axis=1)), axis=1) / 1000.0
        self._place = {f"m{k:06d}": k % PART % _TEMPLATES for k in range(meters)}

    async def series(
        self,
        points: Sequence[PointKey],
        start: datetime,
        end: datetime,
        step_s: int | None = None,  # noqa: ARG002  (the port's signature)
    ) -> dict[PointKey, Series]:
        hours = np.arange(max(0, -(-int((start - START).total_seconds()) // 3600)), -(-int((end - START).total_seconds()) // 3600))
        times = (1000 * (START.timestamp() + 3600.0 * hours)).astype(np.int64).astype("datetime64[ms]")
        quality = np.zeros(hours.size, dtype=np.int16)
        return {p: Series(point=p, times=times, values=self._sums[self._place[p], hours], quality=quality) for p in points}

    async def latest(self, points: Sequence[PointKey]) -> dict[PointKey, Reading]:
        found = await self.series(points, START, START + timedelta(hours=1))
        return {p: Reading(point=p, observed_at=START, value=float(s.values[0])) for p, s in found.items()}


class _Store:
    """As the database keeps it."""

    def __init__(self) -> None:
        self.kept: dict[int, tuple[WatchPart, bytes]] = {}
        self.findings: dict[str, CustomerFinding] = {}

    async def parts(self) -> Sequence[WatchPart]:
        return [part for part, _ in self.kept.values()]

    async def state(self, part: int) -> bytes | None:
        return self.kept[part][1] if part in self.kept else None

    async def save_look(self, part: WatchPart, state: bytes, findings: Sequence[CustomerFinding]) -> None:
        self.kept[part.number] = (part, state)
        self.findings |= {f.key: f for f in findings}

    async def customer_findings(self, *, key: str | None = None, ended_since: datetime | None = None) -> Sequence[CustomerFinding]:
        recent = [
            f for f in self.findings.values() if f.ended_at is None or (ended_since is not None and f.ended_at >= ended_since)
        ]
        return [f for f in recent if key in (None, f.key)]


def measure_customers(meters: int, looks: int, *, database: bool = False) -> CustomerScale:
    """Learns one part, gives all others its memory, and looks at all of them so many times; readings from a database if wanted."""
    points = {
        PointKey(f"m{k:06d}"): Point(
            key=PointKey(f"m{k:06d}"), quantity=Quantity.VOLUME, kind=PointKind.REGISTER, role=Role.CUSTOMER,
            resolution=Decimal("0.001"), zone="z", period_s=3600,
        )
        for k in range(meters)
    }  # fmt: skip
    site = Site(key="scale", names={"en": "Scale"}, calendar=Calendar(timezone="UTC"))
    zones = {"z": Zone(key="z", kind=ZoneKind.DMA, names={"en": "Zone"})}
    inventory = Inventory(site=site, zones=zones, points=points, gateways={}, devices={}, actuators={})
    return asyncio.run(_measure(inventory, _Registers(meters), looks, database=database))


async def _measure(inventory: Inventory, registers: _Registers, looks: int, *, database: bool) -> CustomerScale:
    store = _Store()
    now = START + timedelta(days=HISTORY_DAYS + 7, seconds=LAG_S)
    began = time.perf_counter()
    await CustomerService(inventory, registers, store, budget=1).tick(now)
    learn_s = time.perf_counter() - began
    learnt_mb = _peak_mb()
    (first, state) = next(iter(store.kept.values()))
    size, names = len(first.meters), list(inventory.points)
    for number, k in enumerate(range(size, len(names), size), 2):
        rest = tuple(names[k : k + size])
        if len(rest) == size:  # a smaller last one is learnt by the service itself
            store.kept[number] = (WatchPart(number=number, looked_at=first.looked_at, meters=rest), state)
    await CustomerService(inventory, registers, store, budget=10**6).tick(now)
    if database:
        last = now + timedelta(hours=TICK_H * looks)
        async with stored(inventory, registers, now - timedelta(hours=WINDOW_H + LAG_S // 3600 + TICK_H), last) as readings:
            took, read, rows = await _look(inventory, readings, store, now, looks)
    else:
        took, read, rows = await _look(inventory, registers, store, now, looks)
    return CustomerScale(
        meters=len(names), learn_s=learn_s, part=size, looks_s=tuple(took),
        findings=tuple(f for _, f in sorted(store.findings.items())),
        state_mb=sum(len(s) for _, s in store.kept.values()) / 1e6, learnt_mb=learnt_mb, peak_mb=_peak_mb(),
        reading_s=tuple(read) if database else (), rows=rows if database else 0,
    )  # fmt: skip


async def _look(
    inventory: Inventory, source: SeriesSource, store: _Store, now: datetime, looks: int
) -> tuple[list[float], list[float], int]:
    """Seconds of each look after ``now``, those of reading among them, and readings a look."""
    clocked = ClockedSeries(source)
    service = CustomerService(inventory, clocked, store, budget=10**6)
    took, read = list[float](), list[float]()
    for k in range(looks):
        began, before = time.perf_counter(), clocked.seconds
        await service.tick(now + timedelta(hours=TICK_H * (k + 1)))
        took.append(time.perf_counter() - began)
        read.append(clocked.seconds - before)
    return took, read, clocked.rows // looks


def _peak_mb() -> float:
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def run_customers_scale(meters: int, looks: int, console: Console, *, database: bool = False) -> None:
    """Measures and prints."""
    seen = measure_customers(meters, looks, database=database)
    console.print(f"{seen.meters} meters that report by the hour, {seen.part} of them at a time")
    console.print(f"five weeks of {seen.part} meters learnt in {seen.learn_s:.1f} s, once")
    times = ", ".join(f"{s:.1f}" for s in seen.looks_s)
    console.print(f"a look at all of them, every {TICK_H} hours: {times} s; {seen.found} leaks")
    if seen.reading_s:
        read = ", ".join(f"{s:.1f}" for s in seen.reading_s)
        ratio = sum(seen.reading_s) / max(1e-9, sum(seen.looks_s) - sum(seen.reading_s))
        console.print(f"of that, reading {seen.rows} readings a look from the database: {read} s, {ratio:.2f} times the looking")
    console.print(
        f"remembered: {seen.state_mb:.1f} MB packed; peak memory {seen.peak_mb:.0f} MB, {seen.learnt_mb:.0f} MB after one part"
    )
