"""The whole way up: gateway, broker, ingestor, PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.clock import WallClock
from domain.readings import Quality
from ingest.service import IngestService
from ingest.settings import IngestSettings
from tests.integration.ingest.conftest import Stored
from tests.support.brokers import Broker, running
from tests.support.uplink import DEVICE, NOW_MS, block, reading, series
from tests.support.wire_gateway import gateway, numbered

PATIENCE_S = 60.0


def moment(time_ms: int) -> datetime:
    return datetime.fromtimestamp(time_ms / 1000, UTC)


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    async with running("mosquitto", tmp_path) as found:
        yield found


@asynccontextmanager
async def ingesting(stored: Stored, broker: Broker) -> AsyncIterator[IngestService]:
    settings = IngestSettings.model_validate({"broker": {"port": broker.port}, "rebirth_every_s": 0.2, "batch": {"wait_s": 0.02}})
    service = IngestService(stored.store, settings, WallClock(wall=lambda: NOW_MS / 1000))
    stop = asyncio.Event()
    task = asyncio.create_task(service.run(stop))
    try:
        async with asyncio.timeout(PATIENCE_S):
            await service.connected.wait()
            yield service
            assert not task.done(), "nothing that was sent may end the ingestor"
    finally:
        stop.set()
        await asyncio.wait_for(task, PATIENCE_S)


async def test_bad_input_ends_flagged_or_refused_between_two_good_blocks(stored: Stored, broker: Broker) -> None:
    good = block([reading(1.0, at_ms=NOW_MS - 5000), reading(2.0, alias=2, at_ms=NOW_MS - 5000)])
    births = {DEVICE: {"flow_m3h": 1, "pressure_m": 2}, "stranger": {"flow_m3h": 9}}
    async with ingesting(stored, broker) as service, gateway(broker, births=births) as edge:
        await edge.born()
        await edge.deliver(numbered([(1, 2, good)]))
        await edge.deliver(numbered([(3, 3, block([reading(float("nan"), at_ms=NOW_MS - 4000)], first=3))]))
        await edge.deliver(numbered([(4, 4, block([reading(7.0, at_ms=4_070_908_800_000)], first=4))]))
        await edge.deliver(numbered([(5, 5, block([reading(8.0, alias=9)], first=5))]), device="stranger")
        await edge.deliver(numbered([(6, 6, block([reading(8.0, at_ms=NOW_MS - 5000)], first=6))]))
        await edge.publish(good[:-30])
        await edge.publish(bytes(1_500_000))
        await edge.deliver(numbered([(7, 7, block([reading(9.0, at_ms=NOW_MS - 3000)], first=7))]))
        async with asyncio.timeout(PATIENCE_S):
            while len(await stored.fetch("SELECT FROM dead_letter")) < 4:
                await asyncio.sleep(0.02)
        snapshot = service.snapshot()
    assert await stored.fetch(
        "SELECT key, time, value, quality FROM reading JOIN point USING (point_id) ORDER BY time, key"
    ) == [
        ("upper.flow", moment(NOW_MS - 5000), 100, Quality.GOOD),
        ("upper.low", moment(NOW_MS - 5000), 200, Quality.GOOD),
        ("upper.flow", moment(NOW_MS - 4000), None, Quality.BAD),
        ("upper.flow", moment(NOW_MS - 3000), 900, Quality.GOOD),
        ("upper.flow", moment(NOW_MS), 700, Quality.CLOCK),
    ]  # fmt: skip
    assert await stored.fetch("SELECT reason, first, last FROM dead_letter ORDER BY reason") == [
        ("conflict", 6, 6),
        ("decode_error", None, None),
        ("oversize", None, None),
        ("unknown_device", 5, 5),
    ]
    assert await stored.fetch("SELECT octet_length(payload), payload_size FROM dead_letter WHERE reason = 'oversize'") == [
        (65_536, 1_500_000)
    ]
    assert await stored.fetch("SELECT committed::text, stored, repeated, dead FROM ledger") == [("{[1,8)}", 5, 0, 2)]
    assert (snapshot["stored"], snapshot["dead"], snapshot["clock_skew"]) == (5, 2, 1)


async def test_two_ingestors_at_once_store_everything_once(stored: Stored, broker: Broker) -> None:
    blocks = numbered([(n, n + 19, block(series(20, first=n), first=n)) for n in range(1, 2000, 20)])
    async with ingesting(stored, broker) as one, ingesting(stored, broker) as two, gateway(broker) as edge:
        await edge.deliver(blocks)
        assert edge.receipt is not None
        assert (edge.receipt.committed, edge.receipt.above) == (2000, ())
        counted = [float(str(service.snapshot()["stored"])) for service in (one, two)]
    assert sum(counted) == 2000
    assert await stored.fetch("SELECT count(*), count(DISTINCT (point_id, time)) FROM reading") == [(2000, 2000)]
    assert await stored.fetch("SELECT committed::text, stored, repeated, dead FROM ledger") == [("{[1,2001)}", 2000, 0, 0)]
    assert await stored.fetch("SELECT count(*) FROM dead_letter") == [(0,)]


async def test_an_ingestor_started_anew_knows_the_births(stored: Stored, broker: Broker) -> None:
    async with ingesting(stored, broker), gateway(broker) as edge:
        await edge.deliver(numbered([(1, 20, block(series(20)))]))
        assert edge.rebirths >= 1
    async with ingesting(stored, broker), gateway(broker) as edge:
        await edge.deliver(numbered([(21, 40, block(series(20, first=21), first=21))]))
        assert edge.rebirths == 0
        assert edge.receipt is not None
        assert edge.receipt.committed == 40
