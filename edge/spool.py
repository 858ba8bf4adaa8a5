"""The spool: a reading exists only once it is committed here.

    append ──▶ block [first, last] ──▶ published ──▶ receipt ──▶ marked acknowledged ──▶ purged after ``keep_acked_hours``
                    ▲                                   │
                    └── made unacknowledged again ◀─────┘  when receipts show that the database has forgotten it

Numbers start at 1 and are never given twice: the high-water mark lives apart from the rows that can be deleted. Every call blocks;
``DatabaseThread`` keeps it off the event loop.
"""

from __future__ import annotations

import secrets
import sqlite3
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from domain.delivery import GapRecord, Receipt, SequenceRange
from edge import gaps, receipts, room
from edge.database import transaction
from edge.readings import READING, Block, BlockHead, Channel, Lane, Rows, SpoolReading, pack
from edge.receipts import Applied

DOUBLE = 10
"""Sparkplug's number of the datatype all readings have."""
_HEAD = "first, last, device, historical"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolStats:
    """Counts of readings unless said otherwise."""

    epoch: int
    spooled: int
    """Ever given a number."""
    acked: int
    """In the database, by receipt."""
    depth_readings: int
    """Held without a receipt."""
    depth_blocks: int
    dropped: int
    """Given a number and lost, each with a gap record."""
    gaps_untold: int
    """Gap records that the centre has not acknowledged yet."""
    bytes: int
    """Used in the file."""
    max_bytes: int
    """Beyond which something must go."""


