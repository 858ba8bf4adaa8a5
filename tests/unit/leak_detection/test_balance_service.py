"""The balance beside the other detectors: one leak, one finding; meters that fail say so; a restart repeats nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.findings import FindingKind
from domain.points import Point, PointKey, PointKind, Role
from domain.quantities import Quantity
from domain.zones import BoundaryValve
from leak_detection.service import LeakDetection
from leak_detection.zone_claims import BALANCE
from tests.support.finding_store import MemoryFindingStore
from tests.support.toy_meters import ToyMeters
from tests.support.toy_zone import PER_DAY, ToySource, ToyTown, ToyZone

ONSET, REPAIR = 24 * PER_DAY, 30 * PER_DAY


def one_zone(**more: Any) -> ToyTown:
    town = ToyTown(seed=4, days=36, zones={"medina": ToyZone("medina", mean_m3h=60.0)}, fixed_m={"medina": 40.0}, **more)
    town.run(0, town.size)
    return town


async def watch(service: LeakDetection, town: ToyTown, first: int, last: int, every: int = 36) -> None:
    for step in range(first, last, every):
        await service.tick(town.time(step) + timedelta(seconds=150))


@pytest.fixture(scope="module")
def leaky() -> ToyTown:
    return one_zone(bursts={"medina": (ONSET, REPAIR, 3.0)})


async def test_a_small_leak_is_one_finding_until_the_balance_and_the_night_say_it_is_over(leaky: ToyTown) -> None:
    store = MemoryFindingStore()
    service = LeakDetection(leaky.inventory(), ToySource(leaky), store, history_days=22, meters=ToyMeters(leaky))
    await watch(service, leaky, 22 * PER_DAY, REPAIR)
    (leak,) = [f for f in store.kept.values() if f.kind is not FindingKind.METER_FAULT]
    assert leak.open
    assert leak.zone == "medina"
    assert 0 < leak.found_at.timestamp() - leaky.seconds[ONSET] <= 3 * 86400
    assert leak.flow_m3h == pytest.approx(3.0, abs=1.5)
    assert {e.name for e in leak.evidence} >= {"zone_balance", "meter_coverage"}
    await watch(service, leaky, REPAIR, leaky.size)
    (leak,) = [f for f in store.kept.values() if f.kind is not FindingKind.METER_FAULT]
    assert not leak.open


async def test_a_restart_says_nothing_twice(leaky: ToyTown) -> None:
    store = MemoryFindingStore()
    first = LeakDetection(leaky.inventory(), ToySource(leaky), store, history_days=22, meters=ToyMeters(leaky))
    await watch(first, leaky, 22 * PER_DAY, 28 * PER_DAY)
    told = set(store.kept)
    again = LeakDetection(leaky.inventory(), ToySource(leaky), store, history_days=22, meters=ToyMeters(leaky))
    await watch(again, leaky, 28 * PER_DAY, 29 * PER_DAY)
    assert set(store.kept) == told
    assert any(f.open for f in store.kept.values())


@pytest.mark.parametrize("meters", [0, 9, 400])
async def test_a_zone_with_few_meters_or_none_has_no_balance_and_still_has_its_night_flow(leaky: ToyTown, meters: int) -> None:
    sums = ToyMeters(leaky, meters=meters)
    store = MemoryFindingStore()
    service = LeakDetection(leaky.inventory(), ToySource(leaky), store, history_days=8, meters=sums)
    await watch(service, leaky, 8 * PER_DAY, 8 * PER_DAY + 80)
    assert sums.asked
    assert store.kept == {}
    assert service.night_flow("medina") is not None


async def test_zones_of_unlike_steps_are_balanced_on_common_hours() -> None:
    zones = {name: ToyZone(name, mean_m3h=60.0) for name in ("fast", "slow")}
    bursts = dict.fromkeys(zones, (ONSET, ONSET + 12 * PER_DAY, 4.0))
    town = ToyTown(seed=4, days=36, zones=zones, fixed_m=dict.fromkeys(zones, 40.0), bursts=bursts)
    town.run(0, town.size)
    inventory = town.inventory()
    slow = Point(
        key=inventory.zones["slow"].inlets[0].point, quantity=Quantity.FLOW, kind=PointKind.INSTANT, role=Role.INFLOW,
        resolution=Decimal("0.01"), zone="slow", period_s=3600,
    )  # fmt: skip
    inventory, store = replace(inventory, points={slow.key: slow}), MemoryFindingStore()
    service = LeakDetection(inventory, ToySource(town), store, history_days=22, meters=ToyMeters(town))
    await watch(service, town, 22 * PER_DAY, ONSET + 3 * PER_DAY, every=31)
    found = {f.zone for f in store.kept.values() if any(e.name == "zone_balance" for e in f.evidence)}
    assert found == {"fast", "slow"}


@pytest.fixture(scope="module")
def joined() -> ToyTown:
    """A fifth of the use of ``high`` comes from ``low`` in the end."""
    zones = {name: ToyZone(name, mean_m3h=60.0) for name in ("high", "low")}
    town = ToyTown(seed=4, days=27, zones=zones, fixed_m=dict.fromkeys(zones, 40.0))
    town.run(0, town.size)
    water = 0.2 * town.demand["high"][ONSET:]
    town.data[PointKey("high.flow")][ONSET:] += water
    town.data[PointKey("low.flow")][ONSET:] -= water
    return town


@pytest.mark.parametrize(("valve", "cause"), [(("high", "low"), "boundary_valve:low"), (("high", "third"), "slope")])
async def test_water_by_a_valve_left_open_is_said_of_the_zones_that_share_one(
    joined: ToyTown, valve: tuple[str, str], cause: str
) -> None:
    inventory, store = replace(joined.inventory(), boundary_valves=(BoundaryValve(zones=valve),)), MemoryFindingStore()
    service = LeakDetection(inventory, ToySource(joined), store, history_days=22, meters=ToyMeters(joined))
    await watch(service, joined, ONSET - 72, joined.size, every=72)
    assert {f.cause for f in store.kept.values() if f.zone == "high" and f.detector == BALANCE} == {cause}
