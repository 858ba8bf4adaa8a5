"""What an unkind RTU line leaves in the spool: everything stored is right, and what was not answered is not there.

Every register holds a number made of its own address, so an answer that belongs to another question is seen in the spool itself.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from domain.clock import WallClock
from edge.bus import bus_for
from edge.collector import Collector
from edge.database import DatabaseThread, open_database
from edge.device import DeviceLink
from edge.device_settings import BusSettings, DeviceSettings
from edge.poller import PollCounters, Poller
from edge.readings import Lane
from edge.spool import Spool
from protocols.modbus.profile import DeviceModel, parse_model, plan
from protocols.tasks import end_tasks
from tests.support.rtu_peer import RtuPeer

REQUESTS, APART = 16, 500


def model(line: int) -> DeviceModel:
    """Sixteen values so far apart that each is a question of its own, all answers of one length; other addresses on each line."""
    fields = [
        {"name": f"level_{i}_m", "function": "holding", "address": line * 37 + i * APART, "type": "uint16", "unit": "m",
         "quantity": "level", "resolution": "1"}
        for i in range(REQUESTS)
    ]  # fmt: skip
    return parse_model({"name": f"line_{line}", "field": fields}, f"line_{line}.toml")


def right(line: int, metric: str) -> int:
    return (line * 37 + int(metric.split("_")[1]) * APART) * 40503 & 0xFFFF


async def hunt(folder: Path, *, questions: int, lines: int) -> tuple[int, int, int]:
    """Questions over many lines with 5 % late, 1 % short, 1 % foreign, 1 % double answers: asked, stored, stored wrong."""
    connection, database, clock = open_database(folder), DatabaseThread(), WallClock(wall=time.time)
    spool = Spool(connection)
    collector = Collector(spool=spool, database=database, clock=clock, flush_s=0.05, on_commit=lambda: None)
    keeping = asyncio.create_task(collector.run())
    asked = 0

    async def one(line: int) -> None:
        nonlocal asked
        async with RtuPeer(seed=line) as peer:
            peer.late, peer.short, peer.foreign, peer.doubled, peer.late_by_s = 0.05, 0.01, 0.01, 0.01, (0.25, 0.5)
            bus = bus_for("", 0, BusSettings(key="b", host="127.0.0.1", port=peer.port, baud=115200, quiet_s=1.0))
            at_work = asyncio.create_task(bus.run())
            made = model(line)
            settings = DeviceSettings(key=f"line_{line}", model=made.name, unit_id=5, period_s=1, timeout_s=0.2)
            poller = Poller(
                link=DeviceLink(settings=settings, model=made, requests=plan(made), bus=bus),
                clock=clock,
                collector=collector,
                counters=PollCounters(),
                on_reached=lambda _device, _reached: None,
            )
            while peer.asked < questions // lines:
                await poller.poll()
            asked += peer.asked
            await end_tasks([at_work])

    await asyncio.gather(*(one(line) for line in range(lines)))
    await end_tasks([keeping])
    await collector.flush()
    stored = wrong = 0
    names = {channel.alias: (int(channel.device.split("_")[1]), channel.metric) for channel in spool.channels()}
    heads = spool.unacked(Lane.LIVE, limit=10**6, fresh_ms=0)
    for block in spool.load(heads, now_ms=0):
        for row in block.rows:
            stored += 1
            wrong += row["value"] != right(*names[int(row["channel"])])
    database.close()
    connection.close()
    return asked, stored, wrong


async def test_nothing_wrong_is_stored(tmp_path: Path) -> None:
    asked, stored, wrong = await hunt(tmp_path, questions=1200, lines=40)
    assert wrong == 0
    assert stored > asked / 3
    assert stored < asked  # the faults were there


@pytest.mark.slow
@pytest.mark.timeout(2400)
async def test_of_a_hundred_thousand_questions_nothing_wrong_is_stored(tmp_path: Path) -> None:
    asked, stored, wrong = await hunt(tmp_path, questions=100_000, lines=100)
    print(f"asked {asked}, stored {stored}, wrong {wrong}")
    assert asked >= 100_000
    assert wrong == 0
    assert stored > asked / 2
