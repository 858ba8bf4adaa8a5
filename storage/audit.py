"""The audit chain in the database: one row after the other, each knowing the hash of the one before."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from psycopg import AsyncConnection

from domain.audit import GENESIS, chain_hash
from domain.errors import StorageError
from domain.ports_commands import AuditRow
from domain.setpoints import Witness
from storage.database import Database
from storage.sql import queries

_Q = queries("commands")


def as_json(body: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """The body as JSON gives it back, and its text: the chain must hash what a reader will read.

    Raises:
        StorageError: Something in it is no JSON value, NaN and infinity among them.
    """
    try:
        text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        text.encode()
    except (TypeError, ValueError) as error:
        raise StorageError(f"an audit body must hold JSON values only: {error}") from error
    return json.loads(text), text


async def append(
    connection: AsyncConnection, *, at: datetime, actor: str, action: str, subject: str, body: Mapping[str, Any]
) -> AuditRow:
    """Adds a row in the caller's transaction; others wait for its end, so call it last.

    Raises:
        StorageError: The body holds something that is no JSON value.
    """
    at = at.astimezone(UTC)
    kept, text = as_json(body)
    await connection.execute(_Q["lock_audit"])
    last = await (await connection.execute(_Q["last_audit"])).fetchone()
    sequence, previous = (int(last[0]) + 1, bytes(last[1])) if last else (1, GENESIS)
    digest = chain_hash(previous, sequence=sequence, at=at, actor=actor, action=action, subject=subject, body=kept)
    await connection.execute(
        _Q["insert_audit"],
        {
            "sequence": sequence,
            "at": at,
            "actor": actor,
            "action": action,
            "subject": subject,
            "body": text,
            "previous_hash": previous,
            "hash": digest,
        },
    )
    return AuditRow(
        sequence=sequence, at=at, actor=actor, action=action, subject=subject, body=kept, previous_hash=previous, hash=digest
    )


async def head(connection: AsyncConnection) -> Witness | None:
    """The end of the chain; None while it is empty."""
    last = await (await connection.execute(_Q["last_audit"])).fetchone()
    return Witness(sequence=int(last[0]), hash=bytes(last[1]).hex()) if last else None


async def rows_after(connection: AsyncConnection, after: int, limit: int) -> Sequence[AuditRow]:
    """Rows with sequence > ``after``, ascending."""
    rows = await (await connection.execute(_Q["audit_rows"], {"after": after, "limit": limit})).fetchall()
    return tuple(
        AuditRow(
            sequence=sequence,
            at=at.astimezone(UTC),
            actor=actor,
            action=action,
            subject=subject,
            body=json.loads(body),
            previous_hash=bytes(previous),
            hash=bytes(digest),
        )
        for sequence, at, actor, action, subject, body, previous, digest in rows
    )


class PostgresAnchors:
    """Signed anchors of the chain, beside it; what they mean is not known here."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, *, sequence: int, document: bytes, signature: bytes, key_id: str) -> None:
        """Keeps an anchor of the chain at a row; a second one of the same row is left out."""
        values = {"sequence": sequence, "document": document, "signature": signature, "key_id": key_id}
        async with self._database.transaction("keep an anchor") as connection:
            await connection.execute(_Q["insert_anchor"], values)

    async def all(self) -> Sequence[tuple[bytes, bytes, str]]:
        """(document, signature, key id) of every anchor, ascending."""
        async with self._database.transaction("read the anchors") as connection:
            rows = await (await connection.execute(_Q["anchors"])).fetchall()
        return tuple((bytes(document), bytes(signature), key_id) for document, signature, key_id in rows)

    async def issued_without_audit(self) -> Sequence[str]:
        """Ids of commands whose audit row is gone, a few of them."""
        async with self._database.transaction("hold the commands against the audit") as connection:
            rows = await (await connection.execute(_Q["issued_without_audit"])).fetchall()
        return tuple(str(row[0]) for row in rows)
