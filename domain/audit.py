"""The audit chain: each row's hash covers the row and the hash before it, so that no edit stays unseen.

hash(n) = SHA-256( hash(n−1) ‖ canonical JSON of {sequence, at, actor, action, subject, body} )
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from domain.ports_commands import AuditRow

GENESIS = bytes(32)
"""The hash before the first row."""


def chain_hash(
    previous: bytes, *, sequence: int, at: datetime, actor: str, action: str, subject: str, body: Mapping[str, Any]
) -> bytes:
    """SHA-256 over the previous hash and the canonical form of the row (32 bytes).

    ``at`` is taken to the microsecond in UTC, as a database keeps it; ``body`` must hold JSON values only.
    """
    row = {
        "action": action,
        "actor": actor,
        "at": at.astimezone(UTC).isoformat(timespec="microseconds"),
        "body": body,
        "sequence": sequence,
        "subject": subject,
    }
    text = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(previous + text.encode()).digest()


def verify_chain(rows: Iterable[AuditRow], *, previous: bytes = GENESIS, first: int = 1) -> str | None:
    """Walks the chain; None if it is whole, else one sentence naming the first row that is wrong.

    Args:
        rows: Rows in ascending order.
        previous: Hash of the row before the first of ``rows``.
        first: Sequence number the first of ``rows`` must have.
    """
    expected = first
    for row in rows:
        if row.sequence != expected:
            return f"row {expected} is missing; found row {row.sequence} instead"
        if row.previous_hash != previous:
            return f"row {row.sequence} does not follow row {row.sequence - 1}: its previous hash differs"
        computed = chain_hash(
            previous,
            sequence=row.sequence,
            at=row.at,
            actor=row.actor,
            action=row.action,
            subject=row.subject,
            body=row.body,
        )
        if computed != row.hash:
            return f"row {row.sequence} was changed after it was written: its hash does not fit its content"
        previous, expected = row.hash, expected + 1
    return None
