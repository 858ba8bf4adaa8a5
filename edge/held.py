"""Readings whose time is not known yet: durable, without a number, outside the spool until the clock is right.

Each keeps its moment on the machine's boot clock, which nobody sets. A machine that restarts before its clock is right loses that
reference: what it held then goes out with the time it was given, flagged.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import groupby

from domain.readings import Quality
from edge.database import transaction
from edge.readings import SpoolReading, pack
from edge.spool import Spool

_TABLE = """
CREATE TABLE IF NOT EXISTS held (
    id INTEGER PRIMARY KEY AUTOINCREMENT, boot TEXT NOT NULL, boot_ms INTEGER NOT NULL, wall_ms INTEGER NOT NULL,
    device TEXT NOT NULL, metric TEXT NOT NULL, value REAL, quality INTEGER NOT NULL
)"""
_MARKER = "held"
_ROWS_A_COMMIT = 5000


class Held:
    """The table of them; every call blocks."""

    def __init__(self, connection: sqlite3.Connection, spool: Spool, *, boot: str) -> None:
        """Opens it. ``boot`` names this start of the machine."""
        self._db, self._spool, self._boot = connection, spool, boot
        connection.execute(_TABLE)
        self._delete_released()
        self._count = int(connection.execute("SELECT count(*) FROM held").fetchone()[0])

    @property
    def count(self) -> int:
        """How many wait."""
        return self._count

    def keep(self, readings: Sequence[SpoolReading], *, ahead_ms: int) -> None:
        """Commits readings whose ``time_ms`` came from a clock that was ``ahead_ms`` ahead of the boot clock."""
        rows = [(self._boot, r.time_ms - ahead_ms, r.time_ms, r.device, r.metric, r.value, int(r.quality)) for r in readings]
        with transaction(self._db) as db:
            db.executemany("INSERT INTO held (boot, boot_ms, wall_ms, device, metric, value, quality) VALUES (?,?,?,?,?,?,?)", rows)
        self._count += len(rows)

    def release(self, *, ahead_ms: int, sure: bool, now_ms: int) -> int:
        """Moves some into the spool, the oldest first; returns how many: call again until it is 0.

        ``sure``: the clock is right now, ``ahead_ms`` ahead of the boot clock, and times are repaired by it. Otherwise they keep
        the time they were given and are flagged.
        """
        rows = self._db.execute(
            "SELECT id, boot, boot_ms, wall_ms, device, metric, value, quality FROM held ORDER BY id LIMIT ?", (_ROWS_A_COMMIT,)
        ).fetchall()
        if not rows:
            return 0
        readings = []
        for _, boot, boot_ms, wall_ms, device, metric, value, quality in rows:
            known = sure and boot == self._boot != ""
            flagged = Quality(quality) if known or quality != Quality.GOOD else Quality.CLOCK
            time_ms = boot_ms + ahead_ms if known else wall_ms
            readings.append(SpoolReading(device=device, metric=metric, time_ms=time_ms, value=value, quality=flagged))
        by_device = sorted(readings, key=lambda r: r.device)
        batches = []
        for device, group in groupby(by_device, key=lambda r: r.device):
            members = list(group)
            batches.append((device, pack([self._spool.channel(device, r.metric).alias for r in members], members)))
        # The mark moves with the numbers: killed before the delete, the next start deletes what is behind it.
        self._spool.append_rows(batches, now_ms=now_ms, historical=True, marker=(_MARKER, int(rows[-1][0])))
        self._delete_released()
        self._count -= len(rows)
        return len(rows)

    def _delete_released(self) -> None:
        with transaction(self._db) as db:
            db.execute("DELETE FROM held WHERE id <= ?", (self._spool.progress(_MARKER),))
