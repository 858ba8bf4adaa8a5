"""Dead letters: what could not become a reading, fitted so that no letter can itself be refused by the database.

A message that was refused in part left several letters in one transaction; the first of them holds its bytes for all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from psycopg import AsyncConnection

from domain.delivery import NULL_COUNT, DeadLetter, SequenceRange, Stream
from domain.errors import StorageError
from storage.database import Database
from storage.reading_rows import END_2100_MS, EPOCH_2000_MS
from storage.sequence_set import SequenceSet
from storage.sql import queries

PAYLOAD_LIMIT = 65_536
"""Bytes of a payload that are kept; its size and SHA-256 are always those of the whole."""
_TEXT_LIMIT = 2_000
_INT8 = 2**63


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedRow:
    """A dead letter about one row, with the row."""

    letter: DeadLetter
    point_id: int
    time_ms: int
    counts: int
    kept: int | None = None
    """What the readings table holds instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterFilter:
    """Which open letters are meant; what is None does not matter."""

    reason: str | None = None
    edge: str | None = None
    since: datetime | None = None
    """Received at this moment or later."""

    def values(self) -> dict[str, object]:
        """As the statements take it."""
        return {"reason": self.reason, "edge": self.edge, "since": self.since}


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterSummary:
    """Open letters of one reason and one gateway."""

    reason: str
    edge: str
    letters: int
    readings: int
    """Sequence numbers they cover; a letter without numbers counts one."""
    kept: int
    """Letters whose message is kept as a whole."""
    first_at: datetime
    last_at: datetime
    """When the first and the last of them were received."""
    detail: str
    """Of the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptMessage:
    """The open letters of one message."""

    ids: tuple[int, ...]
    reasons: tuple[str, ...]
    details: tuple[str, ...]
    message: int | None
    """Number of the letter that holds the bytes; None where none are kept."""
    edge: str
    stream: Stream | None
    ranges: tuple[SequenceRange, ...]
    """Numbers of the letters, where they have any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageBytes:
    """A message as it came."""

    topic: str
    payload: bytes
    received_ms: int
    whole: bool
    """False where the payload was cut to ``PAYLOAD_LIMIT``, or is not what its hash says."""


class PostgresDeadLetters:
    """What is dead, for reading; ``PostgresIngestStore.replay`` brings it back."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def summary(self, which: LetterFilter) -> tuple[LetterSummary, ...]:
        """Open letters by reason and gateway, newest first."""
        async with self._database.transaction("count the dead letters") as connection:
            rows = await (await connection.execute(queries("dead_letters")["summary"], which.values())).fetchall()
        return tuple(
            LetterSummary(
                reason=reason, edge=edge, letters=letters, readings=readings, kept=kept, first_at=first, last_at=last, detail=detail
            )
            for reason, edge, letters, readings, kept, first, last, detail in rows
        )

    async def messages(self, which: LetterFilter) -> tuple[KeptMessage, ...]:
        """Messages with an open letter that is meant, oldest first, without their bytes."""
        async with self._database.transaction("list the dead letters") as connection:
            rows = await (await connection.execute(queries("dead_letters")["messages"], which.values())).fetchall()
        return tuple(
            KeptMessage(
                ids=tuple(ids),
                reasons=tuple(reasons),
                details=tuple(details),
                message=message,
                edge=edge,
                stream=None if epoch is None else Stream(edge=edge, epoch=epoch),
                ranges=tuple(SequenceRange(first=a, last=b) for a, b in zip(firsts, lasts, strict=True) if a is not None),
            )
            for message, edge, epoch, ids, reasons, details, firsts, lasts in rows
        )

    async def bytes_of(self, message: int) -> MessageBytes:
        """The bytes of a message of ``messages``."""
        async with self._database.transaction("read a dead letter") as connection:
            row = await (await connection.execute(queries("dead_letters")["message"], {"id": message})).fetchone()
        if row is None:
            raise StorageError(f"read a dead letter: number {message} is gone")
        topic, payload, size, digest, received_ms = row
        whole = size == len(payload) and digest is not None and hashlib.sha256(payload).digest() == bytes(digest)
        return MessageBytes(topic=topic, payload=bytes(payload), received_ms=received_ms, whole=whole)


async def claim(connection: AsyncConnection, ids: Sequence[int]) -> SequenceSet | None:
    """Marks letters as replayed in the caller's transaction; their numbers, or None if any of them was replayed already."""
    rows = await (await connection.execute(queries("dead_letters")["claim"], {"ids": list(ids)})).fetchall()
    if len(rows) < len(ids):
        return None
    return SequenceSet.of((first, last + 1) for first, last in rows if first is not None)


async def disagreement(connection: AsyncConnection, stream: Stream) -> str | None:
    """None if the open letters of a stream, whose ledger row is locked, add up to what its ledger counts as dead."""
    row = await (
        await connection.execute(queries("dead_letters")["dead_by_letters"], {"edge": stream.edge, "epoch": stream.epoch})
    ).fetchone()
    covered, dead = row or (0, 0)
    if covered == (dead or 0):
        return None
    return f"open letters of {stream.edge} epoch {stream.epoch} cover {covered} numbers, its ledger counts {dead} as dead"


def iso(time_ms: int) -> str:
    """Milliseconds since 1970 as RFC 3339, or as a number where no calendar has a name for it."""
    try:
        return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return f"{time_ms} ms since 1970"


async def save_letters(connection: AsyncConnection, letters: Sequence[DeadLetter | RefusedRow]) -> None:
    """Inserts the letters in the caller's transaction."""
    if letters:
        async with connection.cursor() as cursor:
            await cursor.executemany(queries("ingest")["insert_dead_letter"], [_values(letter) for letter in letters])


def _values(item: DeadLetter | RefusedRow) -> dict[str, object]:
    row = item if isinstance(item, RefusedRow) else None
    letter = item.letter if isinstance(item, RefusedRow) else item
    return {
        "edge": plain_text(letter.edge),
        "reason": plain_text(letter.reason),
        "detail": plain_text(letter.detail),
        "topic": plain_text(letter.topic),
        "payload": letter.payload[:PAYLOAD_LIMIT],
        "payload_size": len(letter.payload),
        "payload_sha256": hashlib.sha256(letter.payload).digest() if letter.payload else None,
        "epoch": _int8(letter.epoch),
        "first": _int8(letter.first),
        "last": _int8(letter.last),
        "point_id": row.point_id if row else None,
        "time": moment(row.time_ms) if row else None,
        "value": row.counts if row and row.counts != NULL_COUNT else None,
        "kept_value": row.kept if row else None,
        "received_at": moment(letter.received_ms),
    }


def moment(time_ms: int | None) -> datetime | None:
    """The moment, where the database can hold it."""
    possible = time_ms is not None and EPOCH_2000_MS <= time_ms < END_2100_MS
    return datetime.fromtimestamp(time_ms / 1000, UTC) if possible and time_ms is not None else None


def plain_text(text: str) -> str:
    """PostgreSQL's text holds neither NUL nor half a surrogate pair."""
    return text.replace("\0", "�").encode(errors="replace").decode()[:_TEXT_LIMIT]


def _int8(number: int | None) -> int | None:
    return number if number is not None and -_INT8 <= number < _INT8 else None
