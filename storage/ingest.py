"""The only way a reading enters the database (port ``IngestStore``).

One transaction a batch: lock the ledger, leave out what it has, COPY the rest, note the dead, move the ledger, COMMIT. Two roads:

    COPY straight into ``reading`` ──a point and time is taken──▶ redo through a stage: insert what is new, compare what is not

The first is twice as fast and nearly always right, because the ledger has removed every resend before.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import psycopg
from psycopg import AsyncConnection

from domain.delivery import AliasBinding, BlockRows, DeadLetter, Receipt, Stream, WriteResult
from domain.errors import StorageError, StorageUnavailable
from domain.points import PointKey
from domain.ports import ChannelRow
from storage import gaps, ledger, rollups
from storage.batch import Batch, Settled, gather, settle
from storage.database import Database
from storage.dead_letters import RefusedRow, claim, disagreement, save_letters
from storage.ledger import Entry
from storage.reading_rows import WEEK_MS, Rows, copy_bytes
from storage.sequence_set import EMPTY, SequenceSet
from storage.sql import queries

_Q = queries("ingest")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayResult:
    """What became of one message's dead letters."""

    stored: int
    """Readings newly in the table."""
    repeated: int
    """Readings that were there already, the same."""
    dead: tuple[str, ...]
    """Reasons of the letters that it leaves now."""


class _TakenMeanwhile(Exception):
    """Somebody else has replayed these letters."""


class _Taken(Exception):
    """A point and time of the batch is in the table already."""


