"""A repair that was none, and one that was: the real detectors, alarms, orders and database, told apart by the night flow alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from psycopg import AsyncConnection

from alerts.complaints import Verdict
from alerts.finding_links import alert_of, findings_of, over_at
from alerts.service import Alerts
from app.field import Field, field_services
from app.settings import ComplaintSettings
from domain.alerts import CrewReport, ReportKind, WorkState
from domain.clock import WallClock
from domain.complaints import Complaint, ComplaintKind
from domain.inventory import Inventory
from domain.points import PointKey
from leak_detection.service import LeakDetection
from storage.alerts import PostgresAlerts
from storage.database import Database
from storage.findings import PostgresFindings
from storage.ingest import PostgresIngestStore
from storage.inventory import save_inventory
from storage.roles import Role
from storage.series import PostgresSeries
from tests.support.postgres import FreshDatabase
from tests.support.stored_town import block, town
from tests.support.toy_zone import PER_DAY, START, ToyTown, ToyZone

BURST_DAY, LIE_DAY, REPAIR_DAY, DAYS = 13.5, 15.4, 17.8, 20
POINTS = (PointKey("medina.flow"), PointKey("medina.cp1"))
BURST_M3H = 14.0


def inventory() -> Inventory:
    """One zone with a meter and a critical point."""
    zone: dict[str, Any] = {
        "key": "medina", "kind": "dma", "names": {"en": "Old town"}, "critical_points": ["medina.cp1"],
        "inlets": [{"point": "medina.flow", "sign": 1}], "population": 10_000,
    }  # fmt: skip
    points = [
        {"key": "medina.flow", "quantity": "flow", "role": "inflow", "resolution": "0.001", "zone": "medina"},
        {"key": "medina.cp1", "quantity": "pressure", "role": "critical_pressure", "resolution": "0.001", "zone": "medina"},
    ]
    device = {"key": "box", "gateway": "gw-1", "model": "flowmeter", "channels": {"flow_m3h": "medina.flow"}}
    return town(
        {
            "zones.toml": {"zone": [zone]},
            "points.toml": {"point": points},
            "devices.toml": {"gateway": [{"node": "gw-1", "group": "town", "name": "North"}], "device": [device]},
        }
    )


@pytest.fixture
async def stored(database: FreshDatabase) -> FreshDatabase:
    """A database with the whole month in it; whoever reads up to a moment sees nothing later."""
    toy = ToyTown(seed=3, days=DAYS, zones={"medina": ToyZone("medina", sensors=(1,))}, fixed_m={"medina": 40.0})
    toy.bursts = {"medina": (round(BURST_DAY * PER_DAY), round(REPAIR_DAY * PER_DAY), BURST_M3H)}
    toy.run(0, toy.size)
    async with await AsyncConnection.connect(database.dsn()) as connection:
        await save_inventory(connection, inventory(), at=START)
        ids: dict[str, int] = dict(await (await connection.execute("SELECT key, point_id FROM point")).fetchall())
    async with Database(database.dsn(Role.INGEST), size=2) as pool:
        for number, point in enumerate(POINTS):
            first = 1 + number * toy.size
            rows = block(
                range(first, first + toy.size), point_id=ids[point], times_ms=(toy.seconds * 1000).astype(np.int64).tolist(),
                counts=np.round(toy.data[point] * 1000).astype(np.int64).tolist(),
            )  # fmt: skip
            await PostgresIngestStore(pool).write([rows])
    return database


class Control:
    """The centre's rounds, without its clockwork."""

    def __init__(self, analytics: Database, command: Database) -> None:
        self.now: datetime = START
        site, clock = inventory(), WallClock(wall=self.seconds)
        self.findings = PostgresFindings(analytics)
        self.detection = LeakDetection(site, PostgresSeries(analytics), self.findings)
        self.alert_store = PostgresAlerts(command)
        self.alerts = Alerts(store=self.alert_store, clock=clock, authorise=lambda _user, _right, _zone: None)
        self.field: Field = field_services(ComplaintSettings(), site, command, self.alert_store, clock, self.alerts.on_condition)

    def seconds(self) -> float:
        """What its clock shows."""
        return self.now.timestamp()

    async def run(self, until_day: float, *, hours: float = 3.0) -> None:
        """Rounds up to a day."""
        end = START + timedelta(days=until_day)
        while self.now < end:
            self.now = min(self.now + timedelta(hours=hours), end)
            await self.detection.tick(self.now)
            await self.alerts.on_findings(await self.findings.open_findings(), self.now)
            await self.field.tick(self.now)

    async def say(self, order: str, key: str) -> WorkState:
        report = CrewReport(key=key * 16, order=order, kind=ReportKind.REPAIRED, said_at=self.now, by="leila")
        return (await self.field.work.report(report)).state


