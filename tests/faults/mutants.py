"""Builds that are wrong on purpose, each by one thought that sounds reasonable. They exist to be caught.

``python -m tests.faults.mutants NAME ARGUMENT…`` changes the product in memory, then runs the program that it stands for.

| name | the thought | what it breaks |
|---|---|---|
| ``freed_at_publish`` | "the client took the block, so it is on its way" | loss |
| ``freed_at_puback`` | "QoS 1: the broker has acknowledged it" | loss |
| ``receipt_before_commit`` | "everything is written, COMMIT is a formality" | loss |
| ``ledger_first`` | "one transaction for the ledger, one for the rows" | loss |
| ``ledger_last`` | the same in the other order | duplicates |
| ``commit_unsynced`` | "``synchronous_commit = off`` is so much faster" | loss |
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import aiomqtt
from psycopg import AsyncConnection

import app.services
from domain.delivery import Receipt, Stream, WriteResult
from edge.database import transaction
from edge.publisher import Publisher, Send
from edge.readings import Block, BlockHead
from edge.session import Message
from edge.spool import Spool
from edge.uplink import Uplink
from edge.waiting import wait_for
from ingest.outbox import Outbox
from ingest.service import IngestService
from storage import gaps, ledger, rollups
from storage.batch import Batch, Settled, settle
from storage.database import Database
from storage.dead_letters import save_letters
from storage.ingest import PostgresIngestStore, _entries
from storage.sequence_set import SequenceSet
from tests.support.faults.generator import main as run_generator

# ── the edge ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def freed_at_publish() -> None:
    """The spool deletes a block as soon as the client has taken it."""
    honest = Publisher._send_block

    async def send_and_free(self: Publisher, send: Send, block: Block) -> None:
        await honest(self, send, block)
        await self._database.run(free, self._spool, block.head)
        self._window.forget(block.head.first)

    Publisher._send_block = send_and_free


def freed_at_puback() -> None:
    """Blocks go out at QoS 1, and the spool deletes them when the broker has acknowledged them."""

    async def send_at_qos_1(self: Uplink, client: aiomqtt.Client) -> None:
        async def send(message: Message) -> None:
            await client.publish(message.topic, message.payload, qos=1)  # returns with the PUBACK

        await self._publisher.begin(send)
        while True:
            self._wake.clear()
            await wait_for(self._wake, await self._publisher.publish_due(send))

    Uplink._send = send_at_qos_1
    freed_at_publish()


def free(spool: Spool, head: BlockHead) -> None:
    """Deletes a block, receipt or not."""
    with transaction(spool._db) as db:
        db.execute("DELETE FROM payload WHERE first = ?", (head.first,))
        gone = db.execute("DELETE FROM block WHERE first = ? AND acked_at IS NULL RETURNING first", (head.first,)).fetchall()
    spool._depth_blocks -= len(gone)
    spool._depth_readings -= len(gone) * len(head.range)


# ── the ingestor ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class EarlyReceipts(PostgresIngestStore):
    """Sends the receipts of a transaction when all of it is done but COMMIT."""

    outbox: Outbox

    async def _in_one_transaction(self, batch: Batch, beside: gaps.Beside, insert: Any) -> WriteResult:
        async with self._database.transaction("write readings") as connection:
            before = await self._locked(connection, batch.streams)
            settled = settle(batch, before)
            entries = await write_rows(connection, batch, beside, before, settled, insert)
            await ledger.save(connection, before, entries)
            for receipt in receipts_of(batch, before, settled.committing):
                self.outbox.receipt(receipt)
        return result_of(settled)


class EarlyService(IngestService):
    """Gives the store what it sends receipts with."""

    def __init__(self, store: EarlyReceipts, *args: Any, **more: Any) -> None:
        super().__init__(store, *args, **more)
        store.outbox = self._outbox


class LedgerFirst(PostgresIngestStore):
    """Commits the ledger, then the rows."""

    async def _in_one_transaction(self, batch: Batch, beside: gaps.Beside, insert: Any) -> WriteResult:
        async with self._database.transaction("write the ledger") as connection:
            before = await self._locked(connection, batch.streams)
            settled = settle(batch, before)
            await ledger.save(connection, before, _entries(settled, settled.rows, ()))
        async with self._database.transaction("write readings") as connection:
            await write_rows(connection, batch, beside, before, settled, insert)
        return result_of(settled, receipts_of(batch, before, settled.committing))


class LedgerLast(PostgresIngestStore):
    """Commits the rows, then the ledger."""

    async def _in_one_transaction(self, batch: Batch, beside: gaps.Beside, insert: Any) -> WriteResult:
        async with self._database.transaction("write readings") as connection:
            before = await self._locked(connection, batch.streams)
            settled = settle(batch, before)
            entries = await write_rows(connection, batch, beside, before, settled, insert)
        async with self._database.transaction("write the ledger") as connection:
            await ledger.save(connection, before, entries)
        return result_of(settled, receipts_of(batch, before, settled.committing))


class UnsyncedDatabase(Database):
    """Does not wait for the disk."""

    def __init__(self, dsn: str, **more: Any) -> None:
        super().__init__(f"{dsn}?options=-csynchronous_commit%3Doff", **more)


async def write_rows(
    connection: AsyncConnection,
    batch: Batch,
    beside: gaps.Beside,
    before: Mapping[Stream, SequenceSet],
    settled: Settled,
    insert: Any,
) -> Mapping[Stream, ledger.Entry]:
    """Everything of a transaction but the ledger, as the product does it; returns what the ledger is to gain."""
    await rollups.mark(connection, batch.rows)
    stored = await insert(connection, settled) if len(settled.rows) else settled.rows
    await save_letters(connection, settled.letters)
    dropped = gaps.settle_gaps(settled, beside, before)
    await gaps.save(connection, dropped, beside, settled, stored)
    return _entries(settled, stored, dropped)


def result_of(settled: Settled, receipts: tuple[Receipt, ...] = ()) -> WriteResult:
    """What a transaction without trouble did."""
    return WriteResult(stored=len(settled.rows), skipped=0, conflicts=0, dead_letters=0, receipts=receipts)


def receipts_of(batch: Batch, before: Mapping[Stream, SequenceSet], committing: Mapping[int, SequenceSet]) -> tuple[Receipt, ...]:
    """The receipts of a batch's streams."""
    senders = enumerate(batch.senders)
    return tuple(ledger.receipt(s, before[s] | committing[number]) for number, s in senders if isinstance(s, Stream))


