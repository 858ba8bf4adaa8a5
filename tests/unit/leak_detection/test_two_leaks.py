"""Two leaks in one zone are two findings, each with its own flow, until each is over; a restart changes nothing of it."""

from __future__ import annotations

from functools import cache

import pytest

from domain.findings import Finding, FindingKind
from domain.points import PointKey
from leak_detection.service import LeakDetection
from tests.support.finding_store import MemoryFindingStore
from tests.support.toy_meters import ToyMeters
from tests.support.toy_zone import PER_DAY, ToySource, ToyTown, ToyZone

FIRST, SECOND = (24 * PER_DAY, 30 * PER_DAY, 3.0), (27 * PER_DAY + 100, 34 * PER_DAY, 4.0)
"""Steps of onset and repair, m³/h."""


@cache
def town_of(first: tuple[int, int, float], second: tuple[int, int, float]) -> ToyTown:
    """A zone in which one leak begins and ends beside another."""
    town = ToyTown(
        seed=4, days=39, zones={"medina": ToyZone("medina", mean_m3h=60.0)}, fixed_m={"medina": 40.0}, bursts={"medina": first}
    )
    town.run(0, town.size)
    onset, end, flow = second
    town.data[PointKey("medina.flow")][onset:end] += flow
    return town


class Room:
    """The service over the toy zone, which can be started again."""

    def __init__(self, town: ToyTown, *, meters: bool) -> None:
        self.town, self.store, self._meters = town, MemoryFindingStore(), ToyMeters(town) if meters else None
        self.start()

    def start(self) -> None:
        source = ToySource(self.town)
        self._service = LeakDetection(self.town.inventory(), source, self.store, history_days=22, meters=self._meters)

    async def run(self, first: int, last: int, every: int) -> dict[str, Finding]:
        """What is open at the end, and is a leak, by key."""
        for step in range(first, last, every):
            await self._service.tick(self.town.time(step))
        return {k: f for k, f in self.leaks.items() if f.open}

    @property
    def leaks(self) -> dict[str, Finding]:
        return {k: f for k, f in self.store.kept.items() if f.kind is not FindingKind.METER_FAULT}


def away(town: ToyTown, finding: Finding, leak: tuple[int, int, float]) -> float:
    """Hours from the onset of a leak to that of a finding."""
    return (finding.since.timestamp() - float(town.seconds[leak[0]])) / 3600.0


@pytest.mark.parametrize("restarts", [pytest.param(False, marks=pytest.mark.slow), True])
async def test_two_small_leaks_of_the_balance_are_two_findings_that_end_one_by_one(restarts: bool) -> None:
    town = town_of(FIRST, SECOND)
    room = Room(town, meters=True)
    (one,) = (await room.run(22 * PER_DAY, SECOND[0], 72)).values()
    both = await room.run(SECOND[0], FIRST[1], 72)
    if restarts:
        room.start()
    (two,) = (f for k, f in both.items() if k != one.key)
    assert abs(away(town, two, SECOND)) < 48.0
    assert both[one.key].flow_m3h == pytest.approx(FIRST[2], abs=1.5)
    assert two.flow_m3h == pytest.approx(SECOND[2], abs=2.0)
    left = await room.run(FIRST[1], SECOND[1], 72)
    assert set(left) == {two.key}
    assert left[two.key].flow_m3h == pytest.approx(SECOND[2], abs=2.0)
    assert await room.run(SECOND[1], town.size, 72) == {}
    assert set(room.leaks) == {one.key, two.key}


@pytest.mark.parametrize("restarts", [pytest.param(False, marks=pytest.mark.slow), True])
async def test_two_bursts_of_a_zone_without_meters_are_two_findings(restarts: bool) -> None:
    first = (24 * PER_DAY + 24, 27 * PER_DAY + 100, 20.0)
    second = (25 * PER_DAY + 160, 26 * PER_DAY + 200, 14.0)
    town = town_of(first, second)
    room = Room(town, meters=False)
    (one,) = (await room.run(first[0] - 24, second[0], 12)).values()
    both = await room.run(second[0], second[1], 12)
    if restarts:
        room.start()
    (two,) = (f for k, f in both.items() if k != one.key)
    assert abs(away(town, two, second)) < 1.0
    assert two.detector == "flow_step"
    assert both[one.key].flow_m3h == pytest.approx(first[2], abs=6.0)
    assert two.flow_m3h == pytest.approx(second[2], abs=5.0)
    left = await room.run(second[1], first[1], 12)
    assert set(left) == {one.key}
    assert left[one.key].flow_m3h == pytest.approx(first[2], abs=6.0)
    assert await room.run(first[1], first[1] + 144, 12) == {}
    assert set(room.leaks) == {one.key, two.key}
