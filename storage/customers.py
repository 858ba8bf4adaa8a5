"""Leaks behind customers' meters, and what their watch remembers (ports ``CustomerStore``, ``CustomerReader``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from domain.customers import CustomerFinding, CustomerKind
from domain.points import PointKey
from domain.ports import WatchPart
from storage.database import Database
from storage.sql import queries

_Q = queries("customers")
_COLUMNS = (
    "key", "meter", "zone", "kind", "since", "found_at", "flow_m3h", "usual_m3h", "lasted_h", "seen_at", "ended_at", "reopened",
    "notes",
)  # fmt: skip


class PostgresCustomers:
    """``CustomerStore``, ``CustomerReader``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def parts(self) -> Sequence[WatchPart]:
        """Every part, in order."""
        async with self._database.transaction("read the watch of customers' meters") as connection:
            rows = await (await connection.execute(_Q["parts"])).fetchall()
        return tuple(WatchPart(number=n, looked_at=at, meters=tuple(PointKey(m) for m in meters)) for n, at, meters in rows)

    async def state(self, part: int) -> bytes | None:
        """What a part remembers; None of one that is not there."""
        async with self._database.transaction("read the watch of customers' meters") as connection:
            row = await (await connection.execute(_Q["state"], {"part": part})).fetchone()
        return None if row is None else bytes(row[0])

    async def save_look(self, part: WatchPart, state: bytes, findings: Sequence[CustomerFinding]) -> None:
        """What a look has changed, all of it or nothing."""
        rows = [asdict(f) | {"kind": f.kind.value, "notes": list(f.notes)} for f in findings]
        # What ends goes first: a meter has one that is open.
        rows.sort(key=lambda row: row["ended_at"] is None)
        async with self._database.transaction("save the watch of customers' meters") as connection, connection.cursor() as cursor:
            values = {"part": part.number, "looked_at": part.looked_at, "meters": list(part.meters), "state": state}
            await cursor.execute(_Q["save_part"], values)
            if rows:
                await cursor.executemany(_Q["save_finding"], rows)

    async def customer_findings(self, *, key: str | None = None, ended_since: datetime | None = None) -> Sequence[CustomerFinding]:
        """Those that are open, and with ``ended_since`` those that ended since; or the one of a key. Oldest onset first."""
        async with self._database.transaction("read leaks of customers") as connection:
            rows = await (await connection.execute(_Q["findings"], {"key": key, "ended_since": ended_since})).fetchall()
        found = (dict(zip(_COLUMNS, row, strict=True)) for row in rows)
        return tuple(CustomerFinding(**f | {"kind": CustomerKind(f["kind"]), "notes": tuple(f["notes"])}) for f in found)
