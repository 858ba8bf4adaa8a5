"""Accounts over everything the database holds: for the verdict on a run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.database import Database
from storage.sql import queries

_Q = queries("accounts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """A finding or an alert."""

    word: str
    """Kind of the finding, code of the alert."""
    zone: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """What is there."""

    rows: int
    """Rows of the readings table, counted."""
    stored: int
    repeated: int
    dead: int
    """The same by the ledgers, in sequence numbers."""
    findings: tuple[Noted, ...]
    alerts: tuple[Noted, ...]
    orders: dict[str, int]
    """Commands of the law by state."""
    refusals: int
    """Proposals of the law the desk refused."""


async def read_accounts(database: Database, *, source: str) -> Accounts:
    """Everything in one transaction, so that the numbers fit one another.

    Args:
        database: As a role that may read readings, findings, alerts and commands.
        source: Whose commands are counted.
    """
    async with database.transaction("read the accounts") as connection:
        delivery = await (await connection.execute(_Q["delivery"])).fetchone()
        findings = await (await connection.execute(_Q["findings"])).fetchall()
        alerts = await (await connection.execute(_Q["alerts"])).fetchall()
        orders = await (await connection.execute(_Q["orders"], {"source": source})).fetchall()
        refusals = await (await connection.execute(_Q["refusals"], {"source": source})).fetchone()
    rows, stored, repeated, dead = delivery or (0, 0, 0, 0)
    return Accounts(
        rows=rows,
        stored=stored,
        repeated=repeated,
        dead=dead,
        findings=tuple(Noted(word=kind, zone=zone, at=at) for kind, zone, at in findings),
        alerts=tuple(Noted(word=code, zone=zone, at=at) for code, zone, at in alerts),
        orders={str(state): int(count) for state, count in orders},
        refusals=int(refusals[0]) if refusals else 0,
    )