async def test_a_repair_is_proved_by_the_night_and_nothing_else(stored: FreshDatabase) -> None:
    async with Database(stored.dsn(Role.ANALYTICS), size=2) as analytics, Database(stored.dsn(Role.COMMAND), size=2) as command:
        control = Control(analytics, command)
        control.now = START + timedelta(days=BURST_DAY - 0.25)
        await control.run(BURST_DAY)
        assert await control.findings.open_findings() == ()
        await control.run(LIE_DAY)
        (found,) = await control.findings.open_findings()
        assert found.flow_m3h == pytest.approx(BURST_M3H, rel=0.4)
        (alert,) = [a for a in await control.alert_store.alerts() if a.code.startswith("leak.")]
        assert alert_of(found, [alert]) == alert
        assert findings_of(alert, [found]) == (found,)

        order = await control.field.work.create(alert.key, "omar")
        assert await control.say(order.key, "a") is WorkState.REPAIRED, "which is not true"
        await control.run(LIE_DAY + 1)
        assert [o.state for o in await control.field.work.orders()] == [WorkState.REPAIRED], "one night is no proof that it is not"
        await control.run(REPAIR_DAY)
        (again,) = await control.field.work.orders()
        assert (again.state, again.reopened, again.repaired_at) == (WorkState.OPEN, 1, None)
        assert again.night_before_m3h is not None
        assert again.night_after_m3h == pytest.approx(again.night_before_m3h, abs=0.4 * BURST_M3H), "the water still runs"

        assert await control.say(order.key, "b") is WorkState.REPAIRED, "and now it is"
        await control.run(REPAIR_DAY + 0.3)
        assert [o.state for o in await control.field.work.orders()] == [WorkState.REPAIRED], "no night has been measured since"
        await control.run(DAYS - 0.5)
        assert await control.field.work.orders() == ()
        (closed,) = await control.field.work.orders(include_closed=True)
        assert (closed.state, closed.reopened) == (WorkState.VERIFIED, 1)
        assert closed.night_before_m3h is not None
        assert closed.night_after_m3h is not None
        saved = closed.night_before_m3h - closed.night_after_m3h
        assert saved == pytest.approx(BURST_M3H, rel=0.45)
        (over,) = await control.findings.findings(key=found.key)
        assert not over.open
        history = await control.field.work.history(alert.key)
        assert history[0].action == "raised"
        ended = over_at(over, alert, history)
        assert ended is not None
        assert START + timedelta(days=REPAIR_DAY) < ended <= control.now
        await complaints_count(control)


async def complaints_count(control: Control) -> None:
    """Over the same database: two of three callers bring the confidence up; three in hours without a finding are an alert."""
    finding = (await control.findings.findings())[0]
    at = finding.since + timedelta(hours=3)
    for number in range(3):
        complaint = Complaint(
            key=f"complaint-{number}", kind=ComplaintKind.WET_STREET, noticed_at=at, taken_at=at, taken_by="omar", zone="medina",
            phone=f"060000000{number}",
        )  # fmt: skip
        assert await control.field.complaints.take(complaint)
        said = await control.field.complaints.heard(finding, control.now)
        assert said.verdict is (Verdict.RAISED if number else Verdict.ALONE)
        assert (said.confidence > finding.confidence) == (number > 0)
    await control.field.tick(at)
    (advisory,) = [a for a in await control.alert_store.alerts() if a.code == "complaints.cluster"]
    assert (advisory.zone, advisory.parameters["complaints"]) == ("medina", "3")
