"""What the writer does with a store that is away, refuses, or breaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from domain.delivery import AliasBinding, BlockRows, DeadLetter, SequenceRange
from domain.errors import StorageError
from ingest.backlog import Backlog, Work
from ingest.intake import GatewayChange, Intake
from ingest.metrics import IngestMetrics
from ingest.outbox import Outbox
from ingest.reasons import Reason
from ingest.settings import BatchSettings
from ingest.writer import REFUSED_IN_A_ROW, Writer
from protocols.sparkplug.payload import decode
from protocols.sparkplug.receipts import decode_receipt
from tests.support.ingest_store import MemoryStore
from tests.support.uplink import DATA, EDGE, NOW_MS, STREAM

FAST = BatchSettings(wait_s=0.0, retry_min_s=0.001, retry_max_s=0.002)


class Fixture:
    """A writer with its neighbours."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.outbox = Outbox()
        self.metrics = IngestMetrics(CollectorRegistry())
        self.backlog = Backlog(max_rows=100_000)
        self.writer = Writer(self.store, backlog=self.backlog, outbox=self.outbox, metrics=self.metrics, settings=FAST)

    async def write(self, *intakes: Intake, payload: bytes = b"raw") -> None:
        """Everything given, in one batch, to its end."""
        for intake in intakes:
            await self.backlog.put([Work(intake=intake, topic=DATA, payload=payload)])
        await self.backlog.close()
        await asyncio.wait_for(self.writer.run(), 30)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.writer.run())
        yield
        await self.backlog.close()
        await asyncio.wait_for(task, 30)

    def counted(self, name: str) -> float:
        found = self.metrics.snapshot()[name]
        assert isinstance(found, float)
        return found

    def committed(self) -> list[int]:
        sent = [decode_receipt(decode(data), EDGE) for _, data in self.outbox.take()]
        return [r.committed for r in sent if r is not None]


def block(first: int, size: int = 2) -> Intake:
    sequence = np.arange(first, first + size, dtype=np.int64)
    rows = BlockRows(
        stream=STREAM,
        range=SequenceRange(first=first, last=first + size - 1),
        sequence=sequence,
        point_id=np.full(size, 1, np.int32),
        time_ms=NOW_MS + sequence * 1000,
        counts=sequence,
        quality=np.zeros(size, np.int16),
    )
    return Intake(block=rows)


def holds(number: int) -> Callable[[BlockRows], bool]:
    return lambda b: number in b.sequence.tolist()


async def test_one_transaction_and_one_receipt_for_many_blocks() -> None:
    fixture = Fixture()
    await fixture.write(block(1), block(3), block(5))
    assert fixture.store.history == ["write"]
    assert fixture.committed() == [6]
    assert fixture.metrics.snapshot()["stored"] == 6


async def test_bindings_are_saved_before_the_blocks_they_explain() -> None:
    fixture = Fixture()
    binding = AliasBinding(stream=STREAM, alias=1, device="d", metric="m", datatype=10)
    change = GatewayChange(edge=EDGE, online=True, at=datetime(2026, 5, 1, tzinfo=UTC))
    letter = DeadLetter(edge=EDGE, reason="decode_error", detail="d")
    await fixture.write(block(1), Intake(bindings=(binding,), gateway=change, letters=(letter,)))
    assert fixture.store.history == ["save_bindings", "gateway_state", "dead_letters", "write"]


async def test_while_the_database_is_away_the_batch_is_kept() -> None:
    fixture = Fixture()
    fixture.store.away = True
    async with fixture.running():
        await fixture.backlog.put([Work(intake=block(1), topic=DATA, payload=b"")])
        async with asyncio.timeout(30):
            while fixture.counted("storage_retries") < 3:
                await asyncio.sleep(0.001)
        assert fixture.committed() == []
        fixture.store.away = False
    assert fixture.committed() == [2]
    assert fixture.metrics.snapshot()["stored"] == 2


async def test_a_resend_is_receipted_again() -> None:
    fixture = Fixture()
    await fixture.write(block(1), block(1))
    assert fixture.committed() == [2]
    assert fixture.metrics.snapshot()["skipped"] == 2


