"""The inventory in the database: again is the same, a meter swap is a new channel, a resolution with readings stands."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from domain.errors import ConfigurationError
from storage.ingest import PostgresIngestStore
from storage.inventory import save_inventory
from tests.support.stored_town import START, block, documents, town

LATER = START + timedelta(days=30)
CHANNELS = """SELECT c.device, c.metric, p.key, c.valid_from, c.valid_to FROM channel c JOIN point p USING (point_id)
              WHERE device = 'meter' ORDER BY valid_from NULLS FIRST, metric"""


async def fetch(connection: AsyncConnection, query: str) -> list[tuple[Any, ...]]:
    return await (await connection.execute(query.encode())).fetchall()


def with_meter(channels: dict[str, str]) -> dict[str, Any]:
    devices = documents()["devices.toml"]
    devices["device"][0]["channels"] = channels
    return {"devices.toml": devices}


async def test_saving_again_changes_nothing(admin: AsyncConnection) -> None:
    tables = ("zone", "zone_inlet", "zone_critical", "point", "gateway", "device", "channel", "actuator", "site")
    before = [await fetch(admin, f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables]
    assert [len(rows) for rows in before] == [3, 3, 1, 7, 2, 3, 3, 1, 1]
    await save_inventory(admin, town(), at=LATER)
    assert [await fetch(admin, f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables] == before


async def test_a_meter_swap_ends_one_channel_and_starts_another(admin: AsyncConnection) -> None:
    await save_inventory(admin, town(with_meter({"flow_m3h": "plant.flow"})), at=LATER)
    assert await fetch(admin, CHANNELS) == [
        ("meter", "flow_m3h", "upper.flow", None, LATER),
        ("meter", "flow_m3h", "plant.flow", LATER, None),
    ]
    await save_inventory(admin, town(), at=LATER)  # and back at the very same moment
    assert [row[2:] for row in await fetch(admin, CHANNELS) if row[4] is None] == [("upper.flow", LATER, None)]


async def test_a_field_that_is_gone_ends(admin: AsyncConnection) -> None:
    await save_inventory(admin, town(with_meter({"pressure_m": "upper.low"})), at=LATER)
    assert sorted(await fetch(admin, CHANNELS), key=str) == sorted(
        [("meter", "flow_m3h", "upper.flow", None, LATER), ("meter", "pressure_m", "upper.low", None, None)], key=str
    )


async def test_channels_never_overlap(admin: AsyncConnection) -> None:
    with pytest.raises(psycopg.errors.ExclusionViolation, match="already feeds a point"):
        await admin.execute(
            """INSERT INTO channel (edge, device, metric, point_id, valid_from, valid_to)
               VALUES ('town/gw-1', 'meter', 'flow_m3h', 2, %s, %s)""",
            (START, LATER),
        )


async def test_a_resolution_stands_once_there_are_readings(admin: AsyncConnection, ingest: PostgresIngestStore) -> None:
    points = documents()["points.toml"]
    points["point"][0]["resolution"] = "0.1"
    await save_inventory(admin, town({"points.toml": points}), at=LATER)
    [(point_id,)] = await fetch(admin, "SELECT point_id FROM point WHERE key = 'upper.flow'")
    await ingest.write([block([1], point_id=point_id)])
    with pytest.raises(ConfigurationError, match=r"upper\.flow.*resolution 0\.01.*expected flow, instant, resolution 0\.1"):
        await save_inventory(admin, town(), at=LATER)


async def test_inlets_are_replaced(admin: AsyncConnection) -> None:
    zones = documents()["zones.toml"]
    zones["zone"][1]["inlets"] = [{"point": "upper.flow", "sign": 1}]
    zones["zone"][1]["critical_points"] = []
    await save_inventory(admin, town({"zones.toml": zones}), at=LATER)
    assert await fetch(admin, "SELECT zone, count(*) FROM zone_inlet GROUP BY 1 ORDER BY 1") == [("lower", 1), ("upper", 1)]
    assert await fetch(admin, "SELECT count(*) FROM zone_critical") == [(0,)]
