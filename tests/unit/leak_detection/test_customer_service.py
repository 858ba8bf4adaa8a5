"""The watch of customers' meters as a service: restarts, late and missing readings, exchanged meters, one leak one finding."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from domain.calendar import Calendar
from domain.customers import CustomerFinding, CustomerKind
from domain.inventory import Inventory, Site
from domain.points import Point, PointKey, PointKind, Role
from domain.quantities import Quantity
from domain.readings import Reading
from domain.series import Series
from leak_detection.customer_hours import hourly_use, register_use, watched_meters
from leak_detection.customer_service import SILENT, CustomerService
from tests.support.customer_store import MemoryCustomerStore

START = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 60


def at(day: float) -> datetime:
    return START + timedelta(days=day, hours=2, minutes=5)


def meter(key: str, kind: PointKind = PointKind.REGISTER, quantity: Quantity = Quantity.VOLUME, period_s: int = 3600) -> Point:
    return Point(
        key=PointKey(key),
        quantity=quantity,
        kind=kind,
        role=Role.CUSTOMER,
        resolution=Decimal("0.001"),
        zone="z",
        period_s=period_s,
    )


def home(seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    clock = np.arange(DAYS * 24) % 24
    events = rng.poisson(2.1 * np.where((clock > 5) & (clock < 23), 1.3, 0.12))
    return np.floor(np.where(events > 0, rng.gamma(2.2 * np.maximum(events, 1), 3.0), 0.0))


class Meters:
    """Registers read at the full hour, in m³; ``lost`` are hours that have not come in."""

    def __init__(self, use_l: dict[str, np.ndarray]) -> None:
        self.points = {PointKey(k): meter(k) for k in use_l}
        self.registers = {k: np.concatenate(([0.0], np.cumsum(v))) / 1000 + 70.0 for k, v in use_l.items()}
        self.lost: dict[str, set[int]] = {k: set() for k in use_l}

    def inventory(self) -> Inventory:
        site = Site(key="s", names={"en": "S"}, calendar=Calendar(timezone="UTC"))
        return Inventory(site=site, zones={}, points=self.points, gateways={}, devices={}, actuators={})

    async def series(
        self, points: Sequence[PointKey], start: datetime, end: datetime, step_s: int | None = None
    ) -> dict[PointKey, Series]:
        found = {}
        for point in points:
            hours = np.arange(len(self.registers[point]))
            moments = START.timestamp() + 3600.0 * hours
            keep = (moments >= start.timestamp()) & (moments < end.timestamp())
            keep &= ~np.isin(hours, list(self.lost[point]))
            times = (1000 * moments[keep]).astype(np.int64).astype("datetime64[ms]")
            values = np.round(self.registers[point][keep], 3)
            found[point] = Series(point=point, times=times, values=values, quality=np.zeros(values.size, dtype=np.int16))
        return found

    async def latest(self, points: Sequence[PointKey]) -> dict[PointKey, Reading]:
        return {}


async def watched(meters: Meters, first: float, last: float, store: MemoryCustomerStore) -> dict[str, CustomerFinding]:
    """Ticks from one day to another, a new service each time: nothing may live in it."""
    for k in range(round((last - first) * 4) + 1):
        await CustomerService(meters.inventory(), meters, store, part=2).tick(at(first + k / 4))
    return {f.meter: f for f in store.kept.values()}


def leaking(flow: float, day: float, until: float = DAYS, seed: int = 1) -> np.ndarray:
    use = home(seed)
    use[round(day * 24) : round(until * 24)] += flow
    return use


async def test_a_leak_is_told_once_over_restarts_and_ends_with_its_flow() -> None:
    meters, store = Meters({"a": home(2), "b": leaking(40, 45, 52), "c": leaking(900, 48.1, 50.3, seed=3)}), MemoryCustomerStore()
    found = await watched(meters, 40, 55, store)
    assert set(found) == {"b", "c"}
    assert len(store.kept) == 2
    drip, burst = found["b"], found["c"]
    assert (drip.kind, burst.kind) == (CustomerKind.CONTINUOUS, CustomerKind.SUDDEN)
    assert drip.flow_m3h == pytest.approx(0.04, abs=0.005)
    assert at(45) < drip.found_at < at(49)
    assert at(48.1) < burst.found_at <= at(48.1 + 0.75)
    assert drip.ended_at is not None
    assert at(51.9) < drip.ended_at < at(53.5)
    assert burst.ended_at is not None
    assert burst.ended_at < at(50.9)
    assert burst.volume_m3 == pytest.approx(0.9 * 53, rel=0.15)


async def test_the_first_start_learns_the_weeks_before_and_tells_what_runs_now() -> None:
    meters, store = Meters({"old": leaking(60, 20, 30), "now": leaking(60, 38, seed=4)}), MemoryCustomerStore()
    found = await watched(meters, 50, 50, store)
    assert set(found) == {"now"}
    assert found["now"].found_at == at(50) - timedelta(hours=2, minutes=5), "not back-dated"
    assert found["now"].since < at(46)


async def test_a_large_town_is_learnt_over_several_calls() -> None:
    meters, store = Meters({f"m{k}": leaking(60, 38, seed=k) for k in range(5)}), MemoryCustomerStore()
    service = CustomerService(meters.inventory(), meters, store, part=2, budget=140)
    sizes = []
    for _ in range(4):
        await service.tick(at(50))
        sizes.append(len(store.memory))
    assert sizes == [1, 2, 3, 3]
    assert len(store.kept) == 5


async def test_a_meter_of_a_later_day_joins_and_the_others_keep_what_they_know() -> None:
    meters, store = Meters({"a": leaking(40, 45), "b": home(2)}), MemoryCustomerStore()
    late = Meters({"a": leaking(40, 45), "b": home(2), "aa": leaking(300, 47, seed=5)})
    await watched(meters, 40, 44, store)
    found = await watched(late, 44.25, 50, store)
    assert set(found) == {"a", "aa"}
    assert {part.meters for part, _ in store.memory.values()} == {("a", "b"), ("aa",)}


async def test_readings_that_come_late_are_used_and_a_gap_closes_nothing() -> None:
    meters, store = Meters({"a": leaking(40, 45)}), MemoryCustomerStore()
    meters.lost["a"] = set(range(46 * 24, 49 * 24))
    found = await watched(meters, 40, 48.75, store)
    assert found == {}, "nothing is known"
    meters.lost["a"].clear()
    found = await watched(meters, 49, 49.25, store)
    assert found["a"].open
    meters.lost["a"] = set(range(50 * 24, 60 * 24))
    found = await watched(meters, 49.5, 53, store)
    assert (found["a"].open, found["a"].notes) == (True, (SILENT,))
    meters.lost["a"] = set(range(50 * 24, 54 * 24))
    found = await watched(meters, 53.25, 55, store)
    assert (found["a"].open, found["a"].notes, found["a"].reopened) == (True, (), 0)


async def test_a_meter_that_was_exchanged_keeps_its_leak_and_makes_none() -> None:
    meters, store = Meters({"a": leaking(40, 45), "b": home(6), "c": home(7)}), MemoryCustomerStore()
    meters.registers["a"][50 * 24 + 5 :] -= meters.registers["a"][50 * 24 + 5]  # a new one, from 0
    meters.registers["b"][50 * 24 + 5 :] += 900.0  # a used one
    meters.registers["c"][50 * 24 + 5 :] -= 65.0
    found = await watched(meters, 40, 55, store)
    assert set(found) == {"a"}
    assert (found["a"].open, found["a"].reopened) == (True, 0)


async def test_a_leak_that_stops_for_a_while_is_the_same_leak() -> None:
    use = leaking(60, 44, 47)
    use[50 * 24 :] += 60
    meters, store = Meters({"a": use}), MemoryCustomerStore()
    found = await watched(meters, 40, 48.5, store)
    assert not found["a"].open
    found = await watched(meters, 48.75, 54, store)
    assert (len(store.kept), found["a"].open, found["a"].reopened) == (1, True, 1)


async def test_a_stop_of_days_is_caught_up_look_by_look() -> None:
    use = {"a": leaking(40, 45, 47.5), "b": leaking(900, 46.1, seed=3)}
    whole, broken = MemoryCustomerStore(), MemoryCustomerStore()
    await watched(Meters(use), 40, 52, whole)
    await watched(Meters(use), 40, 44, broken)
    await watched(Meters(use), 52, 52, broken)
    assert broken.kept == whole.kept


async def test_what_an_older_version_remembers_is_learnt_anew_and_an_open_leak_stays_one() -> None:
    meters, store = Meters({"a": leaking(40, 45), "b": home()}), MemoryCustomerStore()
    (before,) = (await watched(meters, 40, 50, store)).values()
    for number, (part, _) in list(store.memory.items()):
        store.memory[number] = (part, zlib.compress(b"of another version"))
    (after,) = (await watched(meters, 50.25, 51, store)).values()
    assert (after.key, after.open) == (before.key, True)
    assert before.open


async def test_a_meter_that_is_taken_out_ends_its_finding() -> None:
    meters, store = Meters({"a": leaking(40, 45), "b": home()}), MemoryCustomerStore()
    await watched(meters, 40, 50, store)
    del meters.points[PointKey("a")]
    found = await watched(meters, 50.25, 50.25, store)
    assert (found["a"].open, found["a"].notes) == (False, ("gone",))


def series_of(seconds: list[float], values: list[float]) -> Series:
    times = (1000 * np.array(seconds)).astype(np.int64).astype("datetime64[ms]")
    return Series(point=PointKey("a"), times=times, values=np.array(values), quality=np.zeros(len(values), dtype=np.int16))


def test_a_register_gives_hours_and_says_nothing_where_it_does_not_know() -> None:
    h = 3600.0
    on_time = series_of([0, h, 2 * h, 3 * h], [1.0, 1.005, 1.005, 1.02])
    assert register_use(on_time, (), 0, 3) == pytest.approx([0.005, 0.0, 0.015])
    seconds_late = series_of([7, h + 7, 2 * h + 7, 3 * h + 7], [1.0, 1.005, 1.005, 1.02])
    assert register_use(seconds_late, (), 0, 3) == pytest.approx([0.005, 0.0, 0.015]), "nothing of one hour runs into the next"
    half_past = series_of([-h / 2, h / 2, 3 * h / 2, 5 * h / 2], [0.0, 2.0, 2.0, 4.0])
    assert register_use(half_past, (), 0, 2) == pytest.approx([1.0, 1.0])
    gap = register_use(series_of([0, h, 5 * h, 6 * h], [0.0, 1.0, 9.0, 10.0]), (), 0, 6)
    assert np.isnan(gap).tolist() == [False, True, True, True, True, False]
    fell = register_use(series_of([0, h, 2 * h, 3 * h], [9.0, 9.5, 0.0, 0.5]), (), 0, 3)
    assert np.isnan(fell).tolist() == [False, True, False]
    swapped = register_use(series_of([0, h, 2 * h, 3 * h, 4 * h], [9.0, 9.5, 700.0, 700.5, 701]), [1.5 * h], 0, 4)
    assert np.isnan(swapped).tolist() == [True, True, True, False]
    assert np.isnan(register_use(series_of([0], [1.0]), (), 0, 2)).all()


async def test_intervals_and_momentary_flows_give_the_same_hours() -> None:
    quarter = meter("i", PointKind.INTERVAL, period_s=900)
    flow = meter("f", PointKind.INSTANT, Quantity.FLOW, period_s=60)

    class Source:
        async def series(
            self, points: Sequence[PointKey], start: datetime, end: datetime, step_s: int | None = None
        ) -> dict[PointKey, Series]:
            ends = [900.0 * k for k in range(1, 9)]
            volumes = series_of(ends, [0.001, 0.002, 0.003, 0.004, 0.0, 0.0, 0.0, 0.005])
            means = series_of([0.0, 3600.0], [0.010, 0.005])
            return {p: replace(volumes if p == "i" else means, point=p) for p in points}

        async def latest(self, points: Sequence[PointKey]) -> dict[PointKey, Reading]:
            return {}

    found = await hourly_use(Source(), [quarter, flow], {}, start_s=0.0, hours=3)
    for values in found.values():
        assert values[:2].tolist() == [10.0, 5.0]
        assert np.isnan(values[2])


def test_only_customers_meters_that_report_by_the_hour_are_watched() -> None:
    points = [
        meter("day", period_s=86400),
        meter("credit", PointKind.INSTANT, Quantity.STATE),
        replace(meter("inlet"), role=Role.INFLOW),
        replace(meter("nowhere"), zone=None),
        meter("right"),
    ]
    site = Site(key="s", names={"en": "S"}, calendar=Calendar(timezone="UTC"))
    inventory = Inventory(site=site, zones={}, points={p.key: p for p in points}, gateways={}, devices={}, actuators={})
    assert [p.key for p in watched_meters(inventory)] == ["right"]
