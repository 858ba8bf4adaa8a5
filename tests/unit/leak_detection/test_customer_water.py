"""What runs behind a customer's meter is no loss of its zone, and a finding that turns out to be that says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from domain.customers import CustomerFinding, CustomerKind
from domain.points import PointKey
from leak_detection.life import OVER_CUSTOMER
from leak_detection.service import LeakDetection
from tests.support.customer_store import MemoryCustomerStore
from tests.support.finding_store import MemoryFindingStore
from tests.support.toy_zone import PER_DAY, ToySource, ToyTown, ToyZone

ONSET, END = 14 * PER_DAY, 18 * PER_DAY
FLOW = 20.0


@pytest.fixture(scope="module")
def town() -> ToyTown:
    made = ToyTown(
        seed=4, days=20, zones={"medina": ToyZone("medina", mean_m3h=60.0)}, fixed_m={"medina": 40.0},
        bursts={"medina": (ONSET, END, FLOW)},
    )  # fmt: skip
    made.run(0, made.size)
    return made


def behind(town: ToyTown, **more: Any) -> CustomerFinding:
    told = town.time(ONSET + PER_DAY // 2)
    leak = CustomerFinding(
        key="customer:m:1", meter=PointKey("m"), zone="medina", kind=CustomerKind.SUDDEN, since=town.time(ONSET), found_at=told,
        flow_m3h=FLOW, usual_m3h=0.0, lasted_h=12, seen_at=told,
    )  # fmt: skip
    return replace(leak, **more)


async def watched(town: ToyTown, told: CustomerFinding | None) -> tuple[MemoryFindingStore, LeakDetection]:
    """A day and a half of looks from the burst on; the customer's meter is told of after half a day."""
    store, customers = MemoryFindingStore(), MemoryCustomerStore()
    service = LeakDetection(town.inventory(), ToySource(town), store, history_days=12, customers=customers)
    for step in (ONSET - 1, *range(ONSET, ONSET + 3 * PER_DAY // 2, 6)):
        if told is not None and step >= ONSET + PER_DAY // 2:
            customers.kept = {told.key: told}
        await service.tick(town.time(step) + timedelta(seconds=150))
    return store, service


async def test_a_burst_of_a_zone_that_a_customers_meter_explains_is_over_and_says_why(town: ToyTown) -> None:
    store, service = await watched(town, behind(town))
    (found,) = store.kept.values()
    assert (found.open, OVER_CUSTOMER in found.notes) == (False, True)
    zone = town.inventory().zones["medina"]
    lacking = service._grids.inputs(zone).inflow_m3h - service._losses(zone).inflow_m3h
    assert np.isclose(lacking[-PER_DAY:], FLOW).all(), "for as long as it runs"
    assert (lacking[: -3 * PER_DAY // 2 - 12] == 0).all(), "and not before"


@pytest.mark.parametrize("more", [{"flow_m3h": 1.0}, {"zone": "elsewhere"}], ids=["too little", "another zone"])
async def test_what_no_meter_explains_stays_a_loss(town: ToyTown, more: dict[str, object]) -> None:
    store, _ = await watched(town, behind(town, **more))
    assert [f.open for f in store.kept.values()] == [True]
