from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from domain.findings import Finding
from leak_detection.night_flow import lawful_night_use
from leak_detection.service import LeakDetection
from tests.support.finding_store import MemoryFindingStore
from tests.support.toy_zone import PER_DAY, ToySource, ToyTown


async def watch(service: LeakDetection, town: ToyTown, first: int, last: int) -> list[Finding]:
    changed: list[Finding] = []
    for step in range(first, last):
        changed += await service.tick(town.time(step) + timedelta(seconds=150))
    return changed


async def test_a_burst_becomes_one_saved_finding_and_a_restart_goes_on_with_it() -> None:
    onset = 14 * PER_DAY + 18
    town = ToyTown(seed=6, bursts={"oued": (onset, onset + 100, 12.0)})
    town.run(0, town.size)
    store, source = MemoryFindingStore(), ToySource(town)
    service = LeakDetection(town.inventory(), source, store, history_days=14)
    await watch(service, town, onset - 6, onset + 14)
    (leak,) = store.kept.values()
    assert leak.zone == "oued"
    again = LeakDetection(town.inventory(), source, store, history_days=14)
    await watch(again, town, onset + 14, onset + 20)
    assert list(store.kept) == [leak.key]
    assert store.kept[leak.key].open


async def test_a_second_look_at_the_same_bucket_reads_nothing() -> None:
    town = ToyTown(seed=6, days=5)
    town.run(0, town.size)
    source = ToySource(town)
    service = LeakDetection(town.inventory(), source, MemoryFindingStore(), history_days=4)
    now = town.time(4 * PER_DAY)
    await service.tick(now)
    assert source.reads == 1
    assert await service.tick(now + timedelta(seconds=30)) == ()
    assert source.reads == 1


async def test_night_figures_are_known_after_the_first_look() -> None:
    town = ToyTown(seed=6, days=9)
    town.run(0, town.size)
    service = LeakDetection(town.inventory(), ToySource(town), MemoryFindingStore(), history_days=8)
    assert service.night_leakage("medina") is None
    await service.tick(town.time(8 * PER_DAY))
    lawful = lawful_night_use(town.inventory().zones["medina"])
    night, leakage = service.night_flow("medina"), service.night_leakage("medina")
    assert night is not None
    assert leakage == pytest.approx(night - lawful, rel=0.05)
    assert service.night_flow("nowhere") is None


async def test_late_data_heal_the_cache() -> None:
    town = ToyTown(seed=6, days=6)
    town.run(0, town.size)
    source = ToySource(town)
    service = LeakDetection(town.inventory(), source, MemoryFindingStore(), history_days=4)
    point = next(iter(town.data))
    first = 5 * PER_DAY
    kept = town.data[point].copy()
    town.data[point][first - 40 : first] = np.nan
    await service.tick(town.time(first))
    town.data[point] = kept
    await watch(service, town, first + 1, first + 74)
    assert np.isfinite(service.grid(point)[-200:]).all()
