"""From a gateway's spool to the store and back with a receipt, and from the desk to a gateway and back, all over mutual TLS."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.certs import Service
from app.services import ingest_settings
from app.settings import BrokerSettings, DatabaseSettings, Settings, SiteSettings
from commands.dispatch import CommandDispatch
from commands.settings import BrokerSettings as DeskBroker
from domain.clock import WallClock
from domain.setpoints import Command, Outcome, Source, Verified
from domain.tables import Table
from edge.feeder import Feeder
from edge.settings import EdgeSettings, parse_edge_settings
from ingest.service import IngestService
from protocols.sparkplug.commands import decode_command, decode_result_ack, encode_result, parse_document
from protocols.sparkplug.payload import decode
from protocols.tasks import end_tasks
from tests.integration.security.conftest import Secured
from tests.support.desk import small_site
from tests.support.ingest_store import MemoryStore, channel

CLOCK = WallClock(wall=time.time)
COUNT = 500
T0 = 1_750_000_000_000


def edge_settings(secured: Secured, folder: Path) -> EdgeSettings:
    """As the tool prints it for ``edge.toml``."""
    broker: dict[str, Any] = {key: str(path) for key, path in secured.files("gw-a").items()}
    broker |= {"host": "127.0.0.1", "port": secured.broker.port}
    document = {"gateway": {"group": "demo", "node": "gw-a", "state_dir": "spool"}, "broker": broker}
    return parse_edge_settings(Table.root("edge.toml", document), folder)


def centre_settings(secured: Secured, service: Service, folder: Path, **ingest: Any) -> Settings:
    broker = BrokerSettings(host="127.0.0.1", port=secured.broker.inner_port, **secured.files(service.identity))
    return Settings(site=SiteSettings(folder=folder), database=DatabaseSettings(dsn=""), broker=broker, ingest=ingest)


@asynccontextmanager
async def ingesting(store: MemoryStore, settings: Settings) -> AsyncIterator[IngestService]:
    service = IngestService(store, ingest_settings(settings), CLOCK)
    stop = asyncio.Event()
    task = asyncio.create_task(service.run(stop))
    try:
        async with asyncio.timeout(60):
            await service.connected.wait()
        yield service
    finally:
        stop.set()
        await task


@pytest.mark.parametrize("thief", [False, True])
async def test_every_reading_arrives_once_and_is_receipted(secured: Secured, tmp_path: Path, thief: bool) -> None:
    """Also while a gateway sits in the ingestors' share group and lets half of the messages fall."""
    store = MemoryStore([channel("demo/gw-a", "meter", "flow_m3h", 7)])
    settings = edge_settings(secured, tmp_path)
    async with secured.client("gw-b") as other:
        if thief:
            await other.subscribe_to("$share/ingest/spBv1.0/+/DDATA/#", qos=0)
        async with ingesting(store, centre_settings(secured, Service.INGEST, tmp_path)) as ingest:
            async with Feeder(
                group=settings.group,
                node=settings.node,
                state_dir=settings.state_dir,
                broker=settings.broker,
                clock=CLOCK,
                block_readings=20,
                window_blocks=8,
                resend_s=0.1,
            ) as feeder:
                times = T0 + np.arange(COUNT, dtype=np.int64) * 60_000
                await feeder.append("meter", {"flow_m3h": (times, np.arange(COUNT) * 0.25)}, key="a")
                async with asyncio.timeout(100):
                    stats = await feeder.drain()
                assert feeder._uplink.counters.denied == {}
                resent = feeder._uplink.published.blocks_resent
            assert ingest.snapshot()["denied"] == {}
        assert len(other.messages) == 0
    assert (stats.acked, stats.dropped) == (COUNT, 0)
    assert len(store.rows) == COUNT
    assert store.letters == []
    assert store.gateways["demo/gw-a"][0] is False, "its good-bye was heard as well"
    assert resent > 0 or not thief


async def test_an_order_goes_out_and_its_result_comes_back(secured: Secured, tmp_path: Path) -> None:
    outcomes: list[tuple[Outcome, str]] = []
    kept = asyncio.Event()

    async def keep(outcome: Outcome, edge: str) -> None:
        outcomes.append((outcome, edge))
        kept.set()

    broker = centre_settings(secured, Service.DESK, tmp_path).broker
    dispatch = CommandDispatch(
        broker=DeskBroker(host=broker.host, port=broker.port, tls=broker.tls()),
        private_key=Ed25519PrivateKey.generate(),
        inventory=small_site(),
        clock=CLOCK,
        on_outcome=keep,
    )
    running = asyncio.create_task(dispatch.run())
    now = datetime.now(UTC).replace(microsecond=0)
    command = Command(
        command_id="c1", actuator="prv", gateway="demo/gw-a", device="valve", field="setpoint_m", value_m=30.0, previous_m=31.0,
        issued_at=now, expires_at=now + timedelta(minutes=10), counter=1, owner_token=1, lease_s=1800.0, source=Source.OPERATOR,
        author="amina", key_id="desk",
    )  # fmt: skip
    async with secured.client("gw-a") as gateway, asyncio.timeout(60):
        await gateway.subscribe_to("spBv1.0/demo/DCMD/gw-a/+", qos=0)
        await dispatch.connected.wait()
        await dispatch.send(command)
        order = decode_command(decode(bytes((await anext(gateway.messages)).payload)))
        assert order is not None
        assert parse_document(order.document).value_m == 30.0
        result = Verified(command_id="c1", at=now, readback_m=30.0)
        await gateway.publish("spBv1.0/demo/DDATA/gw-a/valve", encode_result(result, 0, 0))
        await kept.wait()
        async for message in gateway.messages:
            if decode_result_ack(decode(bytes(message.payload))) == "c1":
                break
    await end_tasks([running])
    assert outcomes == [(result, "demo/gw-a")]
    assert dispatch.denied == {}
