"""Batches by size or age, bounded."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from domain.delivery import DeadLetter, SequenceRange
from ingest.backlog import Backlog, Work, batch_of
from ingest.decode import refused_block
from ingest.intake import GatewayChange, Intake
from tests.support.uplink import STREAM


def work(size: int = 1, *, payload: bytes = b"") -> Work:
    """Work that weighs ``size``."""
    block = refused_block(STREAM, SequenceRange(first=1, last=1), "r", "d")
    return Work(intake=Intake(block=block), topic="t", payload=payload or bytes(64 * size))


async def test_a_batch_is_handed_out_at_its_size() -> None:
    backlog = Backlog(max_rows=100)
    for _ in range(4):
        await backlog.put([work(5)])
    batch = await backlog.take(rows=10, wait_s=3600)
    assert batch is not None
    assert len(batch.blocks) == 2
    assert backlog.rows == 10


async def test_a_batch_is_handed_out_at_its_age() -> None:
    backlog = Backlog(max_rows=100)
    await backlog.put([work(5)])
    batch = await asyncio.wait_for(backlog.take(rows=10, wait_s=0.01, quiet_s=3600), 30)
    assert batch is not None
    assert len(batch.blocks) == 1


async def test_a_batch_is_handed_out_when_nothing_more_comes() -> None:
    backlog = Backlog(max_rows=100)
    await backlog.put([work(5)])
    batch = await asyncio.wait_for(backlog.take(rows=10, wait_s=3600, quiet_s=0.01), 30)
    assert batch is not None


async def test_one_piece_larger_than_a_batch_still_goes() -> None:
    backlog = Backlog(max_rows=100)
    await backlog.put([work(50)])
    batch = await backlog.take(rows=10, wait_s=3600)
    assert batch is not None
    assert backlog.rows == 0


async def test_put_waits_while_it_is_full() -> None:
    backlog = Backlog(max_rows=10)
    await backlog.put([work(10)])
    waiting = asyncio.create_task(backlog.put([work(1)]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not waiting.done()
    await backlog.take(rows=10, wait_s=0)
    await asyncio.wait_for(waiting, 10)
    assert backlog.rows == 1


async def test_a_closed_backlog_gives_out_the_rest_at_once_and_then_nothing() -> None:
    backlog = Backlog(max_rows=10)
    await backlog.put([work(1)])
    waiting = asyncio.create_task(backlog.take(rows=10, wait_s=3600, quiet_s=3600))
    await asyncio.sleep(0)
    await backlog.close()
    assert await asyncio.wait_for(waiting, 10) is not None
    assert await backlog.take(rows=10, wait_s=3600) is None


def test_bytes_weigh_as_much_as_the_readings_they_could_hold() -> None:
    assert work(payload=bytes(1 << 20)).weight == 1 << 14
    assert Work(intake=Intake(ignored="x"), topic="t", payload=b"").weight == 1


def test_a_batch_keeps_the_newest_word_on_each_gateway() -> None:
    def change(edge: str, online: bool) -> Intake:
        return Intake(gateway=GatewayChange(edge=edge, online=online, at=datetime(2026, 5, 1, tzinfo=UTC)))

    letters = (DeadLetter(edge="e", reason="r", detail="d"),)
    intakes = [change("a", True), change("b", True), change("a", False), Intake(letters=letters)]
    batch = batch_of([Work(intake=i, topic="t", payload=b"") for i in intakes])
    assert [(g.edge, g.online) for g in batch.gateways] == [("a", False), ("b", True)]
    assert batch.letters == letters
