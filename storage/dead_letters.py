"""Dead letters: what could not become a reading, fitted so that no letter can itself be refused by the database."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from psycopg import AsyncConnection

from domain.delivery import NULL_COUNT, DeadLetter
from storage.reading_rows import END_2100_MS, EPOCH_2000_MS
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
    possible = row is not None and EPOCH_2000_MS <= row.time_ms < END_2100_MS
    return {
        "edge": _text(letter.edge),
        "reason": _text(letter.reason),
        "detail": _text(letter.detail),
        "topic": _text(letter.topic),
        "payload": letter.payload[:PAYLOAD_LIMIT],
        "payload_size": len(letter.payload),
        "payload_sha256": hashlib.sha256(letter.payload).digest() if letter.payload else None,
        "epoch": _int8(letter.epoch),
        "first": _int8(letter.first),
        "last": _int8(letter.last),
        "point_id": row.point_id if row else None,
        "time": datetime.fromtimestamp(row.time_ms / 1000, UTC) if row and possible else None,
        "value": row.counts if row and row.counts != NULL_COUNT else None,
        "kept_value": row.kept if row else None,
    }


def _text(text: str) -> str:
    """PostgreSQL's text holds neither NUL nor half a surrogate pair."""
    return text.replace("\0", "�").encode(errors="replace").decode()[:_TEXT_LIMIT]


def _int8(number: int | None) -> int | None:
    return number if number is not None and -_INT8 <= number < _INT8 else None
