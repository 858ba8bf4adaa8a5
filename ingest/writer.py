"""Batches into the store, whatever the store says to them.

away            keep the batch and try again, ever slower: nothing more is read meanwhile, the gateways keep theirs
refuses it      halve the batch until one block stands alone; that one becomes a dead letter, the rest is written
refuses all     (rights, schema) or a fault of ours: give the batch up unacknowledged, the gateways send it again
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

import structlog

from domain.delivery import AliasBinding, DeadLetter, WriteResult
from domain.errors import StorageError
from domain.ports import IngestStore
from ingest.backlog import Backlog, Batch, BlockWork
from ingest.decode import refused_block
from ingest.metrics import IngestMetrics
from ingest.outbox import Outbox
from ingest.reasons import Reason, letter
from ingest.settings import BatchSettings

T = TypeVar("T")
REFUSED_IN_A_ROW = 3
"""So many blocks refused and none taken between them: it is not the blocks."""
log = structlog.get_logger(__name__)


class Writer:
    """Takes batches out of the backlog until it is closed and empty."""

    def __init__(
        self, store: IngestStore, *, backlog: Backlog, outbox: Outbox, metrics: IngestMetrics, settings: BatchSettings
    ) -> None:
        self._store = store
        self._backlog = backlog
        self._outbox = outbox
        self._metrics = metrics
        self._settings = settings
        self._refused_in_a_row = 0

    async def run(self) -> None:
        """Writes until the backlog is closed and empty."""
        bounds = self._settings
        while (batch := await self._backlog.take(rows=bounds.rows, wait_s=bounds.wait_s, quiet_s=bounds.quiet_s)) is not None:
            try:
                await self._write(batch)
            except Exception:
                # Supervisor: whatever it was, these blocks are not receipted, so nothing is lost by going on with the next.
                log.exception("batch_given_up", blocks=len(batch.blocks))
                self._metrics.dropped("internal_error", len(batch.blocks))
                await asyncio.sleep(self._settings.retry_max_s)

    async def _write(self, batch: Batch) -> None:
        """Bindings first: what they explain must not be in the database without them."""
        if batch.bindings:
            await self._save_bindings(batch.bindings)
        for change in batch.gateways:
            await self.patiently(partial(self._store.gateway_state, change.edge, online=change.online, at=change.at))
        if batch.letters:
            await self._save_letters(batch.letters)
        if batch.blocks:
            await self._write_blocks(batch.blocks)

    async def _write_blocks(self, works: Sequence[BlockWork]) -> None:
        blocks = [work.block for work in works]
        started = asyncio.get_running_loop().time()
        try:
            result = await self.patiently(lambda: self._store.write(blocks))
        except StorageError as error:
            if len(works) == 1:
                await self._refuse(works[0], error)
                return
            middle = len(works) // 2
            await self._write_blocks(works[:middle])
            await self._write_blocks(works[middle:])
            return
        self._refused_in_a_row = 0
        self._metrics.written(blocks, result, asyncio.get_running_loop().time() - started)
        self._receipt(result)

    async def _refuse(self, work: BlockWork, error: StorageError) -> None:
        """One block that the database refuses ends as a dead letter; if even that is refused, without its bytes.

        Raises:
            StorageError: The database takes no block at all: nothing is given up for that.
        """
        block = work.block
        if self._refused_in_a_row >= REFUSED_IN_A_ROW:
            raise error
        self._refused_in_a_row += 1
        log.error("block_refused", topic=work.topic, error=str(error))
        if block.stream is None or block.range is None:
            refused = letter(Reason.SQL_REJECTED, str(error), edge=block.edge, topic=work.topic, payload=work.payload)
            await self._save_letters([refused])
            return
        for payload, detail in ((work.payload, str(error)), (b"", "the database refused the block and its bytes")):
            instead = refused_block(
                block.stream, block.range, Reason.SQL_REJECTED, detail, topic=work.topic if payload else "", payload=payload
            )
            try:
                result = await self.patiently(partial(self._store.write, [instead]))
            except StorageError:
                log.exception("letter_refused", topic=work.topic)
                continue
            self._metrics.written([instead], result, 0.0)
            self._receipt(result)
            return
        self._metrics.dropped(Reason.SQL_REJECTED)

    async def _save_bindings(self, bindings: Sequence[AliasBinding]) -> None:
        """A binding that the database refuses stays in memory: after a restart the gateway is asked again."""
        try:
            await self.patiently(lambda: self._store.save_bindings(bindings))
        except StorageError as error:
            log.exception("bindings_refused", count=len(bindings))
            for edge in {b.stream.edge for b in bindings}:
                await self._save_letters([letter(Reason.SQL_REJECTED, f"alias bindings: {error}", edge=edge)])

    async def _save_letters(self, letters: Sequence[DeadLetter]) -> None:
        try:
            await self.patiently(lambda: self._store.dead_letters(letters))
        except StorageError:
            if len(letters) == 1:
                log.exception("letter_refused", topic=letters[0].topic, reason=letters[0].reason)
                self._metrics.dropped(Reason.SQL_REJECTED)
                return
            for one in letters:
                await self._save_letters([one])
            return
        self._metrics.letters(letters)

    def _receipt(self, result: WriteResult) -> None:
        for receipt in result.receipts:
            self._outbox.receipt(receipt)

    async def patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """The call's answer, tried again while the store is away; every other error goes through."""
        pause_s = self._settings.retry_min_s
        while True:
            try:
                return await call()
            except StorageError as error:
                if not error.retryable:
                    raise
                self._metrics.retried()
                log.warning("storage_away", error=str(error), again_in_s=round(pause_s, 2))
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, self._settings.retry_max_s)