def _wire(name: str, mutant: type) -> None:
    """Puts a mutant where the wiring takes its part from."""
    assert hasattr(app.services, name), f"app.services calls nothing {name} any more"
    setattr(app.services, name, mutant)


def receipt_before_commit() -> None:
    """See ``EarlyReceipts``."""
    _wire("PostgresIngestStore", EarlyReceipts)
    _wire("IngestService", EarlyService)


def ledger_first() -> None:
    """See ``LedgerFirst``."""
    _wire("PostgresIngestStore", LedgerFirst)


def ledger_last() -> None:
    """See ``LedgerLast``."""
    _wire("PostgresIngestStore", LedgerLast)


def commit_unsynced() -> None:
    """See ``UnsyncedDatabase``."""
    _wire("Database", UnsyncedDatabase)


EDGE: dict[str, Callable[[], None]] = {"freed_at_publish": freed_at_publish, "freed_at_puback": freed_at_puback}
INGEST: dict[str, Callable[[], None]] = {
    "receipt_before_commit": receipt_before_commit,
    "ledger_first": ledger_first,
    "ledger_last": ledger_last,
    "commit_unsynced": commit_unsynced,
}


def main(name: str, arguments: Sequence[str]) -> None:
    """Runs a wrong build with the arguments of the right one."""
    if name in EDGE:
        EDGE[name]()
        run_generator(arguments[0])
        return
    from app.cli import main as khettara

    INGEST[name]()
    sys.argv = ["khettara", *arguments]
    khettara()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
