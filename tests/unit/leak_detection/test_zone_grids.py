"""Every zone on the grid of its own meters; one slow meter makes no other zone's steps wider."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from domain.inventory import Inventory
from domain.points import Point, PointKind, Role
from domain.quantities import Quantity
from leak_detection.service import LeakDetection
from leak_detection.zone_grids import ZoneGrids
from tests.support.finding_store import MemoryFindingStore
from tests.support.toy_zone import PER_DAY, ToySource, ToyTown, ToyZone

ZONES = {"fast": ToyZone("fast", mean_m3h=60.0), "slow": ToyZone("slow", mean_m3h=60.0)}
ONSET = 24 * PER_DAY


def town(**more: Any) -> ToyTown:
    made = ToyTown(seed=4, days=30, zones=ZONES, fixed_m={"fast": 40.0, "slow": 40.0}, **more)
    made.run(0, made.size)
    return made


def one_slow_meter(inventory: Inventory) -> Inventory:
    slow = Point(
        key=inventory.zones["slow"].inlets[0].point, quantity=Quantity.FLOW, kind=PointKind.INSTANT, role=Role.INFLOW,
        resolution=Decimal("0.01"), zone="slow", period_s=3600,
    )  # fmt: skip
    return replace(inventory, points={slow.key: slow})


async def test_a_slow_meter_widens_its_own_zone_alone() -> None:
    made = town()
    inventory = one_slow_meter(made.inventory())
    grids = ZoneGrids(inventory, ToySource(made), span_s=4 * 86400.0)
    assert await grids.refresh(made.time(10 * PER_DAY) + timedelta(seconds=150)) == {"fast", "slow"}
    fast, slow = (grids.inputs(inventory.zones[z]) for z in ("fast", "slow"))
    assert (fast.step_s, fast.size, slow.step_s, slow.size) == (300.0, 4 * 288, 3600.0, 4 * 24)
    assert np.isfinite(slow.inflow_m3h).all()
    assert grids.end_s() == fast.end_s == slow.end_s
    later = made.time(10 * PER_DAY + 1) + timedelta(seconds=150)
    assert await grids.refresh(later) == {"fast"}, "the other has nothing new yet"
    assert (grids.end_s(("fast",)) - grids.end_s(("slow",)), grids.end_s()) == (300.0, grids.end_s(("fast",)))
    assert grids.values(inventory.zones["fast"].inlets[0].point).size == 4 * 288


async def test_a_width_that_is_given_holds_for_all() -> None:
    made = town()
    grids = ZoneGrids(one_slow_meter(made.inventory()), ToySource(made), span_s=86400.0, step_s=900.0)
    await grids.refresh(made.time(10 * PER_DAY) + timedelta(seconds=150))
    assert {grids.inputs(z).step_s for z in made.inventory().metered_zones()} == {900.0}


async def test_a_burst_is_found_at_the_pace_of_its_own_zone() -> None:
    made = town(bursts={"fast": (ONSET, ONSET + 4 * PER_DAY, 20.0), "slow": (ONSET, ONSET + 4 * PER_DAY, 20.0)})
    store = MemoryFindingStore()
    service = LeakDetection(one_slow_meter(made.inventory()), ToySource(made), store, history_days=20)
    await service.tick(made.time(ONSET - 1) + timedelta(seconds=150))
    for step in range(ONSET, ONSET + PER_DAY, 6):
        await service.tick(made.time(step) + timedelta(seconds=150))
    found = {f.zone: f.found_at - made.time(ONSET) for f in store.kept.values()}
    assert set(found) == {"fast", "slow"}
    assert found["fast"] < timedelta(hours=2) < found["slow"]
