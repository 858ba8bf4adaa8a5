"""Findings over their life (port ``FindingStore``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from domain.findings import ConfidenceRegion, Evidence, Finding, FindingKind, RankedPlace
from storage.database import Database
from storage.sql import queries

_Q = queries("findings")
_COLUMNS = (
    "key", "kind", "zone", "detector", "since", "found_at", "flow_m3h", "flow_error_m3h", "confidence", "open", "evidence",
    "cause", "places", "money_a_day", "co2_kg_a_day", "notes", "region",
)  # fmt: skip


class PostgresFindings:
    """``FindingStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save_findings(self, findings: Sequence[Finding]) -> None:
        """Inserts or updates by ``key``; ``found_at`` keeps the first value it had."""
        rows = [
            {
                "key": finding.key,
                "kind": finding.kind.value,
                "zone": finding.zone,
                "detector": finding.detector,
                "since": finding.since,
                "found_at": finding.found_at,
                "flow_m3h": finding.flow_m3h,
                "flow_error_m3h": finding.flow_error_m3h,
                "confidence": finding.confidence,
                "open": finding.open,
                "evidence": Jsonb([asdict(part) for part in finding.evidence]),
                "cause": finding.cause,
                "places": Jsonb([asdict(part) for part in finding.places]),
                "money_a_day": finding.money_a_day,
                "co2_kg_a_day": finding.co2_kg_a_day,
                "notes": list(finding.notes),
                "region": None if finding.region is None else Jsonb(asdict(finding.region)),
            }
            for finding in findings
        ]
        async with self._database.transaction("save findings") as connection, connection.cursor() as cursor:
            await cursor.executemany(_Q["save_finding"], rows)

    async def open_findings(self) -> Sequence[Finding]:
        """Findings that are not over, oldest first."""
        async with self._database.transaction("read the open findings") as connection:
            rows = await (await connection.execute(_Q["open_findings"])).fetchall()
        return tuple(_finding(row) for row in rows)

    async def findings(self, *, key: str | None = None, since: datetime | None = None) -> Sequence[Finding]:
        """Findings over their whole life, oldest first.

        Args:
            key: Only this one.
            since: Only those still open, or found since.
        """
        async with self._database.transaction("read findings") as connection:
            rows = await (await connection.execute(_Q["findings"], {"key": key, "since": since})).fetchall()
        return tuple(_finding(row) for row in rows)


def _finding(row: Sequence[Any]) -> Finding:
    values = dict(zip(_COLUMNS, row, strict=True))
    return Finding(
        **values
        | {
            "kind": FindingKind(values["kind"]),
            "evidence": tuple(Evidence(**part) for part in values["evidence"]),
            "places": tuple(RankedPlace(**part) for part in values["places"]),
            "notes": tuple(values["notes"]),
            "region": _region(values["region"]),
        }
    )


def _region(value: dict[str, Any] | None) -> ConfidenceRegion | None:
    return None if value is None else ConfidenceRegion(**value | {"pipes": tuple(value["pipes"])})
