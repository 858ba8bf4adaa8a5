"""The ingestor on real brokers, with a store in memory: delivery, bad input, restarts, several at once."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from structlog.testing import capture_logs

from domain.clock import WallClock
from domain.readings import Quality
from ingest.connection import Connection
from ingest.inbox import Inbox
from ingest.service import IngestService
from ingest.settings import IngestSettings
from protocols.tasks import end_tasks
from tests.support.brokers import KINDS, Broker, running
from tests.support.ingest_store import MemoryStore, channel
from tests.support.uplink import DEVICE, EDGE, NOW_MS, STREAM, block, reading, series
from tests.support.wire_gateway import gateway, numbered

PATIENCE_S = 60.0
CLOCK = WallClock(wall=lambda: NOW_MS / 1000)
FAST: dict[str, Any] = {"batch": {"wait_s": 0.02, "retry_min_s": 0.01, "retry_max_s": 0.05}, "rebirth_every_s": 0.2}


@pytest.fixture(params=list(KINDS))
async def broker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Broker]:
    async with running(request.param, tmp_path) as found:
        yield found


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore([channel(EDGE, DEVICE, "flow_m3h", 41), channel(EDGE, DEVICE, "pressure_m", 42)])


def counted(service: IngestService, name: str) -> float:
    found = service.metrics.snapshot()[name]
    assert isinstance(found, float)
    return found


@asynccontextmanager
async def ingesting(store: MemoryStore, broker: Broker, **changes: Any) -> AsyncIterator[IngestService]:
    """A connected ingestor that stops in order at the end."""
    at = {"port": broker.port, "username": broker.username, "password": broker.password, "reconnect_max_s": 0.2}
    service = IngestService(store, IngestSettings.model_validate({**FAST, "broker": at, **changes}), CLOCK)
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


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def watching(broker: Broker) -> AsyncIterator[list[bool]]:
    """Every word of the host on whether it is there, as a gateway hears it."""
    seen: list[bool] = []

    async def watch(client: aiomqtt.Client) -> None:
        async for message in client.messages:
            seen.append(json.loads(bytes(message.payload))["online"])  # noqa: PERF401  (each is looked at as it comes)

    async with aiomqtt.Client(
        "127.0.0.1", broker.port, username=broker.username, password=broker.password, protocol=aiomqtt.ProtocolVersion.V5
    ) as client:
        await client.subscribe("spBv1.0/STATE/khettara", qos=1)
        task = asyncio.create_task(watch(client))
        yield seen
        await end_tasks([task])


def blocks(count: int, size: int = 20) -> list[tuple[int, int, bytes]]:
    starts = range(1, count * size, size)
    return [(first, first + size - 1, block(series(size, first=first), first=first)) for first in starts]


async def test_blocks_are_stored_and_receipted(broker: Broker, store: MemoryStore) -> None:
    async with ingesting(store, broker) as service, gateway(broker) as edge:
        await edge.born()
        await edge.deliver(numbered(blocks(50)))
        assert len(store.rows) == 1000
        assert store.letters == []
        assert edge.receipt is not None
        assert (edge.receipt.stream, edge.receipt.committed, edge.receipt.above) == (STREAM, 1000, ())
        assert store.gateways[EDGE][0] is True
        assert store.gateways[EDGE][1] == datetime.fromtimestamp(NOW_MS / 1000, UTC)
        edge.receipt = None
        await edge.deliver(numbered(blocks(1)))
        assert service.snapshot()["stored"] == 1000, "a resend is receipted again, and stored once"


async def test_an_ingestor_that_knows_no_births_asks_for_them(broker: Broker, store: MemoryStore) -> None:
    async with ingesting(store, broker), gateway(broker) as edge:
        await edge.deliver(numbered(blocks(5)))
        assert edge.rebirths >= 1
        assert len(store.rows) == 100
    assert {b.alias for b in store.saved_bindings} == {1, 2}
    async with ingesting(store, broker), gateway(broker) as edge:
        await edge.deliver(numbered(blocks(6)))
        assert edge.rebirths == 0, "the bindings survived the restart"


async def test_bad_input_ends_flagged_or_refused_and_costs_nothing_else(broker: Broker, store: MemoryStore) -> None:
    good = block([reading(1.0, at_ms=NOW_MS - 5000), reading(2.0, alias=2, at_ms=NOW_MS - 5000)])
    nan = block([reading(float("nan"), at_ms=NOW_MS - 4000)], first=3)
    far = block([reading(7.0, at_ms=4_070_908_800_000)], first=4)
    strange = block([reading(8.0, alias=9)], first=5)
    last = block([reading(9.0, at_ms=NOW_MS - 3000)], first=6)
    births = {DEVICE: {"flow_m3h": 1, "pressure_m": 2}, "stranger": {"flow_m3h": 9}}
    async with ingesting(store, broker, limits={"payload_bytes": 500_000}) as service, gateway(broker, births=births) as edge:
        await edge.born()
        await edge.deliver(numbered([(1, 2, good)]))
        await edge.deliver(numbered([(3, 3, nan)]))
        await edge.deliver(numbered([(4, 4, far)]))
        await edge.deliver(numbered([(5, 5, strange)]), device="stranger")
        await edge.publish(good[:-30])
        await edge.publish(bytes(600_000))
        await edge.client.publish("spBv1.0/demo/DDATA/gw-north", b"no device")
        await edge.deliver(numbered([(6, 6, last)]))
        await until(lambda: len(store.letters) == 4)
        assert service.snapshot()["clock_skew"] == 1
    assert sorted(d.reason for d in store.letters) == ["bad_topic", "decode_error", "oversize", "unknown_device"]
    assert store.rows == {
        (41, NOW_MS - 5000): (100, Quality.GOOD),
        (42, NOW_MS - 5000): (200, Quality.GOOD),
        (41, NOW_MS - 4000): (None, Quality.BAD),
        (41, NOW_MS): (700, Quality.CLOCK),
        (41, NOW_MS - 3000): (900, Quality.GOOD),
    }


async def test_two_ingestors_share_the_work_and_store_everything_once(broker: Broker, store: MemoryStore) -> None:
    async with ingesting(store, broker) as one, ingesting(store, broker) as two, gateway(broker) as edge:
        await edge.born()
        await edge.deliver(numbered(blocks(100)))
        assert edge.receipt is not None
        assert edge.receipt.committed == 2000
        assert len(store.rows) == 2000
        assert store.letters == []
        stored = [int(str(s.snapshot()["stored"]).split(".")[0]) for s in (one, two)]
        assert sum(stored) == 2000
        assert min(stored) > 0, "the share group gives work to both"


async def test_without_a_share_group_every_ingestor_sees_everything_and_the_ledger_keeps_one(
    broker: Broker, store: MemoryStore
) -> None:
    async with ingesting(store, broker, share_group=None) as one, ingesting(store, broker, share_group=None) as two:
        async with gateway(broker) as edge:
            await edge.born()
            await edge.deliver(numbered(blocks(10)))
            await until(lambda: sum(counted(s, "skipped") for s in (one, two)) >= 200)
        assert len(store.rows) == 200
        assert sum(counted(s, "stored") for s in (one, two)) == 200


async def test_the_broker_goes_and_comes_back(broker: Broker, store: MemoryStore) -> None:
    async with ingesting(store, broker) as service:
        async with gateway(broker) as edge:
            await edge.born()
            await edge.deliver(numbered(blocks(1)))
        await broker.stop()
        await until(lambda: not service.connected.is_set())
        await broker.start()
        await service.connected.wait()
        async with gateway(broker) as edge:
            await edge.deliver(numbered(blocks(3)))
        assert len(store.rows) == 60


async def test_neither_broker_nor_database_need_be_there_first(broker: Broker, store: MemoryStore) -> None:
    await broker.stop()
    store.away = True
    settings = IngestSettings.model_validate({**FAST, "broker": {"port": broker.port, "reconnect_max_s": 0.1}})
    if broker.username:
        settings = settings.model_copy(
            update={"broker": settings.broker.model_copy(update={"username": broker.username, "password": broker.password})}
        )
    service = IngestService(store, settings, CLOCK)
    stop = asyncio.Event()
    task = asyncio.create_task(service.run(stop))
    await until(lambda: service.metrics.snapshot()["storage_retries"])
    store.away = False
    await broker.start()
    await asyncio.wait_for(service.connected.wait(), PATIENCE_S)
    stop.set()
    await asyncio.wait_for(task, PATIENCE_S)


async def test_a_device_taken_into_the_inventory_is_known_without_a_restart(broker: Broker, store: MemoryStore) -> None:
    known = store.inventory[:]
    store.inventory.clear()
    async with ingesting(store, broker, channels_every_s=0.02), gateway(broker) as edge:
        await edge.deliver(numbered([(1, 1, block([reading(1.0)]))]))
        assert [d.reason for d in store.letters] == ["unknown_device"]
        with capture_logs() as told:
            store.away = True
            await until(lambda: "channels_not_read" in [line["event"] for line in told])
            store.away = False
        store.inventory.extend(known)
        before = store.history.count("channels")
        await until(lambda: store.history.count("channels") >= before + 2)
        await edge.deliver(numbered([(2, 2, block([reading(2.0)], first=2))]))
        assert list(store.rows.values()) == [(200, Quality.GOOD)]


async def test_while_the_database_is_away_the_queue_is_bounded_and_nothing_is_lost(broker: Broker, store: MemoryStore) -> None:
    batch = {**FAST["batch"], "rows": 100, "backlog_rows": 200, "queue_messages": 10}
    async with ingesting(store, broker, batch=batch) as service, gateway(broker) as edge:
        await edge.born()
        await edge.deliver(numbered(blocks(1)))
        store.away = True
        sending = asyncio.create_task(edge.deliver(numbered(blocks(200))))
        await until(lambda: service.metrics.snapshot()["dropped"])
        assert counted(service, "backlog_rows") <= 220
        assert len(store.rows) == 20
        store.away = False
        await sending
        assert len(store.rows) == 4000
        assert store.letters == []


async def test_a_connection_that_breaks_leaves_the_will_and_comes_back(
    broker: Broker, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[aiomqtt.Client] = []
    make = Connection._client

    def remember(self: Connection, inbox: Inbox) -> aiomqtt.Client:
        made.append(make(self, inbox))
        return made[-1]

    monkeypatch.setattr(Connection, "_client", remember)
    async with watching(broker) as seen, ingesting(store, broker):
        await until(lambda: seen == [True])
        raw = made[0]._client.socket()
        assert isinstance(raw, socket.socket)
        raw.shutdown(socket.SHUT_RDWR)
        await until(lambda: seen == [True, False, True])


async def test_state_is_announced_kept_and_taken_back(broker: Broker, store: MemoryStore) -> None:
    async with watching(broker) as seen:
        async with ingesting(store, broker):
            await until(lambda: seen == [True])
            async with ingesting(store, broker):
                await until(lambda: seen == [True, True])
            await until(lambda: seen == [True, True, False, True])
        await until(lambda: seen[-1] is False)
