"""Lanes: each gateway in one, several transactions at a time, no more waiting than one backlog would hold."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from prometheus_client import CollectorRegistry

from domain.delivery import AliasBinding, BlockRows, DeadLetter, SequenceRange, Stream, WriteResult
from ingest.backlog import Work
from ingest.decode import refused_block
from ingest.intake import Intake
from ingest.lanes import Lanes, edge_of
from ingest.metrics import IngestMetrics
from ingest.outbox import Outbox
from ingest.settings import BatchSettings
from tests.support.ingest_store import MemoryStore


class SlowStore(MemoryStore):
    """Counts how many transactions are open at once; each waits until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()
        self.open = 0
        self.edges: list[str] = []

    async def write(self, blocks: Sequence[BlockRows]) -> WriteResult:
        self.open += 1
        self.edges += [block.edge for block in blocks]
        await self.go.wait()
        return await super().write(blocks)


def work(edge: str, number: int) -> Work:
    block = refused_block(Stream(edge=edge, epoch=1), SequenceRange(first=number, last=number), "r", "d")
    return Work(intake=Intake(block=block), topic="t", payload=b"")


async def test_gateways_are_written_beside_one_another_each_in_its_order() -> None:
    store = SlowStore()
    settings = BatchSettings(rows=1, lanes=4, wait_s=0.0)
    lanes = Lanes(store, outbox=Outbox(), metrics=IngestMetrics(CollectorRegistry()), settings=settings)
    running = asyncio.create_task(lanes.run())
    await lanes.put([work(f"g/{edge}", number) for number in range(1, 4) for edge in range(8)])
    while store.open < 4:
        await asyncio.sleep(0)
    assert store.open == 4
    assert len(set(store.edges)) == 4
    store.go.set()
    await lanes.close()
    await running
    for edge in range(8):
        written = [letter.first for letter in store.letters if letter.edge == f"g/{edge}"]
        assert written == [1, 2, 3]


def test_whatever_a_message_is_about_it_belongs_to_its_gateway() -> None:
    stream = Stream(edge="g/n", epoch=1)
    binding = AliasBinding(stream=stream, alias=1, device="d", metric="m", datatype=10)
    assert edge_of(Intake(bindings=(binding,))) == "g/n"
    assert edge_of(Intake(letters=(DeadLetter(edge="g/n", reason="r", detail="d"),))) == "g/n"
    assert edge_of(Intake()) == ""
