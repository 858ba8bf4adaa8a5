"""What becomes of the readings of a batch, decided before SQL sees them. Pure.

    blocks ──gather──▶ Batch ──settle, given the ledger──▶ Settled: rows to write, letters, what each stream commits

Every number of every block ends in exactly one of: skipped (the ledger has it), to be written, repeated, dead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from domain.delivery import NULL_COUNT, BlockRows, DeadLetter, SequenceRange, Stream
from storage.dead_letters import RefusedRow, iso
from storage.ledger import is_possible
from storage.reading_rows import Rows
from storage.sequence_set import SequenceSet

_LAST_NUMBER = 2**63 - 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batch:
    """Several blocks as one."""

    senders: tuple[Stream | str, ...]
    """By number: a stream, or the bare name of a sender without receipts."""
    rows: Rows
    letters: tuple[tuple[int, DeadLetter, SequenceRange | None], ...]
    """Number of the sender, letter, range of the letter's block."""

    @property
    def streams(self) -> list[Stream]:
        """The senders that have a ledger."""
        return [sender for sender in self.senders if isinstance(sender, Stream)]


@dataclass(slots=True, kw_only=True, eq=False)
class Settled:
    """What is to be done, filled in step by step."""

    batch: Batch
    rows: Rows
    committing: dict[int, SequenceSet] = field(default_factory=dict)
    """Numbers each stream will have committed beyond its ledger, by number of the sender."""
    letters: list[DeadLetter | RefusedRow] = field(default_factory=list)
    dead: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """Readings that end as dead letters, by number of the sender."""
    repeated: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """Readings whose very content is there already, by number of the sender."""
    skipped: int = 0
    conflicts: int = 0

    def refuse(self, rows: Rows, place: int, reason: str, detail: str, kept: int | None = None) -> None:
        """One row becomes a dead letter."""
        number = int(rows.stream[place])
        sender = self.batch.senders[number]
        stream = sender if isinstance(sender, Stream) else None
        sequence = int(rows.sequence[place]) if stream else None
        letter = DeadLetter(
            edge=stream.edge if stream else str(sender),
            reason=reason,
            detail=detail,
            epoch=stream.epoch if stream else None,
            first=sequence,
            last=sequence,
        )
        self.letters.append(
            RefusedRow(
                letter=letter,
                point_id=int(rows.point_id[place]),
                time_ms=int(rows.time_ms[place]),
                counts=int(rows.counts[place]),
                kept=kept,
            )
        )
        self.dead[number] += 1

    def refuse_conflict(self, rows: Rows, place: int, kept_counts: int | None, kept_quality: int) -> None:
        """One row whose point and time hold another value."""
        self.conflicts += 1
        here = f"point {rows.point_id[place]} at {iso(int(rows.time_ms[place]))}"
        new = f"{_shown(int(rows.counts[place]))} (quality {rows.quality[place]})"
        detail = f"{here} holds {_shown(kept_counts)} (quality {kept_quality}); {new} was refused"
        self.refuse(rows, place, "conflict", detail, kept=None if kept_counts == NULL_COUNT else kept_counts)

    def repeat(self, rows: Rows) -> None:
        """These rows say what is there already."""
        self.repeated += np.bincount(rows.stream, minlength=self.repeated.size)


def gather(blocks: Sequence[BlockRows]) -> Batch:
    """The blocks as one batch. A sender the database cannot name keeps no ledger: its blocks become one dead letter each."""
    numbers: dict[Stream | str, int] = {}
    taken: list[tuple[int, BlockRows]] = []
    letters: list[tuple[int, DeadLetter, SequenceRange | None]] = []
    for block in blocks:
        if block.stream is not None and not is_possible(block.stream):
            number = numbers.setdefault(block.stream.edge, len(numbers))
            letters.append((number, _impossible(block, block.stream), None))
            continue
        number = numbers.setdefault(block.stream or block.edge, len(numbers))
        taken.append((number, block))
        letters += [(number, letter, block.range) for letter in block.dead]
    rows = Rows(
        stream=np.repeat(np.array([n for n, _ in taken], dtype=np.int32), [block.point_id.size for _, block in taken]),
        sequence=_joined([b.sequence if b.stream else np.zeros(b.point_id.size, dtype=np.int64) for _, b in taken], np.int64),
        point_id=_joined([b.point_id for _, b in taken], np.int32),
        time_ms=_joined([b.time_ms for _, b in taken], np.int64),
        counts=_joined([b.counts for _, b in taken], np.int64),
        quality=_joined([b.quality for _, b in taken], np.int16),
    )
    return Batch(senders=tuple(numbers), rows=rows, letters=tuple(letters))


