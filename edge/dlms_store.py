"""Rows of load profiles on their way into the spool, each exactly once.

A profile's cursor is the time of the newest row taken. It is committed in one transaction with the rows, so that whatever dies at
whatever moment, the next visit goes on behind what is in the spool: a gap of a day is read like a gap of an hour.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from domain.ports import Clock
from edge.database import DatabaseThread
from edge.readings import SpoolReading, pack
from edge.spool import Spool
from protocols.dlms.obis import Obis


class MeterStore:
    """What the gateway remembers of its meters beside their readings."""

    def __init__(self, *, spool: Spool, database: DatabaseThread, clock: Clock, on_commit: Callable[[], None]) -> None:
        """``on_commit`` is told after each commit that there is something to send."""
        self._spool = spool
        self._database = database
        self._clock = clock
        self._on_commit = on_commit

    async def cursor_ms(self, device: str, profile: Obis) -> int:
        """Time of the newest row taken [ms since 1970 UTC]; 0 before the first."""
        return await self._database.run(self._spool.progress, _profile_key(device, profile))

    async def take(self, device: str, profile: Obis, readings: Sequence[SpoolReading], *, cursor_ms: int, historical: bool) -> None:
        """Commits rows, oldest first, together with their cursor.

        Raises:
            sqlite3.Error: The disk refused; nothing is taken and the cursor stands where it stood.
        """
        await self._database.run(self._append, device, _profile_key(device, profile), tuple(readings), cursor_ms, historical)
        self._on_commit()

    def _append(self, device: str, key: str, readings: tuple[SpoolReading, ...], cursor_ms: int, historical: bool) -> None:
        rows = pack([self._spool.channel(device, r.metric).alias for r in readings], readings)
        now_ms = int(self._clock.timestamp() * 1000)
        batches = [(device, rows)] if len(rows) else []
        self._spool.append_rows(batches, now_ms=now_ms, historical=historical, marker=(key, cursor_ms))

    async def quarantined_until_ms(self, device: str, fingerprint: str) -> int:
        """Until when a meter with these credentials is left alone [ms since 1970 UTC]; 0 for not at all."""
        return await self._database.run(self._spool.progress, _quarantine_key(device, fingerprint))

    async def quarantine(self, device: str, fingerprint: str, until_ms: int) -> None:
        """Remembers it: a gateway that restarts again and again must not lock its meters. 0 lifts it."""
        marker = (_quarantine_key(device, fingerprint), until_ms)
        now_ms = int(self._clock.timestamp() * 1000)
        await self._database.run(self._mark, marker, now_ms)

    def _mark(self, marker: tuple[str, int], now_ms: int) -> None:
        self._spool.append_rows([], now_ms=now_ms, marker=marker)


def _profile_key(device: str, profile: Obis) -> str:
    return f"profile:{device}:{profile}"


def _quarantine_key(device: str, fingerprint: str) -> str:
    return f"quarantine:{device}:{fingerprint}"
