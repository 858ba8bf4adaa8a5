"""Findings over their life (port ``FindingStore``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from psycopg.types.json import Jsonb

from domain.findings import Evidence, Finding, FindingKind
from storage.database import Database
from storage.sql import queries

_Q = queries("findings")


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
            }
            for finding in findings
        ]
        async with self._database.transaction("save findings") as connection, connection.cursor() as cursor:
            await cursor.executemany(_Q["save_finding"], rows)

    async def open_findings(self) -> Sequence[Finding]:
        """Findings that are not over, oldest first."""
        async with self._database.transaction("read the open findings") as connection:
            rows = await (await connection.execute(_Q["open_findings"])).fetchall()
        return tuple(
            Finding(
                key=key,
                kind=FindingKind(kind),
                zone=zone,
                detector=detector,
                since=since,
                found_at=found_at,
                flow_m3h=flow,
                flow_error_m3h=error,
                confidence=confidence,
                open=is_open,
                evidence=tuple(Evidence(**part) for part in evidence),
            )
            for key, kind, zone, detector, since, found_at, flow, error, confidence, is_open, evidence in rows
        )