@pytest.mark.parametrize("poison", [1, 7, 15])
async def test_the_one_block_that_is_refused_becomes_a_letter_and_the_rest_is_written(poison: int) -> None:
    fixture = Fixture()
    fixture.store.refuses = holds(poison)
    await fixture.write(*(block(n) for n in range(1, 17, 2)))
    assert fixture.committed() == [16]
    assert [(d.reason, d.first, d.last, d.payload) for d in fixture.store.letters] == [
        (Reason.SQL_REJECTED, poison, poison + 1, b"raw")
    ]
    assert len(fixture.store.rows) == 14
    snapshot = fixture.metrics.snapshot()
    assert (snapshot["stored"], snapshot["dead"]) == (14, 2)


async def test_a_letter_whose_bytes_are_refused_goes_without_them() -> None:
    fixture = Fixture()
    fixture.store.refuses = lambda b: 1 in b.sequence.tolist() or any(d.payload for d in b.dead)
    await fixture.write(block(1), block(3))
    assert [(d.first, d.payload) for d in fixture.store.letters] == [(1, b"")]
    assert fixture.committed() == [4]


async def test_a_database_that_refuses_everything_costs_no_reading() -> None:
    fixture = Fixture()
    fixture.store.refuses = lambda b: b.sequence.size > 0
    await fixture.write(*(block(n) for n in range(1, 41, 2)))
    assert len(fixture.store.letters) == REFUSED_IN_A_ROW
    assert fixture.store.rows == {}
    assert max(fixture.committed()) == 2 * REFUSED_IN_A_ROW, "nothing else is receipted"


async def test_many_refused_blocks_among_good_ones_are_letters_each() -> None:
    fixture = Fixture()
    fixture.store.refuses = lambda b: b.sequence.size > 0 and int(b.sequence[0]) % 4 == 1
    await fixture.write(*(block(n) for n in range(1, 41, 2)))
    assert sorted(d.first or 0 for d in fixture.store.letters) == list(range(1, 41, 4))
    assert fixture.committed() == [40]


async def test_a_fault_gives_the_batch_up_unreceipted_and_the_next_is_written() -> None:
    fixture = Fixture()
    faults = [ValueError("ours")]
    fixture.store.breaks = lambda: faults.pop() if faults else None
    async with fixture.running():
        await fixture.backlog.put([Work(intake=block(1), topic=DATA, payload=b"")])
        async with asyncio.timeout(30):
            while faults:
                await asyncio.sleep(0.001)
        await fixture.backlog.put([Work(intake=block(3), topic=DATA, payload=b"")])
    assert fixture.metrics.snapshot()["dropped"] == {"internal_error": 1.0}
    assert fixture.committed() == [0], "3..4 are committed, 1..2 are not"


async def test_refused_bindings_and_letters_do_not_stop_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    fixture = Fixture()

    async def refuse(_: object) -> None:
        raise StorageError("no")

    monkeypatch.setattr(fixture.store, "save_bindings", refuse)
    monkeypatch.setattr(fixture.store, "dead_letters", refuse)
    binding = AliasBinding(stream=STREAM, alias=1, device="d", metric="m", datatype=10)
    letters = tuple(DeadLetter(edge=EDGE, reason="decode_error", detail="d") for _ in range(3))
    await fixture.write(Intake(bindings=(binding,), letters=letters), block(1))
    assert fixture.committed() == [2]
    assert fixture.metrics.snapshot()["dropped"] == {Reason.SQL_REJECTED: 4.0}


async def test_a_refused_block_without_numbers_is_a_letter() -> None:
    fixture = Fixture()
    rows = block(1).block
    assert rows is not None
    foreign = BlockRows(
        stream=None,
        edge=EDGE,
        range=None,
        sequence=rows.sequence,
        point_id=rows.point_id,
        time_ms=rows.time_ms,
        counts=rows.counts,
        quality=rows.quality,
    )
    fixture.store.refuses = lambda b: b.stream is None
    await fixture.write(Intake(block=foreign), block(1))
    assert [(d.edge, d.reason, d.first, d.payload) for d in fixture.store.letters] == [(EDGE, Reason.SQL_REJECTED, None, b"raw")]
