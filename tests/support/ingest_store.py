"""An ``IngestStore`` in memory: the same promises as the database's, and faults on demand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from domain.delivery import NULL_COUNT, AliasBinding, BlockRows, DeadLetter, GapRecord, Receipt, Stream, WriteResult
from domain.errors import StorageError, StorageUnavailable
from domain.ports import ChannelRow
from storage.sequence_set import EMPTY, SequenceSet


def channel(edge: str, device: str, metric: str, point_id: int, **other: Any) -> ChannelRow:
    """A channel with everyday limits."""
    values: dict[str, Any] = {
        "resolution": 0.01,
        "low": 0.0,
        "high": 500.0,
        "valid_from_ms": None,
        "valid_to_ms": None,
        "point": f"p{point_id}",
    }
    return ChannelRow(edge=edge, device=device, metric=metric, point_id=point_id, **(values | other))


class MemoryStore:
    """Ledger, rows and letters as plain collections."""

    def __init__(self, channels: Sequence[ChannelRow] = ()) -> None:
        self.inventory = list(channels)
        self.saved_bindings: list[AliasBinding] = []
        self.ledger: dict[Stream, set[int]] = defaultdict(set)
        self.rows: dict[tuple[int, int], tuple[int | None, int]] = {}
        """(point, time ms) → (counts, quality)"""
        self.letters: list[DeadLetter] = []
        self.gaps: list[tuple[Stream, GapRecord]] = []
        self._dropped: dict[Stream, SequenceSet] = defaultdict(lambda: EMPTY)
        self.gateways: dict[str, tuple[bool, datetime]] = {}
        self.history: list[str] = []
        """Names of the calls that succeeded."""
        self.away = False
        self.refuses: Callable[[BlockRows], bool] = lambda _: False
        """Blocks for which a write fails for good."""
        self.breaks: Callable[[], Exception | None] = lambda: None
        """An unexpected error for the next write."""

    async def channels(self) -> Sequence[ChannelRow]:
        self._call("channels")
        return tuple(self.inventory)

    async def bindings(self) -> Sequence[AliasBinding]:
        self._call("bindings")
        return tuple(self.saved_bindings)

    async def save_bindings(self, bindings: Sequence[AliasBinding]) -> None:
        self._call("save_bindings")
        self.saved_bindings.extend(bindings)

    async def dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        self._call("dead_letters")
        self.letters.extend(letters)

    async def gateway_state(self, edge: str, *, online: bool, at: datetime) -> None:
        self._call("gateway_state")
        self.gateways[edge] = (online, at)

    async def receipts(self, streams: Sequence[Stream]) -> Sequence[Receipt]:
        self._call("receipts")
        return tuple(self._receipt(stream) for stream in streams)

    async def write(self, blocks: Sequence[BlockRows]) -> WriteResult:
        broken = self.breaks()
        if broken is not None:
            raise broken
        if any(self.refuses(block) for block in blocks) and not self.away:
            raise StorageError("the database refused: value out of range")
        self._call("write")
        stored = skipped = conflicts = dead = dropped = 0
        for block in blocks:
            done = self.ledger[block.stream] if block.stream else set()
            for seq, point, time_ms, counts, quality in zip(
                block.sequence.tolist(),
                block.point_id.tolist(),
                block.time_ms.tolist(),
                block.counts.tolist(),
                block.quality.tolist(),
                strict=True,
            ):
                if block.stream and (seq in done or self._is_dropped(block.stream, seq)):
                    skipped += 1
                    continue
                value = (None if counts == NULL_COUNT else counts, quality)
                kept = self.rows.setdefault((point, time_ms), value)
                if kept == value:
                    stored += 1
                else:
                    conflicts += 1
                    dead += 1
            for letter in block.dead:
                covered = {0} if letter.first is None or letter.last is None else set(range(letter.first, letter.last + 1))
                if block.stream and covered <= done:
                    skipped += len(covered)
                    continue
                self.letters.append(letter)
                dead += len(covered)
            if block.gap is not None and block.stream:
                new = self._drop(block.stream, block.gap)
                dropped += new
                skipped += len(block.gap.range) - new
            elif block.range:
                done.update(range(block.range.first, block.range.last + 1))
        streams = dict.fromkeys(block.stream for block in blocks if block.stream)
        return WriteResult(
            stored=stored,
            skipped=skipped,
            conflicts=conflicts,
            dead_letters=dead,
            dropped=dropped,
            receipts=tuple(self._receipt(stream) for stream in streams),
        )

    def _call(self, name: str) -> None:
        if self.away:
            raise StorageUnavailable("the database is away")
        self.history.append(name)

    def _drop(self, stream: Stream, gap: GapRecord) -> int:
        """Numbers that a gap record commits and nothing else had: a gap may be far longer than a set of numbers could be."""
        numbers = SequenceSet.of([(gap.range.first, gap.range.last + 1)])
        new = numbers - self._committed(stream)
        self.gaps.append((stream, gap))
        self._dropped[stream] |= numbers
        return len(new)

    def _is_dropped(self, stream: Stream, sequence: int) -> bool:
        return bool(self._dropped[stream].contains(np.array([sequence]))[0])

    def _committed(self, stream: Stream) -> SequenceSet:
        return SequenceSet.of_numbers(np.array(sorted(self.ledger[stream]), dtype=np.int64)) | self._dropped[stream]

    def _receipt(self, stream: Stream) -> Receipt:
        committed = self._committed(stream)
        return Receipt(stream=stream, committed=committed.prefix(), above=committed.ranges_above(committed.prefix()))
