"""Findings keep everything they say; meters of customers are summed by zone and hour."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from domain.findings import ConfidenceRegion, Evidence, Finding, FindingKind, RankedPlace
from storage.database import Database
from storage.findings import PostgresFindings
from storage.roles import Role
from storage.zones import PostgresZones
from tests.support.postgres import FreshDatabase

SINCE = datetime(2026, 5, 3, 2, 10, tzinfo=UTC)
LEAK = Finding(
    key="leak:medina:2026-05-03T02:10Z",
    kind=FindingKind.CREEPING,
    zone="medina",
    detector="zone_balance",
    since=SINCE,
    found_at=SINCE + timedelta(days=3),
    flow_m3h=3.5,
    flow_error_m3h=0.4,
    confidence=0.9,
    evidence=(Evidence(name="zone_balance", observed=9.0, expected=5.5, sd=0.4, unit="m3/h"),),
    places=(RankedPlace(pipe="p1", probability=0.6),),
    money_a_day=588.0,
    co2_kg_a_day=12.5,
    notes=("few_meters",),
    region=ConfidenceRegion(probability=0.9, radius_m=150.0, pipes=("p1", "p2")),
)


@pytest.fixture
async def analytics(town_database: FreshDatabase) -> AsyncIterator[Database]:
    async with Database(town_database.dsn(Role.ANALYTICS), size=2) as pool:
        yield pool


async def test_a_finding_comes_back_whole_and_stays_when_it_is_over(analytics: Database) -> None:
    findings = PostgresFindings(analytics)
    await findings.save_findings([LEAK])
    assert await findings.open_findings() == (LEAK,)
    over = Finding(**{name: getattr(LEAK, name) for name in Finding.__slots__} | {"open": False, "cause": "slope"})
    await findings.save_findings([over])
    assert await findings.open_findings() == ()
    assert await findings.findings(key=LEAK.key) == (over,)
    assert await findings.findings(since=SINCE + timedelta(days=9)) == ()
    assert await findings.findings(since=SINCE) == (over,)


async def test_hours_without_a_meter_reading_are_absent(analytics: Database) -> None:
    assert await PostgresZones(analytics).meter_hours(SINCE, SINCE + timedelta(hours=4)) == ()
