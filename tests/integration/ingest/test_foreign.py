"""Other people's devices: a real broker, the ingestor, PostgreSQL; and the example of the how-to page."""

from __future__ import annotations

import asyncio
import json
import re
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from app.deadletters import replay
from domain.clock import WallClock
from domain.inventory import build_inventory
from ingest.service import IngestService
from ingest.settings import IngestSettings
from storage.database import Database
from storage.dead_letters import LetterFilter
from storage.inventory import save_inventory
from storage.roles import Role
from tests.integration.ingest.conftest import Stored
from tests.support.brokers import Broker, running
from tests.support.postgres import FreshDatabase
from tests.support.stored_town import documents

PATIENCE_S = 60.0
PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "connect-a-foreign-device.md"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def blocks(language: str) -> list[str]:
    """Code blocks of the page, in order."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def settings(port: int, **changes: Any) -> IngestSettings:
    section = tomllib.loads(blocks("toml")[0])["ingest"]
    return IngestSettings.model_validate(section | {"broker": {"port": port}, "batch": {"wait_s": 0.02}} | changes)


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    async with running("mosquitto", tmp_path) as found:
        yield found


@asynccontextmanager
async def ingesting(stored: Stored, of: IngestSettings) -> AsyncIterator[IngestService]:
    service = IngestService(stored.store, of, WallClock(wall=NOW.timestamp))
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


async def adopt(stored: Stored) -> None:
    """The inventory of the page."""
    devices = tomllib.loads(blocks("toml")[1])
    await save_inventory(stored.looking, build_inventory(documents() | {"devices.toml": devices}), at=NOW)


async def publish(broker: Broker, *messages: tuple[str, bytes], retain: bool = False) -> None:
    async with aiomqtt.Client("127.0.0.1", broker.port, protocol=aiomqtt.ProtocolVersion.V5) as client:
        for topic, payload in messages:
            await client.publish(topic, payload, qos=1, retain=retain)


def examples() -> list[tuple[str, bytes]]:
    """The messages of the page: a topic on the first line, JSON after it."""
    return [(text.split("\n", 1)[0].strip(), text.split("\n", 1)[1].encode()) for text in blocks("text")]


async def rows(stored: Stored) -> list[tuple[Any, ...]]:
    return await stored.fetch("SELECT key, time, value, quality FROM reading JOIN point USING (point_id) ORDER BY key, time")


EXPECTED = [
    ("lower.flow", datetime(2026, 3, 1, 11, 59, 30, tzinfo=UTC), 4500, 0),
    ("upper.low", datetime(2026, 3, 1, 11, 58, tzinfo=UTC), 3569, 0),
]


async def until_rows(stored: Stored, count: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while len(await rows(stored)) < count:
            await asyncio.sleep(0.02)


async def test_the_page_from_message_to_row_and_from_dead_letter_to_row(
    stored: Stored, broker: Broker, database: FreshDatabase
) -> None:
    of = settings(broker.port)
    async with ingesting(stored, of):
        await publish(broker, *examples(), (examples()[0][0], b"{not json"))
        async with asyncio.timeout(PATIENCE_S):
            while len(await stored.fetch("SELECT FROM dead_letter")) < 3:
                await asyncio.sleep(0.02)
    letters = await stored.fetch("SELECT reason, edge, epoch FROM dead_letter ORDER BY edge, reason")
    assert letters == [
        ("decode_error", "mqtt/loggers", None),
        ("unknown_device", "mqtt/loggers", None),
        ("unknown_device", "mqtt/lora", None),
    ]
    await adopt(stored)
    async with Database(database.dsn(Role.INGEST)) as pool:
        first = await replay(pool, of, LetterFilter())
        second = await replay(pool, of, LetterFilter())
    assert (first.replayed, first.stored, dict(first.still_dead)) == (2, 2, {"decode_error": 1})
    assert (second.replayed, second.stored) == (0, 0)
    assert await rows(stored) == EXPECTED
    assert await stored.fetch("SELECT FROM ledger") == [], "what has no receipts has no ledger"


@pytest.mark.parametrize("share_group", ["ingest", None])
async def test_live_messages_are_stored_and_what_is_retained_is_left(
    stored: Stored, broker: Broker, share_group: str | None
) -> None:
    await adopt(stored)
    topic, payload = examples()[0]
    old = json.dumps(json.loads(payload) | {"ts": "2026-02-01T00:00:00Z"}).encode()
    await publish(broker, (topic, old), retain=True)
    async with ingesting(stored, settings(broker.port, share_group=share_group)) as service:
        await publish(broker, *examples(), *examples())
        await until_rows(stored, 2)
        async with asyncio.timeout(PATIENCE_S):
            while float(str(service.snapshot()["messages"])) < 4:
                await asyncio.sleep(0.02)
    assert await rows(stored) == EXPECTED
    assert await stored.fetch("SELECT FROM dead_letter") == []