class Spool:
    """The readings of one gateway, durable and numbered."""

    def __init__(
        self, connection: sqlite3.Connection, *, block_readings: int = 200, max_bytes: int = 1 << 30, rewind_after: int = 3
    ) -> None:
        """Takes over an open database; ``rewind_after`` receipts in a row must agree before acknowledged blocks are sent again."""
        self._db = connection
        self._block_readings = block_readings
        self._max_bytes = max_bytes
        self._rewind = receipts.RewindGuard(confirmations=rewind_after)
        self.epoch = self._meta("epoch", secrets.randbits(62) | 1)
        self._next = self._meta("next", 1)
        self._channels: dict[tuple[str, str, int], Channel] = {}
        for alias, device, metric, datatype in self._db.execute("SELECT id, device, metric, datatype FROM channel ORDER BY id"):
            self._channels[device, metric, datatype] = Channel(alias=alias, device=device, metric=metric, datatype=datatype)
        self._amounts = {c.alias for c in self._channels.values() if room.is_amount(c.metric)}
        self._depth_blocks, self._depth_readings = self._count_unacked()
        self._gaps_untold = gaps.count_untold(self._db)
        self._dropped = int(self._db.execute("SELECT coalesce(sum(last - first + 1), 0) FROM gap").fetchone()[0])

    # ── channels ────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def channel(self, device: str, metric: str, datatype: int = DOUBLE) -> Channel:
        """The channel of a metric, made on first use; its alias is good for the whole epoch."""
        found = self._channels.get((device, metric, datatype))
        if found is None:
            cursor = self._db.execute("INSERT INTO channel (device, metric, datatype) VALUES (?, ?, ?)", (device, metric, datatype))
            alias = int(cursor.lastrowid or 0)
            found = Channel(alias=alias, device=device, metric=metric, datatype=datatype)
            self._channels[device, metric, datatype] = found
            if room.is_amount(metric):
                self._amounts.add(alias)
        return found

    def channels(self, device: str | None = None) -> tuple[Channel, ...]:
        """Every channel, or those of one device, by alias."""
        return tuple(c for c in tuple(self._channels.values()) if device is None or c.device == device)

    # ── writing ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def append(self, readings: Sequence[SpoolReading], *, now_ms: int, historical: bool = False) -> tuple[SequenceRange, ...]:
        """Numbers and commits readings in one transaction; those of one device stay in their order.

        Returns:
            The range of each block, in the order of the devices' first appearance. After it returns they survive a power cut.
        """
        order = {device: i for i, device in enumerate(dict.fromkeys(r.device for r in readings))}
        batches = []
        for device, group in groupby(sorted(readings, key=lambda r: order[r.device]), key=lambda r: r.device):
            members = list(group)
            batches.append((device, pack([self.channel(device, r.metric).alias for r in members], members)))
        return self.append_rows(batches, now_ms=now_ms, historical=historical)

    def append_rows(
        self,
        batches: Sequence[tuple[str, Rows]],
        *,
        now_ms: int,
        historical: bool = False,
        marker: tuple[str, int] | None = None,
    ) -> tuple[SequenceRange, ...]:
        """Numbers and commits (device, rows) batches in one transaction, with an import's (key, progress) if there is one."""
        heads, payloads, first = [], [], self._next
        for device, rows in batches:
            for start in range(0, len(rows), self._block_readings):
                chunk = rows[start : start + self._block_readings]
                data = chunk.tobytes()
                amounts = not self._amounts.isdisjoint(chunk["channel"].tolist())
                heads.append((first, first + len(chunk) - 1, device, now_ms, int(historical), zlib.crc32(data), int(amounts)))
                payloads.append((first, data))
                first += len(chunk)
        with transaction(self._db) as db:
            db.executemany(
                "INSERT INTO block (first, last, device, created_ms, historical, crc, amounts) VALUES (?, ?, ?, ?, ?, ?, ?)", heads
            )
            db.executemany("INSERT INTO payload (first, readings) VALUES (?, ?)", payloads)
            db.execute("UPDATE meta SET value = ? WHERE key = 'next'", (first,))
            if marker is not None:
                db.execute("INSERT OR REPLACE INTO marker (key, progress) VALUES (?, ?)", marker)
        self._depth_readings += first - self._next
        self._depth_blocks += len(heads)
        self._next = first
        return tuple(SequenceRange(first=h[0], last=h[1]) for h in heads)

    def progress(self, key: str) -> int:
        """How far the import with this key has come; 0 if it never began."""
        row = self._db.execute("SELECT progress FROM marker WHERE key = ?", (key,)).fetchone()
        return 0 if row is None else int(row[0])

    # ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def unacked(self, lane: Lane, *, limit: int, fresh_ms: int) -> tuple[BlockHead, ...]:
        """Blocks of a lane without receipt. Live is what was spooled, not imported, at or after ``fresh_ms``.

        Of live blocks the newest come first, so that after an outage what is read now does not wait for what was read meanwhile.
        The backlog is everything, the oldest first and what was imported last.
        """
        if lane is Lane.LIVE:
            newest = "historical = 0 AND created_ms >= ? ORDER BY created_ms DESC, first LIMIT ?"
            return self._heads(lane, newest, (fresh_ms, limit))
        late = self._heads(lane, "historical = 0 ORDER BY created_ms, first LIMIT ?", (limit,))
        return (late + self._heads(lane, "historical = 1 ORDER BY first LIMIT ?", (limit,)))[:limit]

    def load(self, heads: Sequence[BlockHead], *, now_ms: int) -> tuple[Block, ...]:
        """These blocks with their readings. What is gone or damaged is left out; damage becomes a gap record."""
        blocks = []
        for head in heads:
            row = self._db.execute(
                "SELECT readings, crc FROM payload JOIN block USING (first) WHERE first = ? AND acked_at IS NULL", (head.first,)
            ).fetchone()
            if row is None:
                continue
            if zlib.crc32(row[0]) != row[1] or len(row[0]) != len(head.range) * READING.itemsize:
                self._forget(head.range, now_ms)
                continue
            blocks.append(Block(head=head, rows=np.frombuffer(row[0], dtype=READING)))
        return tuple(blocks)

    def gaps(self, *, limit: int) -> tuple[GapRecord, ...]:
        """Gap records without receipt, the oldest numbers first."""
        return gaps.untold(self._db, limit=limit) if self._gaps_untold else ()

    @property
    def gaps_untold(self) -> int:
        """Gap records without receipt."""
        return self._gaps_untold

    @property
    def depth(self) -> int:
        """Blocks without receipt."""
        return self._depth_blocks

    def stats(self) -> SpoolStats:
        """The counts now."""
        spooled = self._next - 1
        return SpoolStats(
            epoch=self.epoch,
            spooled=spooled,
            acked=spooled - self._depth_readings - self._dropped,
            depth_readings=self._depth_readings,
            depth_blocks=self._depth_blocks,
            dropped=self._dropped,
            gaps_untold=self._gaps_untold,
            bytes=room.used_bytes(self._db),
            max_bytes=self._max_bytes,
        )

    # ── receipts, room ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def apply(self, receipt: Receipt, *, now_ms: int) -> Applied:
        """Marks what the database has committed; foreign epochs are ignored. See ``edge.receipts``.

        Not made durable at once: a receipt forgotten in a power cut costs a resend, which the ledger skips.
        """
        if receipt.stream.epoch != self.epoch:
            return Applied()
        with transaction(self._db, durable=False) as db:
            applied = receipts.apply(
                db,
                receipt,
                guard=self._rewind,
                high_water=self._next - 1,
                depth_readings=self._depth_readings,
                now_ms=now_ms,
            )
        self._depth_blocks += applied.reopened_blocks - len(applied.acked)
        self._depth_readings += applied.reopened_readings - applied.acked_readings
        self._dropped += applied.lost
        if applied.gaps_changed:
            self._gaps_untold = gaps.count_untold(self._db)
        return applied

    def purge(self, *, now_ms: int, keep_acked_ms: int) -> int:
        """Deletes what was acknowledged longer than ``keep_acked_ms`` ago, and makes room below the size limit.

        Returns:
            How many readings without receipt had to go for want of room; each has a gap record.
        """
        possible = room.possible_bytes(self._db)
        limit = self._max_bytes if possible is None else min(self._max_bytes, possible)
        with transaction(self._db) as db:
            room.purge_acked(db, before_ms=now_ms - keep_acked_ms)
            dropped = room.make_room(db, max_bytes=limit, now_ms=now_ms)
        self._note_dropped(dropped)
        return sum(len(r) for r in dropped)

    def next_bd_seq(self) -> int:
        """The birth-death number of a new connection: 0-255, one more than the last, durable."""
        with transaction(self._db) as db:
            db.execute("INSERT INTO meta VALUES ('bd_seq', 0) ON CONFLICT (key) DO UPDATE SET value = (value + 1) % 256")
            return int(db.execute("SELECT value FROM meta WHERE key = 'bd_seq'").fetchone()[0])

    # ── inside ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _meta(self, key: str, default: int) -> int:
        self._db.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (key, default))
        return int(self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()[0])

    def _count_unacked(self) -> tuple[int, int]:
        row = self._db.execute("SELECT count(*), coalesce(sum(last - first + 1), 0) FROM block WHERE acked_at IS NULL").fetchone()
        return int(row[0]), int(row[1])

    def _heads(self, lane: Lane, where: str, values: tuple[int, ...]) -> tuple[BlockHead, ...]:
        rows = self._db.execute(f"SELECT {_HEAD} FROM block WHERE acked_at IS NULL AND {where}", values)  # noqa: S608  (no input in it)
        return tuple(
            BlockHead(range=SequenceRange(first=first, last=last), device=device, lane=lane, historical=bool(historical))
            for first, last, device, historical in rows
        )

    def _forget(self, numbers: SequenceRange, now_ms: int) -> None:
        """A block that cannot be read becomes a gap record."""
        with transaction(self._db) as db:
            head = room.head_of(db, numbers.first)
            if head is None:
                return
            room.drop(db, [head], reason=gaps.DAMAGED, now_ms=now_ms)
        self._note_dropped([numbers])

    def _note_dropped(self, dropped: Sequence[SequenceRange]) -> None:
        readings = sum(len(r) for r in dropped)
        self._depth_blocks -= len(dropped)
        self._depth_readings -= readings
        self._dropped += readings
        if dropped:
            self._gaps_untold = gaps.count_untold(self._db)
