"""What waits for the database: bounded in readings, handed out in batches of a size or an age, whichever comes first."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from domain.delivery import AliasBinding, BlockRows, DeadLetter
from ingest.intake import GatewayChange, Intake

_BYTES_A_READING = 64
"""More than any reading takes on the wire by alias (about 25)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Work:
    """One message's work, with the message itself in case the database refuses it."""

    intake: Intake
    topic: str
    payload: bytes

    @property
    def weight(self) -> int:
        """Readings, or as many as would fit into the payload's bytes: no flood of small or of large things passes the bound."""
        block = self.intake.block
        readings = 0 if block is None else block.sequence.size + len(block.dead)
        return max(1, readings, len(self.payload) // _BYTES_A_READING)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batch:
    """Work for one transaction, sorted by what it is."""

    bindings: tuple[AliasBinding, ...]
    gateways: tuple[GatewayChange, ...]
    """The newest change of each gateway."""
    letters: tuple[DeadLetter, ...]
    blocks: tuple[BlockWork, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BlockWork:
    """A block with the message it came in."""

    block: BlockRows
    topic: str
    payload: bytes


class Backlog:
    """A queue between the reader and the writer; one of each."""

    def __init__(self, *, max_rows: int) -> None:
        self._max_rows = max_rows
        self._work: deque[tuple[float, int, Work]] = deque()
        """When it came, its weight, the work."""
        self._rows = 0
        self._closed = False
        self._changed = asyncio.Condition()

    @property
    def rows(self) -> int:
        """Readings that wait."""
        return self._rows

    async def put(self, works: Sequence[Work]) -> None:
        """Adds work piece by piece; waits while the backlog is full."""
        async with self._changed:
            now_s = asyncio.get_running_loop().time()
            for work in works:
                if self._rows >= self._max_rows:
                    self._changed.notify_all()
                    await self._changed.wait_for(lambda: self._rows < self._max_rows)
                    now_s = asyncio.get_running_loop().time()
                weight = work.weight
                self._work.append((now_s, weight, work))
                self._rows += weight
            self._changed.notify_all()

    async def close(self) -> None:
        """Says that nothing more will come."""
        async with self._changed:
            self._closed = True
            self._changed.notify_all()

    async def take(self, *, rows: int, wait_s: float, quiet_s: float = 0.01) -> Batch | None:
        """The next batch: when ``rows`` wait, or the oldest has waited ``wait_s``, or nothing came for ``quiet_s``.

        A quiet road means that the gateways' windows are used up: waiting on would only delay their receipts.

        Returns:
            The work, or None when the backlog is closed and empty.
        """
        async with self._changed:
            await self._changed.wait_for(lambda: self._work or self._closed)
            if not self._work:
                return None
            due_s = self._work[0][0] + wait_s
            while not await self._within(quiet_s, due_s, rows):
                pass
            return self._pop(rows)

    async def _within(self, quiet_s: float, due_s: float, rows: int) -> bool:
        """Waits for one quiet period at most; True when the batch is to be handed out."""
        before = len(self._work)
        now_s = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(min(due_s, now_s + quiet_s)):
                await self._changed.wait_for(lambda: self._rows >= rows or self._closed)
        except TimeoutError:
            return len(self._work) == before or asyncio.get_running_loop().time() >= due_s
        return True

    def _pop(self, rows: int) -> Batch:
        taken: list[Work] = []
        weight = 0
        while self._work and (not taken or weight + self._work[0][1] <= rows):
            _, own, work = self._work.popleft()
            taken.append(work)
            weight += own
        self._rows -= weight
        self._changed.notify_all()
        return batch_of(taken)


def batch_of(works: list[Work]) -> Batch:
    """Work sorted by what it is."""
    intakes = [w.intake for w in works]
    return Batch(
        bindings=tuple(b for i in intakes for b in i.bindings),
        gateways=tuple({i.gateway.edge: i.gateway for i in intakes if i.gateway is not None}.values()),
        letters=tuple(dead for i in intakes for dead in i.letters),
        blocks=tuple(
            BlockWork(block=w.intake.block, topic=w.topic, payload=w.payload) for w in works if w.intake.block is not None
        ),
    )
