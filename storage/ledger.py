"""The ledger in the database: which numbers of a stream are committed. Moved in the same transaction as the rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import AsyncConnection

from domain.delivery import Receipt, Stream
from storage.sequence_set import EMPTY, SequenceSet
from storage.sql import queries


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What one transaction adds to the ledger of a stream.

    ``len(committed) == stored + repeated + dead + dropped`` for numbers that are new; a replay commits none that are new, and takes
    from ``dead`` what it adds to the others.
    """

    committed: SequenceSet = EMPTY
    stored: int = 0
    repeated: int = 0
    dead: int = 0
    dropped: int = 0
    newest: datetime | None = None


def is_possible(stream: Stream) -> bool:
    """Whether the database can name this stream: an epoch of 63 bits, a name without NUL."""
    return 0 <= stream.epoch < 2**63 and "\0" not in stream.edge and stream.edge.isprintable()


def receipt(stream: Stream, committed: SequenceSet) -> Receipt:
    """The receipt for a set of committed numbers."""
    prefix = committed.prefix()
    return Receipt(stream=stream, committed=prefix, above=committed.ranges_above(prefix))


async def ensure(connection: AsyncConnection, streams: Sequence[Stream]) -> None:
    """Makes the rows of streams never seen before. In a transaction of its own, so that nobody waits for it holding other rows.

    A gateway that has a row already has begun a new spool: a gap record says that nobody knows what its old one still held.
    """
    made = await (await connection.execute(queries("ingest")["ensure_ledger"], _columns(sorted(streams)))).fetchall()
    if made:
        fresh = [Stream(edge=edge, epoch=epoch) for edge, epoch in made]
        await connection.execute(queries("gaps")["new_spools"], _columns(fresh))


async def lock(connection: AsyncConnection, streams: Sequence[Stream]) -> dict[Stream, SequenceSet]:
    """Committed numbers of the streams that have a row; the rows stay locked, taken in one order by everybody: no deadlock."""
    return await _read(connection, "lock_ledger", streams)


async def read(connection: AsyncConnection, streams: Sequence[Stream]) -> dict[Stream, SequenceSet]:
    """Committed numbers of the streams that have a row, without a lock."""
    return await _read(connection, "read_ledger", streams)


async def save(connection: AsyncConnection, before: Mapping[Stream, SequenceSet], entries: Mapping[Stream, Entry]) -> None:
    """Adds the entries to the locked rows."""
    changed = [stream for stream, entry in entries.items() if len(entry.committed)]
    if not changed:
        return
    parts = [entries[stream] for stream in changed]
    await connection.execute(
        queries("ingest")["save_ledger"],
        _columns(changed)
        | {
            "committed": [(before[stream] | entries[stream].committed).literal() for stream in changed],
            "stored": [entry.stored for entry in parts],
            "repeated": [entry.repeated for entry in parts],
            "dead": [entry.dead for entry in parts],
            "dropped": [entry.dropped for entry in parts],
            "newest": [entry.newest for entry in parts],
        },
    )


async def _read(connection: AsyncConnection, query: str, streams: Sequence[Stream]) -> dict[Stream, SequenceSet]:
    cursor = await connection.execute(queries("ingest")[query], _columns(streams))
    return {
        Stream(edge=edge, epoch=epoch): SequenceSet.of((part.lower, part.upper) for part in committed)
        for edge, epoch, committed in await cursor.fetchall()
    }


def _columns(streams: Sequence[Stream]) -> dict[str, object]:
    return {"edges": [s.edge for s in streams], "epochs": [s.epoch for s in streams]}
