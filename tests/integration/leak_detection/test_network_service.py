"""The network layer in the service, on PostgreSQL: the same leaks as a replay, one finding a leak over restarts and its end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from app.leak_apart import LearnApart
from app.leak_learning import learn_network
from app.leak_site import load_network_points
from domain.inventory import Inventory
from leak_detection.life import OVER
from leak_detection.network_leaks import NETWORK
from leak_detection.network_past import LearnedNetwork, NetworkPast
from leak_detection.network_service import NetworkService
from leak_detection.service import LeakDetection
from storage.database import Database
from storage.findings import PostgresFindings
from storage.roles import Role
from storage.series import PostgresSeries
from tests.support.postgres import FreshDatabase
from tests.support.small_network import GAUGES, METER, PER_DAY, STEP_S, Leak, is_near, record
from tests.support.small_town import at, store, write_town

_STANDING, _BURST = Leak("J13", 20.3, 999.0, 6.0), Leak("J42", 61.6, 65.4, 12.0)
_DAYS, _NOW = 72, 68
_LEARNT, _RESTART = 60.5, 63.0
"""Days on which the centre starts, and starts again."""


class Town:
    """A site, its recording, and a database in which the days after ``_NOW`` stand in another order."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.inventory: Inventory = write_town(folder)
        self.pressure, self.flow = record(folder / "small.inp", (_STANDING, _BURST), _DAYS, np.random.default_rng(17))
        self.findings: PostgresFindings
        self.series: PostgresSeries

    def replayed(self, days: int) -> LearnedNetwork:
        rows = days * PER_DAY
        return learn_network(
            NetworkPast(
                network=self.folder / "small.inp", gauges=GAUGES, meters=(METER,), tanks=(), opening=56, per_day=PER_DAY,
                hour=(np.arange(rows) * STEP_S // 3600) % 24, pressure_m=self.pressure[:rows].round(3),
                drivers=self.flow[:rows].round(3),
            )
        )  # fmt: skip

    def centre(self) -> tuple[LeakDetection, NetworkService, LearnApart]:
        apart, points = LearnApart(), load_network_points(self.folder, self.inventory)
        assert points is not None
        network = NetworkService(points, self.inventory.site.calendar, self.series, apart)
        detection = LeakDetection(self.inventory, self.series, self.findings, step_s=STEP_S, network=network, past=self.findings)
        return detection, network, apart


@pytest.fixture(scope="module")
def recorded(tmp_path_factory) -> Town:
    return Town(tmp_path_factory.mktemp("town"))


@pytest.fixture
async def town(recorded: Town, database: FreshDatabase) -> AsyncIterator[Town]:
    later = slice(_NOW * PER_DAY, _DAYS * PER_DAY)
    order = np.random.default_rng(5).permutation(np.arange(later.start, later.stop))
    pressure, flow = recorded.pressure.copy(), recorded.flow.copy()
    pressure[later], flow[later] = pressure[order], flow[order]
    await store(database.dsn(), recorded.inventory, pressure, flow)
    async with Database(database.dsn(Role.ANALYTICS), size=2) as pool:
        recorded.findings, recorded.series = PostgresFindings(pool), PostgresSeries(pool)
        yield recorded


async def learnt(detection: LeakDetection, apart: LearnApart, now: datetime) -> None:
    await detection.tick(now)
    assert apart.busy
    await apart.finished()


async def run(detection: LeakDetection, first: float, last: float) -> None:
    now = at(first)
    while now <= at(last):
        await detection.tick(now + timedelta(minutes=20))
        now += timedelta(hours=4)


async def test_the_service_finds_what_the_replay_finds_and_a_restart_repeats_nothing(town: Town) -> None:
    detection, _, apart = town.centre()
    await learnt(detection, apart, at(_LEARNT))
    await run(detection, _LEARNT + 0.05, _RESTART - 0.05)
    found = await town.findings.findings()
    assert {f.open for f in found} == {True}
    (standing,) = [f for f in found if is_near(f.places[0].pipe, _STANDING.node)]
    (burst,) = [f for f in found if any(is_near(p.pipe, _BURST.node) for p in f.places[:3])]
    assert standing.detector == NETWORK
    assert at(_BURST.first) < burst.found_at <= at(_BURST.first + 0.5)
    assert burst.region is not None
    assert any(is_near(pipe, _BURST.node) for pipe in burst.region.pipes)

    again, network, apart = town.centre()
    await learnt(again, apart, at(_RESTART))
    await run(again, _RESTART + 0.001, _NOW)
    after = {f.key: f.open for f in await town.findings.findings()}
    assert after == {standing.key: True, burst.key: False}
    (over,) = await town.findings.findings(key=burst.key)
    assert {"place_fit", "night_after"} <= {e.name for e in over.evidence}
    assert OVER in over.notes
    replayed = town.replayed(_DAYS)  # with the true future, which the service's database does not hold
    live = network.learned
    assert live is not None
    assert [(k.told, k.how) for k in live.run.leaks] == [(k.told, k.how) for k in replayed.run.leaks if k.told.told_day <= _NOW]
