"""A restart of the control service on a real database: it goes on from what it knew, and says why where it does not."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from psycopg import AsyncConnection
from structlog.testing import capture_logs

from app.control import Steering, learners_file, read_learners, read_models
from domain.inventory import Inventory
from domain.setpoints import Mode
from pressure_control.keeping import VERSION
from pressure_control.service import PressureControl
from storage.database import Database
from storage.ingest import PostgresIngestStore
from storage.inventory import save_inventory
from storage.roles import Role
from storage.series import PostgresSeries
from tests.support.postgres import FreshDatabase, database, database_server
from tests.support.stored_town import block, town
from tests.support.toy_zone import PER_DAY, START, ToyTown

__all__ = ["database", "database_server"]

STOP, BACK, DAYS = 5 * PER_DAY, 5 * PER_DAY + 48, 8
TOY = ToyTown(seed=6, days=DAYS)
POINTS = tuple(sorted(p for p in TOY.data if p.startswith("medina.")))


def inventory() -> Inventory:
    """The toy's Old Town, with points and devices as a site's files have them."""
    critical = [p for p in POINTS if p.startswith("medina.cp")]
    roles = {"flow": ("flow", "inflow"), "outlet": ("pressure", "outlet_pressure"), "setpoint": ("pressure", "setpoint")}
    kinds = {p: roles.get(p.removeprefix("medina."), ("pressure", "critical_pressure")) for p in POINTS}
    points = [
        {"key": p, "quantity": quantity, "role": role, "resolution": "0.001", "zone": "medina"}
        for p, (quantity, role) in kinds.items()
    ]
    actuator = {
        "key": "prv_medina", "device": "box", "zone": "medina", "min_m": 22.0, "max_m": 60.0, "safe_m": 40.0,
        "setpoint": "medina.setpoint", "outlet_pressure": "medina.outlet", "flow": "medina.flow",
    }  # fmt: skip
    zone: dict[str, Any] = {
        "key": "medina", "kind": "dma", "names": {"en": "Old town"}, "critical_points": critical,
        "inlets": [{"point": "medina.flow", "sign": 1}],
    }  # fmt: skip
    device = {"key": "box", "gateway": "gw-1", "model": "prv", "channels": {"flow_m3h": "medina.flow"}}
    gateway = {"node": "gw-1", "group": "town", "name": "North"}
    devices = {"gateway": [gateway], "device": [device], "actuator": [actuator]}
    return town({"zones.toml": {"zone": [zone]}, "points.toml": {"point": points}, "devices.toml": devices})


async def take_in(database: FreshDatabase, first: int, last: int) -> None:
    """What the town measured in these steps, as the ingestor writes it."""
    async with await AsyncConnection.connect(database.dsn()) as connection:
        ids: dict[str, int] = dict(await (await connection.execute("SELECT key, point_id FROM point")).fetchall())
    async with Database(database.dsn(Role.INGEST), size=2) as pool:
        for number, point in enumerate(POINTS):
            known = [k for k in range(first, last) if np.isfinite(TOY.data[point][k])]
            begin = 1 + number * TOY.size
            rows = block(
                [begin + k for k in known],
                point_id=ids[point],
                times_ms=(TOY.seconds[known] * 1000).astype(np.int64).tolist(),
                counts=np.round(TOY.data[point][known] * 1000).astype(np.int64).tolist(),
            )
            await PostgresIngestStore(pool).write([rows])


class Service:
    """The control service as the centre starts it, with a desk that orders nothing."""

    def __init__(self, pool: Database, models_file: Path, *, history_days: int = 6) -> None:
        learners, models = read_learners(models_file), read_models(models_file)
        self.control = PressureControl(
            inventory(), PostgresSeries(pool), models=models, learners=learners, history_days=history_days
        )
        store = SimpleNamespace(modes=self._modes)
        view = SimpleNamespace(note_advice=lambda *_: None)
        self.steering = Steering(
            self.control, cast("Any", view), cast("Any", store), first_mode=Mode.ADVISORY, models_file=models_file
        )

    async def tick(self, step: int) -> float | None:
        now: datetime = TOY.time(step) + timedelta(seconds=130)
        await self.steering.tick(now, cast("Any", SimpleNamespace(law_decided=lambda *_: None)))
        return self.control.advice["prv_medina"].target_m

    async def _modes(self) -> dict[str, Any]:
        return {}


@pytest.fixture
async def stored(database: FreshDatabase) -> FreshDatabase:
    if not np.isfinite(TOY.data[POINTS[0]]).any():
        TOY.run(0, TOY.size)
    async with await AsyncConnection.connect(database.dsn()) as connection:
        await save_inventory(connection, inventory(), at=START)
    await take_in(database, 0, STOP)
    return database


async def test_it_goes_on_from_what_it_knew_and_refuses_what_it_cannot_stand_on(stored: FreshDatabase, tmp_path: Path) -> None:
    file = tmp_path / "models.json"
    async with Database(stored.dsn(Role.ANALYTICS), size=2) as pool:
        first = Service(pool, file)
        before = await first.tick(STOP)
        kept = read_learners(file)["prv_medina"]
        data = json.loads(json.loads(learners_file(file).read_text())["prv_medina"])
        assert data["version"] == VERSION
        assert data["data_from"] == TOY.time(STOP - 6 * PER_DAY).isoformat()

        # Straight away the same; after four hours dark what came in meanwhile is learned, and nothing forgotten.
        assert await Service(pool, file).tick(STOP) == pytest.approx(before, abs=0.02)
        await take_in(stored, STOP, BACK)
        again = Service(pool, file, history_days=2)
        resumed = await again.tick(BACK)
        learner = again.control.learners["prv_medina"]
        assert learner.from_s == kept.from_s
        assert learner.until_s >= kept.until_s + 4 * 3600.0 - 600.0
        assert not again.control.dropped
        anew = Service(pool, tmp_path / "nothing.json")
        assert resumed == pytest.approx(await anew.tick(BACK), abs=0.5)

        # Another version, and a span that ends before the history begins, are refused with a reason; the law learns anew.
        text = json.loads(learners_file(file).read_text())
        learners_file(file).write_text(json.dumps({"prv_medina": json.dumps(data | {"version": VERSION - 1})}))
        with capture_logs() as logs:
            other = Service(pool, file)
        assert any("another version" in str(line) for line in logs)
        assert await other.tick(BACK) is not None
        learners_file(file).write_text(json.dumps(text))
        late = BACK + 2 * PER_DAY
        await take_in(stored, late - PER_DAY // 2, late)
        old = Service(pool, file, history_days=1)
        with capture_logs() as logs:
            await old.tick(late)
        assert "before the history kept" in old.control.dropped["prv_medina"]
        assert sum("before the history kept" in str(line) for line in logs) == 1
        assert old.control.learners["prv_medina"].from_s > kept.until_s