class PostgresIngestStore:
    """``IngestStore`` on PostgreSQL or TimescaleDB; many may write at once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._weeks: set[int] = set()
        """Weeks whose partition is known to exist."""
        self._streams: set[Stream] = set()
        """Streams whose ledger row is known to exist."""
        self._agreeing: set[Stream] = set()
        """Streams whose open letters were found to add up to what their ledger counts as dead."""

    async def channels(self) -> Sequence[ChannelRow]:
        """Every channel with its point's number, resolution and plausible limits."""
        async with self._database.transaction("read the channels") as connection:
            rows = await (await connection.execute(_Q["channels"])).fetchall()
        return tuple(
            ChannelRow(
                edge=edge,
                device=device,
                metric=metric,
                point_id=point_id,
                point=PointKey(key),
                resolution=resolution,
                low=low,
                high=high,
                valid_from_ms=valid_from,
                valid_to_ms=valid_to,
            )
            for edge, device, metric, point_id, key, resolution, low, high, valid_from, valid_to in rows
        )

    async def bindings(self) -> Sequence[AliasBinding]:
        """Alias bindings of every birth seen so far."""
        async with self._database.transaction("read the alias bindings") as connection:
            rows = await (await connection.execute(_Q["bindings"])).fetchall()
        return tuple(
            AliasBinding(stream=Stream(edge=edge, epoch=epoch), alias=alias, device=device, metric=metric, datatype=datatype)
            for edge, epoch, alias, device, metric, datatype in rows
        )

    async def save_bindings(self, bindings: Sequence[AliasBinding]) -> None:
        """Keeps what a birth certificate said. Bindings the table cannot name (numbers beyond 63 bits) are left out."""
        possible = [b for b in bindings if ledger.is_possible(b.stream) and 0 <= b.alias < 2**63]
        async with self._database.transaction("save alias bindings") as connection:
            await connection.execute(
                _Q["save_bindings"],
                {
                    "edges": [b.stream.edge for b in possible],
                    "epochs": [b.stream.epoch for b in possible],
                    "aliases": [b.alias for b in possible],
                    "devices": [b.device for b in possible],
                    "metrics": [b.metric for b in possible],
                    "datatypes": [b.datatype for b in possible],
                },
            )

    async def dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        """Keeps letters that belong to no block."""
        async with self._database.transaction("save dead letters") as connection:
            await save_letters(connection, letters)

    async def gateway_state(self, edge: str, *, online: bool, at: datetime) -> None:
        """Notes a birth or death of a gateway; news older than what is known changes nothing."""
        async with self._database.transaction("note the state of a gateway") as connection:
            await connection.execute(_Q["gateway_state"], {"edge": edge, "online": online, "at": at})

    async def receipts(self, streams: Sequence[Stream]) -> Sequence[Receipt]:
        """What is committed of these streams now."""
        possible = [stream for stream in streams if ledger.is_possible(stream)]
        async with self._database.transaction("read the ledger") as connection:
            known = await ledger.read(connection, possible)
        return tuple(ledger.receipt(stream, known.get(stream, EMPTY)) for stream in streams)

    async def write(self, blocks: Sequence[BlockRows]) -> WriteResult:
        """Ledger, rows and dead letters of these blocks in one transaction; returns after COMMIT.

        A row the database itself refuses is found by halving, in a transaction for each part, and becomes a dead letter.

        Raises:
            StorageUnavailable: The database is away or busy; the same blocks may be tried again.
            StorageError: The database refuses the work as such (rights, schema), not a row of it.
        """
        try:
            return await self._write(blocks)
        except StorageUnavailable:
            raise
        except StorageError as error:
            if not isinstance(error.__cause__, psycopg.DataError | psycopg.IntegrityError):
                raise
            self._forget()
            return await self._write_halves(blocks, error)

    async def replay(self, letters: Sequence[int], block: BlockRows) -> ReplayResult | None:
        """Brings dead letters back: their rows, what is still dead, and the ledger in one transaction; returns after COMMIT.

        The numbers of the letters are in the ledger already, as dead. To the block it looks as if they were not: each of them ends
        anew as stored, repeated or dead, and the ledger's sums move by the difference.

        Args:
            letters: Every open letter of one message.
            block: The message as it is understood now; numbers that are in no letter are skipped.

        Returns:
            What became of it; None if somebody else has replayed it meanwhile, and nothing was changed.

        Raises:
            StorageUnavailable: The database is away or busy.
            StorageError: The database refuses a row, or letters and ledger disagree; nothing was changed.
        """
        batch = gather([block])
        await self._prepare(batch)
        try:
            async with self._database.transaction("replay dead letters") as connection:
                await rollups.mark(connection, batch.rows)
                before = await self._locked(connection, batch.streams)
                for stream in before:
                    await self._check_agreement(connection, stream)
                claimed = await claim(connection, letters)
                if claimed is None:
                    raise _TakenMeanwhile  # rolls back
                settled = settle(batch, {stream: numbers - claimed for stream, numbers in before.items()})
                stored = await _insert(connection, settled)
                await save_letters(connection, settled.letters)
                await gaps.save(connection, (), gaps.beside([block]), settled, stored)
                entries = {
                    stream: replace(entry, dead=entry.dead - len(claimed)) for stream, entry in _entries(settled, stored).items()
                }
                _check_accounts(claimed, settled)
                await ledger.save(connection, before, entries)
        except _TakenMeanwhile:
            return None
        return ReplayResult(stored=len(stored), repeated=int(settled.repeated.sum()), dead=tuple(_words(settled)))

    async def _check_agreement(self, connection: AsyncConnection, stream: Stream) -> None:
        """Once for each stream: afterwards both move together."""
        if stream in self._agreeing:
            return
        wrong = await disagreement(connection, stream)
        if wrong is not None:
            raise StorageError(f"replay dead letters: {wrong}; letters of an earlier version overlap, these cannot be replayed")
        self._agreeing.add(stream)

    async def _write(self, blocks: Sequence[BlockRows]) -> WriteResult:
        """One transaction in as few round trips as may be: BEGIN and the ledger, COPY, ledger and COMMIT."""
        batch, beside = gather(blocks), gaps.beside(blocks)
        await self._prepare(batch)
        try:
            return await self._in_one_transaction(batch, beside, _copy_straight)
        except _Taken:
            return await self._in_one_transaction(batch, beside, _insert_staged)

    async def _in_one_transaction(self, batch: Batch, beside: gaps.Beside, insert: _Insert) -> WriteResult:
        async with self._database.transaction("write readings") as connection:
            async with connection.pipeline():
                await rollups.mark(connection, batch.rows)
                before = await self._locked(connection, batch.streams)
            settled = settle(batch, before)
            stored = await insert(connection, settled) if len(settled.rows) else settled.rows
            await save_letters(connection, settled.letters)
            dropped = gaps.settle_gaps(settled, beside, before)
            await gaps.save(connection, dropped, beside, settled, stored)
            async with connection.pipeline():
                await ledger.save(connection, before, _entries(settled, stored, dropped))
                await connection.commit()
        return WriteResult(
            stored=len(stored),
            skipped=settled.skipped + int(settled.repeated.sum()),
            conflicts=settled.conflicts,
            dead_letters=int(settled.dead.sum()),
            dropped=sum(len(one.numbers) for one in dropped),
            receipts=tuple(
                ledger.receipt(sender, before[sender] | settled.committing[number])
                for number, sender in enumerate(batch.senders)
                if isinstance(sender, Stream)
            ),
        )

    async def _prepare(self, batch: Batch) -> None:
        """Partitions and ledger rows, committed before the batch's own transaction: nobody waits for them holding a lock."""
        rows = batch.rows
        weeks = rows.weeks() - self._weeks
        streams = set(batch.streams) - self._streams
        if weeks or streams:
            async with self._database.transaction("prepare to write readings") as connection:
                if weeks:
                    times = [max(datetime.fromtimestamp(week * WEEK_MS / 1000, UTC), _FIRST) for week in sorted(weeks)]
                    await connection.execute(_Q["ensure_partitions"], {"times": times})
                if streams:
                    await ledger.ensure(connection, list(streams))
            self._weeks |= weeks
            self._streams |= streams

    async def _locked(self, connection: AsyncConnection, streams: Sequence[Stream]) -> dict[Stream, SequenceSet]:
        if not streams:
            return {}
        found = await ledger.lock(connection, streams)
        if len(found) < len(streams):
            self._forget()
            raise StorageUnavailable("write readings: ledger rows were taken away meanwhile; try again")
        return found

    def _forget(self) -> None:
        """What was known to exist may have been dropped."""
        self._weeks.clear()
        self._streams.clear()

    async def _write_halves(self, blocks: Sequence[BlockRows], error: StorageError) -> WriteResult:
        """The blocks in two parts; a single row that is refused becomes a dead letter."""
        if len(blocks) > 1:
            middle = len(blocks) // 2
            return _sum(await self.write(blocks[:middle]), await self.write(blocks[middle:]))
        block = blocks[0]
        size = block.point_id.size
        if size == 0:
            raise error
        if size > 1:
            parts = [_part(block, slice(0, size // 2), block.dead), _part(block, slice(size // 2, size), ())]
            return _sum(await self.write(parts[:1]), await self.write(parts[1:]))
        try:
            return await self._write(blocks)  # the partition may only have been missing
        except StorageUnavailable:
            raise
        except StorageError as last:
            result = await self._write([_part(block, slice(0, 0), (*block.dead, _rejected(block, last)))])
            return replace(result, rejected=1)


_FIRST = datetime(2000, 1, 1, tzinfo=UTC)


_Insert = Callable[[AsyncConnection, Settled], Awaitable[Rows]]
"""Writes the rows; returns those that are new. Repeated and conflicting ones are noted in ``Settled``."""


async def _insert(connection: AsyncConnection, settled: Settled) -> Rows:
    """Both roads within one transaction."""
    if not len(settled.rows):
        return settled.rows
    try:
        async with connection.transaction():
            return await _copy_straight(connection, settled)
    except _Taken:
        return await _insert_staged(connection, settled)


async def _copy_straight(connection: AsyncConnection, settled: Settled) -> Rows:
    """The fast road.

    Raises:
        _Taken: It is barred; the transaction can only be rolled back.
    """
    try:
        await _copy(connection, _Q["copy_readings"], copy_bytes(settled.rows))
    except psycopg.errors.UniqueViolation:
        raise _Taken from None
    return settled.rows


async def _insert_staged(connection: AsyncConnection, settled: Settled) -> Rows:
    rows = settled.rows
    await connection.execute(_Q["create_stage"])
    await _copy(connection, _Q["copy_stage"], copy_bytes(rows, places=True))
    taken = np.array([place for (place,) in await (await connection.execute(_Q["insert_staged"])).fetchall()], dtype=np.intp)
    other = await (await connection.execute(_Q["staged_conflicts"])).fetchall()
    for place, counts, quality in other:
        settled.refuse_conflict(rows, place, counts, quality)
    conflicting = np.array([place for place, _, _ in other], dtype=np.intp)
    settled.repeat(rows.take(np.setdiff1d(taken, conflicting)))
    new = np.ones(len(rows), dtype=np.bool_)
    new[taken] = False
    return rows.take(new)


async def _copy(connection: AsyncConnection, statement: bytes, data: bytes) -> None:
    async with connection.cursor() as cursor, cursor.copy(statement) as copy:
        await copy.write(data)


def _entries(settled: Settled, stored: Rows, dropped: Sequence[gaps.Dropped] = ()) -> Mapping[Stream, Entry]:
    """What each stream's ledger gains."""
    senders = settled.batch.senders
    counts = np.bincount(stored.stream, minlength=len(senders))
    newest = np.full(len(senders), np.iinfo(np.int64).min)
    np.maximum.at(newest, stored.stream, stored.time_ms)
    return {
        sender: Entry(
            committed=settled.committing[number],
            stored=int(counts[number]),
            repeated=int(settled.repeated[number]),
            dead=int(settled.dead[number]),
            dropped=sum(len(one.numbers) for one in dropped if one.stream == sender),
            newest=datetime.fromtimestamp(int(newest[number]) / 1000, UTC) if counts[number] else None,
        )
        for number, sender in enumerate(senders)
        if isinstance(sender, Stream)
    }


def _check_accounts(claimed: SequenceSet, settled: Settled) -> None:
    """Every number taken out of the dead must end somewhere.

    Raises:
        StorageError: One does not: the block does not hold it.
    """
    lost = claimed
    for committing in settled.committing.values():
        lost = lost - committing
    if len(lost):
        raise StorageError(f"replay dead letters: the message does not hold numbers {lost.literal()} of its letters")


def _words(settled: Settled) -> Sequence[str]:
    letters = (item.letter if isinstance(item, RefusedRow) else item for item in settled.letters)
    return [letter.reason for letter in letters]


def _part(block: BlockRows, which: slice, dead: tuple[DeadLetter, ...]) -> BlockRows:
    return replace(
        block,
        sequence=block.sequence[which],
        point_id=block.point_id[which],
        time_ms=block.time_ms[which],
        counts=block.counts[which],
        quality=block.quality[which],
        device_ms=None if block.device_ms is None else block.device_ms[which],
        dead=dead,
    )


def _rejected(block: BlockRows, error: StorageError) -> DeadLetter:
    sequence = int(block.sequence[0]) if block.stream else None
    return DeadLetter(
        edge=block.stream.edge if block.stream else block.edge,
        reason="sql_rejected",
        detail=f"point {block.point_id[0]}, {block.counts[0]} steps at {block.time_ms[0]} ms: {error}",
        epoch=block.stream.epoch if block.stream else None,
        first=sequence,
        last=sequence,
    )


def _sum(one: WriteResult, two: WriteResult) -> WriteResult:
    """Both results; of two receipts for one stream the later."""
    receipts = {receipt.stream: receipt for receipt in (*one.receipts, *two.receipts)}
    return WriteResult(
        stored=one.stored + two.stored,
        skipped=one.skipped + two.skipped,
        conflicts=one.conflicts + two.conflicts,
        dead_letters=one.dead_letters + two.dead_letters,
        dropped=one.dropped + two.dropped,
        rejected=one.rejected + two.rejected,
        receipts=tuple(receipts.values()),
    )
