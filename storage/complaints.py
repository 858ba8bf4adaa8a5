"""Complaints of customers (port ``ComplaintStore``). Callers' numbers leave the table after a time; no view shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from domain.complaints import Complaint, ComplaintKind
from storage.database import Database
from storage.sql import queries

_Q = queries("complaints")


class PostgresComplaints:
    """``ComplaintStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_complaint(self, complaint: Complaint) -> bool:
        """Keeps a complaint; False, and nothing changes, if its key is there already."""
        values = asdict(complaint) | {"kind": complaint.kind.value}
        async with self._database.transaction("keep a complaint") as connection:
            return (await connection.execute(_Q["add"], values)).rowcount == 1

    async def complaints(self, *, since: datetime, zone: str | None = None, limit: int = 2000) -> Sequence[Complaint]:
        """Complaints noticed since, of one zone or of all, newest first."""
        wanted = {"since": since, "zone": zone, "limit": limit}
        async with self._database.transaction("read the complaints") as connection:
            rows = await (await connection.execute(_Q["complaints"], wanted)).fetchall()
        return tuple(_complaint(row) for row in rows)

    async def forget_phones(self, before: datetime) -> int:
        """Forgets the numbers of callers whose complaints were taken before; how many."""
        async with self._database.transaction("forget callers' numbers") as connection:
            return (await connection.execute(_Q["forget"], {"before": before})).rowcount


def _complaint(row: Sequence[Any]) -> Complaint:
    key, kind, noticed_at, taken_at, taken_by, zone, x, y, address, text, phone = row
    return Complaint(
        key=key, kind=ComplaintKind(kind), noticed_at=noticed_at, taken_at=taken_at, taken_by=taken_by, zone=zone, x=x, y=y,
        address=address, text=text, phone=phone,
    )  # fmt: skip