def settle(batch: Batch, ledger: Mapping[Stream, SequenceSet]) -> Settled:
    """What is to be written, given what is committed.

    Args:
        ledger: Committed numbers of every stream of the batch.
    """
    zeros = np.zeros(len(batch.senders), dtype=np.int64)
    settled = Settled(batch=batch, rows=batch.rows, dead=zeros.copy(), repeated=zeros.copy())
    fresh = _fresh_rows(settled, ledger)
    _settle_letters(settled, ledger)
    possible = batch.rows.possible_times()
    for place in np.flatnonzero(fresh & ~possible).tolist():
        detail = f"observed at {iso(int(batch.rows.time_ms[place]))}, which is outside the years 2000 to 2099"
        settled.refuse(batch.rows, place, "time_out_of_range", detail)
    rows = batch.rows.take(fresh & possible)
    first = rows.twins()
    again = first != np.arange(len(rows))
    same = (rows.counts == rows.counts[first]) & (rows.quality == rows.quality[first])
    settled.repeat(rows.take(again & same))
    for place in np.flatnonzero(again & ~same).tolist():
        settled.refuse_conflict(rows, place, int(rows.counts[first[place]]), int(rows.quality[first[place]]))
    settled.rows = rows.take(~again)
    return settled


def _fresh_rows(settled: Settled, ledger: Mapping[Stream, SequenceSet]) -> NDArray[np.bool_]:
    """Which rows the ledger does not have yet, the first of each number; notes their numbers as to be committed."""
    rows = settled.batch.rows
    fresh = np.ones(len(rows), dtype=np.bool_)
    for number, sender in enumerate(settled.batch.senders):
        if not isinstance(sender, Stream):
            continue
        mine = np.flatnonzero(rows.stream == number)
        sequence = rows.sequence[mine]
        new = np.zeros(mine.size, dtype=np.bool_)
        new[np.unique(sequence, return_index=True)[1]] = True
        new &= ~ledger[sender].contains(sequence) & (sequence >= 1) & (sequence <= _LAST_NUMBER)
        fresh[mine] = new
        settled.committing[number] = SequenceSet.of_numbers(sequence[new])
        settled.skipped += int(mine.size - new.sum())
    return fresh


def _settle_letters(settled: Settled, ledger: Mapping[Stream, SequenceSet]) -> None:
    """Keeps the letters that say something new, and notes their numbers as to be committed."""
    for number, letter, block_range in settled.batch.letters:
        sender = settled.batch.senders[number]
        numbers = _numbers(letter.first, letter.last) if isinstance(sender, Stream) else None
        if isinstance(sender, Stream) and numbers is not None:
            new = numbers - ledger[sender] - settled.committing[number]
            settled.skipped += len(numbers) - len(new)
            if not len(new):
                continue
            settled.committing[number] |= new
            settled.dead[number] += len(new)
            settled.letters += _only(letter, new)
            continue
        if isinstance(sender, Stream) and block_range is not None:
            whole = _numbers(block_range.first, block_range.last)
            if whole is not None and not len(whole - ledger[sender]):
                continue  # a resend of a block that is through
        settled.letters.append(letter)


def _only(letter: DeadLetter, numbers: SequenceSet) -> list[DeadLetter]:
    """The letter for these of its numbers alone: open letters of a stream never overlap, so that they add up to what is dead.

    The first piece holds the bytes.
    """
    ranges = numbers.ranges_above(0)
    return [
        replace(letter, first=part.first, last=part.last, payload=letter.payload if i == 0 else b"")
        for i, part in enumerate(ranges)
    ]


def _numbers(first: int | None, last: int | None) -> SequenceSet | None:
    if first is None or last is None or not 1 <= first <= last <= _LAST_NUMBER:
        return None
    return SequenceSet.of([(first, last + 1)])


def _impossible(block: BlockRows, stream: Stream) -> DeadLetter:
    return DeadLetter(
        edge=stream.edge,
        reason="stream_out_of_range",
        detail=f"epoch {stream.epoch} is beyond 63 bits, or the name not printable; {block.point_id.size} readings not taken",
    )


_Scalar = TypeVar("_Scalar", bound=np.generic)


def _joined(parts: Sequence[NDArray[_Scalar]], kind: type[_Scalar]) -> NDArray[_Scalar]:
    return np.concatenate(parts).astype(kind, copy=False) if parts else np.zeros(0, dtype=kind)


def _shown(counts: int | None) -> str:
    return "no value" if counts is None or counts == NULL_COUNT else f"{counts} steps"
