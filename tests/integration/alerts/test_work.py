"""Work orders over a real database: a report sent again counts once, one open order for one alert."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alerts.conditions import Condition
from alerts.service import Alerts
from alerts.work import PROOF, WorkRefused
from alerts.work_service import WorkDesk
from domain.alerts import CrewReport, Priority, ReportKind, WorkState
from domain.clock import WallClock
from domain.findings import Finding, FindingKind, RankedPlace
from domain.ports import Repaired
from storage.alerts import PostgresAlerts
from storage.database import Database
from storage.findings import PostgresFindings
from storage.roles import Role
from storage.work import PostgresWork
from tests.support.postgres import FreshDatabase

NOW = datetime(2026, 5, 6, 9, 0, tzinfo=UTC)

FINDING = Finding(
    key="leak:p7:1", kind=FindingKind.BURST, zone="medina", detector="network_model", since=NOW, found_at=NOW, flow_m3h=12.0,
    flow_error_m3h=1.0, confidence=0.9, places=(RankedPlace(pipe="p7", probability=0.7), RankedPlace(pipe="p8", probability=0.2)),
)  # fmt: skip


async def test_a_repair_is_known_by_its_finding_and_pipe_as_long_as_it_stands(database: FreshDatabase) -> None:
    async with Database(database.dsn(Role.COMMAND), size=2) as pool, Database(database.dsn(Role.ANALYTICS), size=1) as analytics:
        await PostgresFindings(analytics).save_findings([FINDING])
        store, work, clock = PostgresAlerts(pool), PostgresWork(pool), WallClock(wall=NOW.timestamp)
        alerts = Alerts(store=store, clock=clock, authorise=lambda _user, _right, _zone: None)
        (alert,) = await alerts.on_findings([FINDING], NOW)
        desk = WorkDesk(store=work, alerts=store, clock=clock)
        order = await desk.create(alert.key, "omar")
        assert await work.repairs(NOW - PROOF) == ()
        await desk.report(CrewReport(key="a" * 16, order=order.key, kind=ReportKind.REPAIRED, said_at=NOW, by="leila"))
        said = Repaired(finding=FINDING.key, pipe="p7", at=NOW, proved=False)
        assert await work.repairs(NOW - PROOF) == (said,)
        assert await work.repairs(NOW + PROOF) == ()
        await desk.tick(NOW + PROOF)
        assert await work.repairs(NOW - PROOF) == (), "the loss is still seen: refuted"
        await desk.report(CrewReport(key="b" * 16, order=order.key, kind=ReportKind.REPAIRED, said_at=NOW, by="leila"))
        await alerts.on_findings([], NOW + PROOF)
        await desk.tick(NOW + PROOF)
        assert await work.repairs(NOW - PROOF) == (replace(said, proved=True),)


async def test_from_the_order_to_the_proof(database: FreshDatabase) -> None:
    async with Database(database.dsn(Role.COMMAND), size=2) as pool:
        store, clock = PostgresAlerts(pool), WallClock(wall=NOW.timestamp)
        alerts = Alerts(store=store, clock=clock, authorise=lambda _user, _right, _zone: None)
        leak = Condition(code="leak.burst", subject="x", active=True, zone="medina", priority=Priority.HIGH)
        alert = await alerts.on_condition(leak, NOW)
        assert alert is not None
        desk = WorkDesk(store=PostgresWork(pool), alerts=store, clock=clock)
        order = await desk.create(alert.key, "omar")
        with pytest.raises(WorkRefused, match="has an open work order"):
            await desk.create(alert.key, "samira")
        said = CrewReport(key="a" * 16, order=order.key, kind=ReportKind.REPAIRED, said_at=NOW, by="leila", note="clamp")
        for _ in range(3):
            assert (await desk.report(said)).state is WorkState.REPAIRED
        assert not await PostgresWork(pool).save_order(replace(order, state=WorkState.OPEN), report=said)
        found = await desk.order(order.key)
        assert found is not None
        assert (found[0].state, found[1]) == (WorkState.REPAIRED, (said,))
        (again,) = await desk.tick(NOW + PROOF)
        assert (again.state, again.reopened) == (WorkState.OPEN, 1)
        await desk.report(replace(said, key="b" * 16))
        await alerts.on_condition(replace(leak, active=False), NOW + PROOF + timedelta(hours=1))
        (closed,) = await desk.tick(NOW + PROOF + timedelta(hours=20))
        assert closed.state is WorkState.VERIFIED
        assert await desk.orders() == ()
        assert [o.key for o in await desk.orders(include_closed=True)] == [order.key]
        assert [o.key for o in await desk.orders_of(alert.key)] == [order.key]
        assert await desk.orders_of("leak:another") == ()
